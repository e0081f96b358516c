"""One vectorised matcher over Arrow batches: pure functions, no files, no rules."""
