"""Is it getting worse, and why: the change of a rate taken apart until it is a request."""
