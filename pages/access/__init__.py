"""Who visits, and what stands in place of a page they may not see."""
