"""The polling helper for browsers and Node, by its own tests, where Node is installed."""

import shutil
import subprocess
from pathlib import Path

import pytest

CLIENT = Path(__file__).parents[1] / "clients" / "javascript"
OLDEST_NODE = 18


def test_the_polling_helper_keeps_its_protocol() -> None:
    """On a virtual clock against a service in memory; tests/clients runs it against the real one."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.strip("v").split(".")[0]) < OLDEST_NODE:
        pytest.skip(f"Node {OLDEST_NODE} or newer is not installed")
    run = subprocess.run([node, "--test"], cwd=CLIENT, capture_output=True, text=True, check=False, timeout=120)
    assert run.returncode == 0, run.stdout
