"""What the company sells: articles with prices in cents."""

from __future__ import annotations

from dataclasses import dataclass

from ingestion.demo.company import vocabulary as words
from ingestion.demo.company.draw import Stream


@dataclass(frozen=True)
class Article:
    """One article; ``price`` in cents including 23 % value-added tax."""

    sku: str
    name: str
    category: str
    category_name: str
    price: int
    weight: int


def make_catalogue(seed: int) -> list[Article]:
    """All articles: each kind of each category in two to four colours."""
    s = Stream(seed, "catalogue")
    found: list[Article] = []
    for slug, category, low, high, kinds in words.CATEGORIES:
        for kind in kinds:
            base = s.one(low // 100, high // 100) * 100 + 90
            first = s.one(0, len(words.COLOURS) - 1)
            for c in range(s.one(2, 4)):
                colour = words.COLOURS[(first + c) % len(words.COLOURS)]
                found.append(
                    Article(
                        sku=f"{slug[:3].upper()}-{len(found) + 101}",
                        name=f"{kind}, {colour}",
                        category=slug,
                        category_name=category,
                        price=base + 200 * c,
                        weight=s.one(2, 20),
                    )
                )
    return found
