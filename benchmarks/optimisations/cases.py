"""An optimisation: its cases, each with a side where it is off and one where it is on."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from feed_service.database import ReadDatabase


@dataclass(frozen=True)
class Side:
    """`ask`: the answer to one turn, which is what is timed. A block of turns is run `within`, which is not timed."""

    ask: Callable[[int], Awaitable[Any]]
    within: Callable[[], AbstractAsyncContextManager[Any]] = nullcontext


@dataclass(frozen=True)
class Case:
    """One question with an optimisation off and on. `plain`: an answer as it compares with that of the other side.

    `databases` are those that the sides read by, `note` is shown beside the figures; with it on, each turn is asked
    `repeated` times before anything is measured.
    """

    name: str
    turns: int
    off: Side
    on: Side
    databases: Sequence[ReadDatabase] = ()
    plain: Callable[[Any], Any] = lambda answer: answer
    note: str = ""
    repeated: int = 0


@dataclass(frozen=True)
class Optimisation:
    """`cases` opens what they need on a ground, until it is left."""

    name: str
    off: str
    on: str
    cases: Callable[..., AbstractAsyncContextManager[Sequence[Case]]]
