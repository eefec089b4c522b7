"""The audit of npm's graphql-http against a running service, when npm can install it."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

AUDIT = Path(__file__).parent / "audit"
FINDINGS = 61


@pytest.fixture(scope="module")
def audit() -> Path:
    """The script, with its packages beside it; node_modules is ignored by git and kept for the next run."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    installed = AUDIT / "node_modules" / ".package-lock.json"
    lock = AUDIT / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        done = subprocess.run(
            [npm, "ci", "--ignore-scripts", "--no-audit", "--fetch-retries=1"],
            cwd=AUDIT,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if done.returncode:
            pytest.skip(f"npm could not install graphql-http: {done.stderr[-200:]}")
    return AUDIT / "audit.js"


def test_every_finding_of_the_audit_is_ok(audit: Path, service_url: str) -> None:
    run = subprocess.run(
        ["node", audit, f"{service_url}/graphql"], capture_output=True, text=True, check=True, timeout=60
    )
    findings = json.loads(run.stdout)
    assert [finding for finding in findings if finding["status"] != "ok"] == []
    assert len(findings) == FINDINGS
