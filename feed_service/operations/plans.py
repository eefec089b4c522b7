"""Plans as EXPLAIN (FORMAT JSON) of PostgreSQL 15 to 18 tells them: steps, figures, and a name for the shape."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson

CONDITIONS = ("Index Cond", "Recheck Cond", "Hash Cond", "Merge Cond", "Join Filter", "Filter", "One-Time Filter")
REMOVED = ("Rows Removed by Filter", "Rows Removed by Join Filter", "Rows Removed by Index Recheck")
QUOTED = re.compile(r"'(?:[^']|'')*'")

ENDS_ITS_INPUT = {"Sort", "Hash", "Hashed Aggregate", "Plain Aggregate", "Mixed Aggregate"}
"""Steps that read all of what is below them, whatever is taken of their own rows."""

OF_MONTHS = re.compile(r"[_a-z]*\d[\d_a-z]*$")
"""The end of a partition's name."""


@dataclass(frozen=True)
class Buffers:
    """Pages of 8 kB: found in PostgreSQL's own memory, asked of the system, and those of temporary files."""

    hit: int = 0
    read: int = 0
    temp_read: int = 0
    temp_written: int = 0


@dataclass(frozen=True)
class Node:
    """A step of a plan.

    `estimated` and `rows` are of one loop; `rows` and `ms` are None if the plan was not analysed, and `loops` then 0.
    `ms` and `buffers` are of all loops and of what is below. `removed`: rows read and thrown away, in all loops.
    `part`: such as CTE authors, InitPlan 2. `may_end_early`: it may be left before its end, of which its estimate
    tells nothing.
    """

    kind: str
    relation: str | None
    index: str | None
    conditions: tuple[str, ...]
    estimated: float
    rows: float | None
    loops: float
    removed: float
    ms: float | None
    buffers: Buffers
    spilled_kb: int
    may_end_early: bool
    relationship: str
    part: str
    children: tuple["Node", ...]

    @property
    def all_rows(self) -> float:
        return (self.rows or 0) * self.loops

    def walk(self, depth: int = 0) -> Iterator[tuple[int, "Node"]]:
        yield depth, self
        for child in self.children:
            yield from child.walk(depth + 1)


@dataclass(frozen=True)
class Plan:
    """`fingerprint`: of the shape. Milliseconds are None where they were not measured. `settings`: not the defaults."""

    root: Node
    fingerprint: str
    planning_ms: float | None
    execution_ms: float | None
    settings: Mapping[str, str]

    @property
    def is_analyzed(self) -> bool:
        return self.execution_ms is not None

    @property
    def relations(self) -> set[str]:
        return {node.relation for _, node in self.root.walk() if node.relation}


def plan_of(found: Mapping[str, Any], *, hides_texts: bool = False) -> Plan:
    """From the one object in EXPLAIN's answer. `hides_texts`: quoted texts in conditions are values, and not shown."""
    root = _node(found["Plan"], may_end_early=False, hides_texts=hides_texts)
    return Plan(
        root,
        blake2b(orjson.dumps(_shape(root)), digest_size=4).hexdigest(),
        found.get("Planning Time"),
        found.get("Execution Time"),
        found.get("Settings", {}),
    )


def _node(found: Mapping[str, Any], *, may_end_early: bool, hides_texts: bool) -> Node:
    kind, loops = kind_of(found), found.get("Actual Loops", 0)
    conditions = tuple(f"{name}: {found[name]}" for name in CONDITIONS if name in found)
    below = [
        _node(part, may_end_early=_may_end_early(found, part, kind, outer=may_end_early), hides_texts=hides_texts)
        for part in found.get("Plans", ())
    ]
    return Node(
        kind,
        found.get("Relation Name") or found.get("CTE Name") or found.get("Function Name"),
        found.get("Index Name"),
        tuple(QUOTED.sub("'…'", line) for line in conditions) if hides_texts else conditions,
        found["Plan Rows"],
        found.get("Actual Rows"),
        loops,
        sum(found.get(name, 0) for name in REMOVED) * loops,
        found["Actual Total Time"] * loops if "Actual Total Time" in found else None,
        Buffers(
            *(found.get(f"{name} Blocks", 0) for name in ("Shared Hit", "Shared Read", "Temp Read", "Temp Written"))
        ),
        _spilled_kb(found),
        may_end_early,
        found.get("Parent Relationship", ""),
        found.get("Subplan Name", ""),
        tuple(below),
    )


def kind_of(found: Mapping[str, Any]) -> str:
    """Such as Parallel Seq Scan, Hashed Aggregate, Nested Loop Left Join, Update."""
    kind: str = found["Node Type"]
    if kind == "ModifyTable":
        return str(found["Operation"])
    if "Join Type" in found:
        join = "" if found["Join Type"] == "Inner" else f"{found['Join Type']} "
        kind = f"{kind.removesuffix(' Join')} {join}Join"
    if kind == "Aggregate":
        kind = f"{found.get('Strategy', 'Plain')} {kind}"
    return f"Parallel {kind}" if found.get("Parallel Aware") else kind


def _may_end_early(found: Mapping[str, Any], part: Mapping[str, Any], kind: str, *, outer: bool) -> bool:
    """Whether whoever takes the rows of `part` may stop before its end."""
    relationship = part.get("Parent Relationship")
    if relationship in {"SubPlan", "InitPlan"} or kind == "Limit" or found["Node Type"] == "Merge Join":
        return True
    stops = found.get("Inner Unique") or found.get("Join Type") in {"Semi", "Anti"}
    if relationship == "Inner" and stops and found["Node Type"] == "Nested Loop":
        return True
    return outer and kind.removeprefix("Parallel ") not in ENDS_ITS_INPUT


def _spilled_kb(found: Mapping[str, Any]) -> int:
    """What did not fit into work_mem and went to disk, as far as this step tells; its workers' as well."""
    kb = found.get("Sort Space Used", 0) if found.get("Sort Space Type") == "Disk" else 0
    kb += found.get("Disk Usage", 0)  # Of a hashed aggregate.
    kb += found.get("Maximum Storage", 0) if found.get("Storage") == "Disk" else 0  # PostgreSQL 18: CTEs and windows.
    for groups in ("Full-sort Groups", "Pre-sorted Groups"):  # Of an incremental sort.
        kb += found.get(groups, {}).get("Sort Space Disk", {}).get("Peak Sort Space Used", 0)
    if not kb and found.get("Hash Batches", 1) > 1:
        kb = found.get("Peak Memory Usage", 0) * (found["Hash Batches"] - 1)
    return int(kb) + sum(map(_spilled_kb, found.get("Workers", ())))


def _shape(node: Node) -> list[Any]:
    """What the fingerprint is of. One month more is no other plan: equal parts of an Append stand for each other."""
    is_append = node.kind.removeprefix("Parallel ") in {"Append", "Merge Append"}
    below = [_shape(child) for child in node.children]
    if is_append:
        below = [_without_months(part) for part in below]
        below = [part for n, part in enumerate(below) if part not in below[:n]]
    return [node.relationship, node.kind, node.relation, node.index, below]


def _without_months(part: list[Any]) -> list[Any]:
    relationship, kind, relation, index, below = part
    relation, index = (name and OF_MONTHS.sub("", name) for name in (relation, index))
    return [relationship, kind, relation, index, list(map(_without_months, below))]
