"""Latency: how durations are spread, how they move, who is slow, and what comes near the limit."""
