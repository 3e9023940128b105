"""How to begin, how each role uses the dashboard, and what its words mean."""
