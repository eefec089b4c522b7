"""Deterministic, skewed data of any size, for trying and measuring: `feed-service seed`."""

from feed_service.imports.seed.load import seed
from feed_service.imports.seed.plan import SeedPlan

__all__ = ["SeedPlan", "seed"]
