"""What is wrong with a plan, if anything, each with its evidence."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from feed_service.operations.plans import Node, Plan

LARGE_ROWS = 10_000
"""Rows of a table, or rows read of it in one statement, from which a scan of all of it is worth a word."""

MISJUDGED = 10
MISJUDGED_ROWS = 1_000
"""Of the larger side, in all loops. A batch has up to 1,000 keys, which a plan for any values takes for ten: below
that, another plan would gain nothing that could be felt."""

UNTOLD = {"Limit", "CTE Scan", "BitmapAnd", "BitmapOr"}
"""Steps that expect no more than they were told to, or what is expected elsewhere, or give no rows."""

DISCARDED = 10
DISCARDED_ROWS = 1_000
"""Rows thrown away, and how many for each one kept."""

SLOW_MS = 200.0
"""As the slow log has it unless it is told otherwise."""


class Kind(StrEnum):
    SEQUENTIAL_SCAN = "sequential scan"
    MISESTIMATE = "misestimate"
    SPILL = "spill"
    DISCARDED = "rows discarded"
    N_PLUS_ONE = "N+1"
    SLOW = "slow"
    OVER_TIME = "over time"
    REFUSED = "refused"


@dataclass(frozen=True)
class Verdict:
    kind: Kind
    evidence: str


def of_plan(plan: Plan, table_rows: Mapping[str, float]) -> list[Verdict]:
    """`table_rows`: how large tables are thought to be; a plan that was not analysed is judged by them."""
    found = [
        verdict
        for _, node in plan.root.walk()
        for verdict in (_scan(node, plan, table_rows), _spill(node), _discarded(node, plan))
        if verdict is not None
    ]
    return found + (_misestimates(plan.root) if plan.is_analyzed else []) + _temporary(plan, found)


def slow(plan: Plan, seconds: float) -> list[Verdict]:
    """If both took long, the run in the operation and the one that was measured: one alone may have had to wait."""
    ms = plan.execution_ms
    if ms is None or min(ms, seconds * 1e3) < SLOW_MS:
        return []
    most = max((node for _, node in plan.root.walk()), key=own_ms)
    loops = f", done {most.loops:,.0f} times" if most.loops > 1 else ""
    return [Verdict(Kind.SLOW, f"It took {ms:,.0f} ms, about {own_ms(most):,.0f} of them in {_place(most)}{loops}.")]


def own_ms(node: Node) -> float:
    """Without the steps below. A scan of a CTE has none: it is measured with the CTE, which stands elsewhere."""
    if node.kind == "CTE Scan":
        return 0.0
    return (node.ms or 0) - sum(child.ms or 0 for child in node.children)


def reads_all(node: Node) -> bool:
    """Whether it looks at each row of a table, one after the other, in the table or in an index."""
    kind = node.kind.removeprefix("Parallel ")
    if kind in {"Index Scan", "Index Only Scan"}:
        return not any(condition.startswith("Index Cond") for condition in node.conditions)
    return kind == "Seq Scan"


def _scan(node: Node, plan: Plan, table_rows: Mapping[str, float]) -> Verdict | None:
    if not reads_all(node):
        return None
    size = table_rows.get(node.relation or "", 0)
    if not plan.is_analyzed:
        # A walk along an index that is left after a page is what a feed is made of.
        is_large = size >= LARGE_ROWS and not node.may_end_early
        text = f"{_place(node)} reads all of about {size:,.0f} rows"
    else:
        read = node.all_rows + node.removed
        is_large = read >= LARGE_ROWS
        text = f"{_place(node)} reads {read:,.0f} rows and keeps {node.all_rows:,.0f}"
    return Verdict(Kind.SEQUENTIAL_SCAN, f"{text}.") if is_large else None


def _spill(node: Node) -> Verdict | None:
    if not node.spilled_kb:
        return None
    return Verdict(Kind.SPILL, f"{_place(node)} took about {node.spilled_kb:,} kB of disk, for want of work_mem.")


def _temporary(plan: Plan, found: list[Verdict]) -> list[Verdict]:
    """Pages of temporary files that no step has told of."""
    pages = plan.root.buffers.temp_written
    if not pages or any(verdict.kind is Kind.SPILL for verdict in found):
        return []
    return [Verdict(Kind.SPILL, f"{pages * 8:,} kB were written to temporary files.")]


def _discarded(node: Node, plan: Plan) -> Verdict | None:
    kept, removed = node.all_rows, node.removed
    is_told = reads_all(node) and kept + removed >= LARGE_ROWS
    if not plan.is_analyzed or is_told or removed < DISCARDED_ROWS or removed < DISCARDED * max(kept, 1):
        return None
    return Verdict(Kind.DISCARDED, f"{_place(node)} throws away {removed:,.0f} rows and keeps {kept:,.0f}.")


def _misestimates(node: Node) -> list[Verdict]:
    """Where they begin: the steps above inherit what is wrong below."""
    below = [verdict for child in node.children for verdict in _misestimates(child)]
    if below or node.rows is None or not node.loops or node.kind in UNTOLD:
        return below
    expected, got = node.estimated * node.loops, node.all_rows
    is_too_low = got > MISJUDGED * expected and got >= MISJUDGED_ROWS
    is_bound = node.may_end_early or _is_of_a_page(node)
    is_too_high = expected > MISJUDGED * got and expected >= MISJUDGED_ROWS and not is_bound
    if not (is_too_low or is_too_high):
        return []
    text = f"{_place(node)} was expected to give {expected:,.0f} rows and gave {got:,.0f}."
    return [Verdict(Kind.MISESTIMATE, text)]


def _is_of_a_page(node: Node) -> bool:
    """Whether its estimate is that of a LIMIT, which is a bound: a page need not be full. A CTE may have one."""
    inputs = [child for child in node.children if child.relationship not in {"SubPlan", "InitPlan"}]
    return node.kind in {"Limit", "CTE Scan"} or any(map(_is_of_a_page, inputs))


def _place(node: Node) -> str:
    where = f" on {node.relation}" if node.relation else ""
    by = f" by {node.index}" if node.index else ""
    return f"{node.kind}{where}{by}"
