"""What a bounded memory holds, and what it lets go."""

import random

from feed_service.bounded import Bounded, Halves


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


def test_halves_find_many_keys_and_keep_those_that_are_asked_for() -> None:
    memory = Halves[int, str](most=20)
    for key in range(200):
        memory.put(key, str(key))
        assert memory.many([0, key, -1]) == ["0", str(key), None]
    assert memory.many([1]) == [None]
    assert [memory.drop(key) for key in (0, 0, 199)] == [True, False, True]
    assert memory.many([0, 199, 198]) == [None, None, "198"]
    memory.clear()
    assert (memory.many([198]), len(memory)) == ([None], 0)


def test_halves_stay_within_their_bounds_and_never_find_what_was_replaced_or_dropped() -> None:
    choose = random.Random(7)  # noqa: S311 - the same each time.
    memory = Halves[int, tuple[int, int]](most=40, most_weight=400, weigh=lambda value: value[1])
    stored: dict[int, tuple[int, int]] = {}
    for step in range(20_000):
        key = choose.randrange(60)
        if choose.random() < 0.3:
            memory.drop(key)
            stored.pop(key, None)
        elif choose.random() < 0.5:
            stored[key] = (step, choose.randrange(1, 30))
            memory.put(key, stored[key])
        keys = [choose.randrange(60) for _ in range(3)]
        assert all(found in {None, stored.get(key)} for key, found in zip(keys, memory.many(keys), strict=True))
        held = [found for found in memory.many(range(60)) if found is not None]
        assert len(held) <= len(memory) <= 40
        assert sum(weight for _, weight in held) <= 400
