"""Who is out there: groups, what they use and who says so, beside the logs."""

from stillhunt.knowledge.base import KnowledgeBase
from stillhunt.knowledge.entry import Edge, Group, Provenance, Software, Technique, Trait
from stillhunt.knowledge.packed import load_knowledge

__all__ = ["Edge", "Group", "KnowledgeBase", "Provenance", "Software", "Technique", "Trait", "load_knowledge"]
