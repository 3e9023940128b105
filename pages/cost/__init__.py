"""What the requests cost, what of it bought nothing, and what a month comes to."""
