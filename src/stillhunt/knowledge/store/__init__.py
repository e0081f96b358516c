"""Where claims are kept: one file, or a PostgreSQL server; added to and taken back, never edited."""

from stillhunt.knowledge.store.store import Operation, Store
from stillhunt.knowledge.store.view import Found, View

__all__ = ["Found", "Operation", "Store", "View"]
