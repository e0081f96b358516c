"""Who is out there: groups, what they use and who says so, beside the logs."""

from stillhunt.knowledge.attack import load_knowledge
from stillhunt.knowledge.base import KnowledgeBase
from stillhunt.knowledge.entry import Edge, Group, Provenance, Software, Technique, Trait

__all__ = ["Edge", "Group", "KnowledgeBase", "Provenance", "Software", "Technique", "Trait", "load_knowledge"]
