"""Skewed choices: few are chosen often, most seldom, as on any social site (Zipf)."""

from collections.abc import Callable, Collection, Iterator
from random import Random

STEP = 7_919
"""A prime; multiplied with it, neighbouring ranks fall on places far apart."""


def zipf(random: Random, size: int, *, shift: int = 50) -> Callable[[], int]:
    """Numbers 0 … size - 1, the n-th drawn in proportion to 1 / (n + shift).

    Without the shift the first of 100,000 would be drawn 6 % of the time; with 50 it is 0.3 %.
    """
    uniform, ratio = random.random, 1 + size / shift
    return lambda: min(int(shift * (ratio ** uniform() - 1)), size - 1)


def scattered(draw: Callable[[], int], size: int) -> Callable[[], int]:
    """The same skew, with the often drawn ones anywhere among 0 … size - 1 instead of in front."""
    step = next((prime for prime in (STEP, 7_927, 7_933) if size % prime), 1)
    return lambda: draw() * step % size


def recent(random: Random, size: int) -> Callable[[], int]:
    """Numbers 0 … size - 1, the last ones most often: half of the draws lie in the last 6 %."""
    uniform = random.random
    return lambda: size - 1 - int(size * uniform() ** 4)


def shares(total: int, size: int, draw: Callable[[], int], *, most: int) -> list[int]:
    """How many of `total` fall on each of `size`, none above `most`; what does not fit goes to the next."""
    counts = [0] * size
    for _ in range(total):
        place = draw()
        while counts[place] >= most:
            place = (place + 1) % size
        counts[place] += 1
    return counts


def distinct(count: int, size: int, draw: Callable[[], int], excluded: Collection[int] = ()) -> Iterator[int]:
    """`count` different numbers below `size`; one drawn before gives way to the next free one."""
    seen = set(excluded)
    for _ in range(min(count, size - len(seen))):
        choice = draw()
        while choice in seen:
            choice = (choice + 1) % size
        seen.add(choice)
        yield choice
