"""`python -m tests.migration_lint`: squawk on the SQL of every migration that may meet a database in use."""

import subprocess
import sys
from pathlib import Path

from alembic.script import ScriptDirectory

from feed_service.migrations import alembic_config, statements_of
from feed_service.settings import CHECKOUT

HISTORY = "0008"
"""Up to here migrations are as they are: what they have locked, they have locked."""

SQUAWK = Path(sys.executable).parent / "squawk"


def to_check() -> list[str]:
    revisions = (script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions())
    return sorted(revision for revision in revisions if revision > HISTORY)


def faults_of(sql: str, name: str) -> str:
    """What squawk says, and nothing when all is well."""
    checked = subprocess.run(
        [SQUAWK, "--reporter", "gcc", "--stdin-filepath", f"{name}.sql"],
        input=sql, cwd=CHECKOUT, text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert checked.returncode in {0, 1}, checked.stderr
    return checked.stdout if checked.returncode else ""


def main() -> None:
    faults = [faults_of(statements_of(revision), revision) for revision in to_check()]
    if any(faults):
        raise SystemExit("".join(faults))


if __name__ == "__main__":
    main()
