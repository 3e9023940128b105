"""Who needs attention: agents, operations and models side by side, and one agent by itself."""
