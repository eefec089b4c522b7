"""All optimisations, in the order of the report."""

from collections.abc import Sequence

from benchmarks.optimisations.cache import CACHE
from benchmarks.optimisations.cases import Optimisation
from benchmarks.optimisations.columns import COLUMNS
from benchmarks.optimisations.executor import EXECUTOR
from benchmarks.optimisations.feed_plan import FEED_PLAN
from benchmarks.optimisations.indexes import INDEXES
from benchmarks.optimisations.keyset import KEYSET
from benchmarks.optimisations.loaders import BESIDE, LOADERS
from benchmarks.optimisations.prepared import PREPARED
from benchmarks.optimisations.stat_rows import STAT_ROWS

OPTIMISATIONS: Sequence[Optimisation] = (
    LOADERS, BESIDE, COLUMNS, CACHE, KEYSET, FEED_PLAN, INDEXES, STAT_ROWS, PREPARED, EXECUTOR
)  # fmt: skip
