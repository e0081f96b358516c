"""Results to pages: one frozen brief, many renderers."""
