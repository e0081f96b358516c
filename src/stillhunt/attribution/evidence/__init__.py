"""One file per line of evidence: what a sighting is worth for each group."""
