"""What a memory answers is what snapshots say, in whatever order transactions end, and until it has forgotten."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from feed_service.polling.memory import MEMORY_US, Event, Memory, late
from feed_service.polling.snapshots import Snapshot

SECOND = 1_000_000


def post(xid: int, seq: int, at: int = 0, is_published_at: int | None = None) -> Event:
    return Event(xid, seq, at, "post", "update", seq, 1, 1, seq, None, None, None, is_published_at, (), ())


@dataclass
class History:
    """Transactions that begin, write and end, and what a snapshot sees of them, as PostgreSQL has it."""

    next_xid: int = 10
    open: dict[int, list[Event]] = field(default_factory=dict)
    committed: list[Event] = field(default_factory=list)
    seq: int = 0

    def begin(self) -> None:
        self.open[self.next_xid] = []
        self.next_xid += 1

    def write(self, place: int) -> None:
        xid = sorted(self.open)[place % len(self.open)]
        self.seq += 1
        self.open[xid].append(post(xid, self.seq))

    def end(self, place: int, *, is_committed: bool) -> None:
        written = self.open.pop(sorted(self.open)[place % len(self.open)])
        self.committed += written if is_committed else []

    def snapshot(self) -> Snapshot:
        ended = [xid for xid in range(10, self.next_xid) if xid not in self.open]
        xmax = max(ended, default=9) + 1
        still_open = frozenset(xid for xid in self.open if xid < xmax)
        return Snapshot(min(still_open, default=xmax), xmax, still_open)


KINDS = ["begin", "write", "write", "commit", "commit", "roll back", "read", "look"]
STEPS = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 9)), max_size=80)


@given(STEPS, st.sampled_from([3, 10, 1_000]))
def test_a_memory_tells_what_each_snapshot_could_not_see(steps: list[tuple[str, int]], most_events: int) -> None:
    history = History()
    memory = Memory(1, history.snapshot(), 1, most_events=most_events)
    read, number, positions = history.snapshot(), 1, [history.snapshot()]
    for step, place in steps:
        if step == "begin":
            history.begin()
        elif step == "write" and history.open:
            history.write(place)
        elif step in {"commit", "roll back"} and history.open:
            history.end(place, is_committed=step == "commit")
        elif step == "look":
            positions.append(history.snapshot())
        elif step == "read":
            before, read, number = read, history.snapshot(), number + 1
            new = [event for event in history.committed if not before.sees(event.xid)]
            if new:
                memory.take(new, number, read, number)
            positions.append(read)
    seen = [event for event in history.committed if read.sees(event.xid)]
    for position in positions:
        found = memory.since(position, number)
        expected = [event for event in seen if not position.sees(event.xid)]
        if found is None:
            assert len(seen) > most_events, "it has not forgotten anything"
        else:
            assert sorted(found) == sorted(expected)
    assert len(memory.events) <= most_events


def test_what_is_old_is_forgotten_with_the_next_news() -> None:
    def seen(xid: int) -> Snapshot:
        return Snapshot(xid, xid, frozenset())

    memory = Memory(1, seen(10), 0)
    memory.take([post(10, 1)], 2, seen(11), 1)
    memory.take([post(11, 2)], 3, seen(12), MEMORY_US)
    assert [event.seq for event in memory.since(seen(10), 0) or ()] == [1, 2]
    memory.take([post(12, 3)], 4, seen(13), MEMORY_US + 2)
    assert memory.since(seen(10), 0) is None
    assert [event.seq for event in memory.since(seen(11), 1) or ()] == [2, 3]
    assert memory.after(1) is None
    assert [event.seq for event in memory.after(2) or ()] == [2, 3]
    assert [event.seq for event in memory.after(3) or ()] == [3]
    assert memory.after(9) == []


def test_what_falls_due_is_told_by_the_clock() -> None:
    start = Snapshot(10, 10, frozenset())
    memory = Memory(1, start, 0)
    scheduled = post(10, 1, 5, is_published_at=20)
    memory.take([scheduled], 2, Snapshot(11, 11, frozenset()), 10)
    due = scheduled.fallen_due()
    memory.take([due], 3, Snapshot(11, 11, frozenset()), 25)
    assert memory.since(start, 0) == [scheduled, due]
    assert memory.since(Snapshot(11, 11, frozenset()), 19) == [due]
    assert memory.since(Snapshot(11, 11, frozenset()), 20) == []
    assert memory.after(2) == [due]


def test_a_post_that_was_due_before_its_transaction_could_be_seen_falls_due_with_it() -> None:
    waiting, past = post(10, 1, 5, is_published_at=20), post(11, 2, 30, is_published_at=20)
    assert late([waiting, past, post(12, 3)], 25) == [waiting.fallen_due()]
    assert late([waiting], 19) == []
