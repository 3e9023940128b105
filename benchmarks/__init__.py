"""What `make bench` runs: one file per claim, each against a named peer in the same run."""
