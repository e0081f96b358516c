"""Events kept as Parquet: what a hunt has read once, and need not read again."""
