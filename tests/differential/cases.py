"""One question to both executors."""

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    """What is asked, and by whom: the name of one of the village's viewers."""

    text: str
    viewer: str = "dan"
    variables: dict[str, Any] = field(default_factory=dict)
    operation_name: str | None = None

    def __str__(self) -> str:
        given = json.dumps(self.variables, ensure_ascii=False)
        return f"{self.text}\n# by {self.viewer}, {self.operation_name or 'the one operation'}, with {given}"
