"""Words every room shares: pure values, no files read behind your back, no clock."""
