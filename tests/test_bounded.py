"""What a bounded memory holds, and what it lets go."""

from feed_service.bounded import Bounded


def test_what_was_not_asked_for_for_longest_goes_first() -> None:
    memory = Bounded[str, int](most=2)
    memory.put("a", 1)
    memory.put("b", 2)
    assert memory.get("a") == 1
    memory.put("c", 3)
    assert ([memory.get(key) for key in "abc"], "b" in memory) == ([1, None, 3], False)


def test_weights_follow_what_is_replaced_dropped_and_cleared() -> None:
    memory = Bounded[str, int](most=9, most_weight=10)
    for _ in range(20):
        memory.put("a", 1, 6)
    memory.put("b", 2, 4)
    assert (memory.get("a"), memory.get("b")) == (1, 2)
    memory.drop("a")
    memory.drop("a")
    memory.put("c", 3, 6)
    assert (memory.get("b"), memory.get("c")) == (2, 3)
    memory.clear()
    memory.put("d", 4, 99)
    assert memory.get("d") == 4, "the newest stays, whatever it weighs"
    memory.put("e", 5, 1)
    assert (memory.get("d"), memory.get("e")) == (None, 5)
