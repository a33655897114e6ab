"""Between the analysis and the frontends: stored results, selection, suppressions, and the making of a report."""
