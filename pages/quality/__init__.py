"""How good the answers were: what evaluations, users and the answers themselves say."""
