"""Rules, evaluation, decisions, state, outbox, channels, digest: what is said, to whom, once, and why."""
