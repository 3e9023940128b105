"""Write one JSON line per request, so that timeouts can be counted, explained and budgeted."""
