"""The dashboard: filters, one cached query, a metric, a chart, words. No sums, no SQL, no colours of its own."""
