"""A seeded world of AI requests: a week of logs with planted incidents, and a trickle that goes on from there."""
