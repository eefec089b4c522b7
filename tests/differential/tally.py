"""What came of many documents."""

import re
from collections import Counter
from dataclasses import dataclass, field

from tests.differential.cases import Case
from tests.differential.running import Outcome


@dataclass
class Tally:
    """`refused`: before anything ran. `errors`: with at least one error. `fell_back`: by reason."""

    asked: int = 0
    mutations: int = 0
    refused: int = 0
    errors: int = 0
    compiled: int = 0
    fell_back: Counter[str] = field(default_factory=Counter)
    sound: Counter[str] = field(default_factory=Counter)
    """The paths of answers without errors."""
    codes: Counter[str] = field(default_factory=Counter)
    internal: list[Case] = field(default_factory=list)

    def count(self, case: Case, outcome: Outcome) -> None:
        self.compiled += outcome.path == "compiled"
        if outcome.path == "reference":
            self.fell_back[outcome.reason] += 1
        self.errors += outcome.has_errors
        self.codes.update(set(re.findall(r'"code":"([A-Z_]+)"}', outcome.body.decode())) if outcome.has_errors else ())
        self.sound[outcome.path] += not outcome.has_errors
        if outcome.is_internal:
            self.internal.append(case)

    @property
    def share_compiled(self) -> float:
        """Of the answers without errors."""
        return self.sound["compiled"] / max(1, self.sound.total())

    def __str__(self) -> str:
        return (
            f"{self.asked} documents, {self.mutations} of them mutations: {self.refused} refused before they ran, "
            f"{self.errors} with errors ({shown(self.codes)});\n"
            f"{self.compiled} ran compiled ({self.share_compiled:.0%} of those without errors), "
            f"{self.fell_back.total()} fell back ({shown(self.fell_back)})"
        )


def shown(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {n}" for name, n in counter.most_common())
