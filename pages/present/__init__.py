"""The weekly meeting: the answer on five slides, on a screen and in one file to send."""
