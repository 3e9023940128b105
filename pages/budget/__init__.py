"""The error budget: what is left, when it ends, how fast it burns, who spent it, and what another limit would mean."""
