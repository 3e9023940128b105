"""Requests one by one: which of them, in which order, page by page."""
