"""A shallow grammar of English reports: words, phrases, clauses; no trained model, the same answer everywhere."""

__all__: list[str] = []
