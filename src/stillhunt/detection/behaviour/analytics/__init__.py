"""Analytics, one file each: the constant ``ANALYTIC`` of each is found by the file's name."""

from __future__ import annotations

__all__: list[str] = []
