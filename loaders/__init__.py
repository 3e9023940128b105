"""Bytes on disk -> rows in the store. Every complete line is stored, quarantined, a proven duplicate, or blank."""
