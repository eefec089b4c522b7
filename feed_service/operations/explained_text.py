"""An explanation as a person reads it: for a terminal, or as Markdown."""

from collections.abc import Iterator
from textwrap import wrap

from feed_service.operations.explanations import Explained, ExplainedStatement
from feed_service.operations.plans import Buffers, Node

FINE = "fine"
STEP_WIDTH, TEXT_WIDTH = 76, 120
HEAD = ("statement", "runs", "rows", "ms", "pages", "plan", "verdict")


def terminal(explained: Explained) -> str:
    rows = [HEAD, *map(_row, explained.statements)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = [_summary(explained), *(f"Error: {error}" for error in explained.errors), ""]
    for row in rows:
        cells = [
            cell.rjust(width) if 1 <= n <= 4 else cell.ljust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    for number, statement in enumerate(explained.statements, 1):
        lines += ["", f"{number}. {statement.name}", *(f"   {line}" for line in _facts(statement)), ""]
        lines += [f"   {line}" for long in statement.text.splitlines() for line in wrap(long, TEXT_WIDTH)]
        lines += ["", *(f"   {line}" for line in plan_lines(statement))]
    return "\n".join(lines) + "\n"


def markdown(explained: Explained) -> str:
    lines = [f"# {explained.operation or 'Unnamed operation'}", "", _summary(explained), ""]
    lines += [f"- Error: {error}" for error in explained.errors]
    lines += [f"| {' | '.join(HEAD)} |", "|---|--:|--:|--:|--:|---|---|"]
    lines += [f"| {' | '.join(_row(statement))} |" for statement in explained.statements]
    for number, statement in enumerate(explained.statements, 1):
        lines += ["", f"## {number}. {statement.name}", "", *(f"- {line}" for line in _facts(statement))]
        lines += ["", "```sql", statement.text, "```", "", "```text", *plan_lines(statement), "```"]
    return "\n".join(lines) + "\n"


def _summary(explained: Explained) -> str:
    statements = explained.statements
    runs, seconds = sum(one.runs for one in statements), sum(one.seconds for one in statements)
    who = f"as {explained.viewer}" if explained.viewer else "as a visitor who is not signed in"
    number = sum(len(one.verdicts) for one in statements)
    verdict = FINE.capitalize() if explained.is_fine else f"Verdicts: {number}, errors: {len(explained.errors)}"
    return (
        f"{explained.operation or 'The operation'} {who}, by the {explained.executor} executor: "
        f"{explained.seconds * 1e3:.1f} ms. "
        f"Statements: {len(statements)}, runs: {runs}, {seconds * 1e3:.1f} ms in all, some at a time. {verdict}."
    )


def _row(statement: ExplainedStatement) -> tuple[str, ...]:
    plan = statement.plan
    return (
        statement.name,
        str(statement.runs),
        f"{statement.rows:,}",
        f"{statement.seconds * 1e3:.2f}",
        f"{plan.root.buffers.hit + plan.root.buffers.read:,}" if plan and plan.is_analyzed else "-",
        plan.fingerprint if plan else "-",
        ", ".join(dict.fromkeys(verdict.kind for verdict in statement.verdicts)) or FINE,
    )


def _facts(statement: ExplainedStatement) -> Iterator[str]:
    asked = ", ".join(f"{one.path or 'no field'} ({one.times} times)" for one in statement.asked_by)
    yield f"asked by {asked}"
    if statement.values is not None:
        yield f"values: {statement.values}"
    plan = statement.plan
    if plan is not None and plan.execution_ms is not None:
        ran = f", run again in {plan.execution_ms:.2f} ms, {pages_of(plan.root.buffers)}"
        yield f"plan {plan.fingerprint}{ran}"
    elif plan is not None:
        yield f"plan {plan.fingerprint}, not run again, made in {plan.planning_ms or 0:.2f} ms"
    yield from (f"{verdict.kind}: {verdict.evidence}" for verdict in statement.verdicts)
    if statement.is_fine:
        yield FINE


def pages_of(buffers: Buffers) -> str:
    temporary = buffers.temp_read + buffers.temp_written
    return f"{buffers.hit:,} pages in memory, {buffers.read:,} from the system" + (
        f", {temporary:,} temporary" if temporary else ""
    )


def plan_lines(statement: ExplainedStatement) -> list[str]:
    """A line for each step with its figures at the right, and its conditions below it."""
    if statement.plan is None:
        return ["no plan"]
    lines = [f"{'step':<{STEP_WIDTH}}{'expected':>10}{'rows':>10}{'loops':>8}{'ms':>10}{'pages':>9}"]
    for depth, node in statement.plan.root.walk():
        lines.append(_step(depth, node))
        lines += [f"{'  ' * depth}    {condition}" for condition in node.conditions]
        if node.removed:
            lines.append(f"{'  ' * depth}    {node.removed:,.0f} rows thrown away")
    return lines


def _step(depth: int, node: Node) -> str:
    """`expected` and `rows` are of one loop."""
    where = f" on {node.relation}" if node.relation else ""
    by = f" by {node.index}" if node.index else ""
    part = f"[{node.part}] " if node.part else ""
    step = f"{'  ' * depth}{part}{node.kind}{where}{by}"
    if node.rows is None or node.ms is None:
        return f"{step:<{STEP_WIDTH}}{node.estimated:>10,.0f}"
    if not node.loops:
        return f"{step:<{STEP_WIDTH}}{node.estimated:>10,.0f}  never run"
    rows = f"{node.rows:,.0f}" if node.rows >= 10 or node.rows == int(node.rows) else f"{node.rows:.2f}"
    pages = node.buffers.hit + node.buffers.read
    return f"{step:<{STEP_WIDTH}}{node.estimated:>10,.0f}{rows:>10}{node.loops:>8,.0f}{node.ms:>10.2f}{pages:>9,}"
