"""What is going wrong, what did, what was said and done about it, and what a rule would have done."""
