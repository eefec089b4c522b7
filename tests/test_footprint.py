"""What a process that serves gives back, tried in one of its own: the garbage collector's settings are for good."""

import os
import subprocess
import sys

from feed_service import footprint

PROGRAM = """
import gc, hashlib, re
from feed_service import app, footprint

def resident():
    return int(re.search(r"RssFile:\\s+(\\d+)", open("/proc/self/status").read())[1])

is_linux = footprint.SMAPS.exists()
before = is_linux and resident()
footprint.settle()
print(gc.get_freeze_count() > 100_000, gc.get_threshold() == footprint.GC_THRESHOLDS, app.create_app.__doc__)
print(not is_linux or resident() < before)
# What was given back is read again.
print(re.sub("(.)", r"<\\1>", "x"), hashlib.sha256(b"x").hexdigest()[:4])
"""


def test_a_process_that_serves_gives_back_what_starting_needed() -> None:
    environment = os.environ | footprint.ENVIRONMENT
    argv = [sys.executable, "-c", PROGRAM]
    ran = subprocess.run(argv, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    assert ran.stdout.splitlines() == ["True True None", "True", "<x> 2d71"]
