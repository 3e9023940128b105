"""The week and the month on paper: one value, as a page, a PDF and a table."""
