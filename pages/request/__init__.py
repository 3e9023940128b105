"""One request: what it did, step by step, and what became of it."""
