"""The memory of a process that serves: what it is started with, and what it gives back before the first request."""

import ctypes
import gc
import mmap
import re
import sys
import typing
from collections.abc import Iterator
from pathlib import Path

ENVIRONMENT = {
    # Of glibc: one heap for all threads, for few allocate beside the loop; what is free at its end is given back.
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_TRIM_THRESHOLD_": "1000000",
    # Without docstrings, of which SQLAlchemy alone has 3 MB, and without assertions.
    "PYTHONOPTIMIZE": "2",
    # And of each instruction the line alone, not the columns.
    "PYTHONNODEBUGRANGES": "1",
}
"""Of the process from its start on, unless the environment says otherwise."""

GC_THRESHOLDS = (10_000, 20, 20)
"""With what was there at start frozen, a collection looks at the requests under way alone; they leave few cycles."""

SMAPS = Path("/proc/self/smaps")
REGION = re.compile(r"(?P<first>[0-9a-f]+)-(?P<end>[0-9a-f]+) r-.. \S+ \S+ (?!0 )\d+ +/")
"""The heading of a region of memory that shows a file and cannot be written to."""


def settle() -> None:
    """What stays is passed over by the garbage collector from now on, and what importing needed is given back.

    Pages of libraries that only importing had read are 9 MB of a worker's 100 (2026-11-21). The kernel would take them
    back when memory is short; until then they would count as ours.
    """
    typing.clear_overloads()
    sys.path_importer_cache.clear()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)
    for first, size in _unchanged_files():
        # What is asked for again comes from the kernel's memory of files, which all processes share.
        libc.madvise(ctypes.c_void_p(first), ctypes.c_size_t(size), mmap.MADV_DONTNEED)


def _unchanged_files() -> Iterator[tuple[int, int]]:
    """(address, bytes) of the regions that hold nothing but what stands in a file. None where Linux does not tell."""
    if not SMAPS.exists():
        return
    region = None
    with SMAPS.open() as lines:
        for line in lines:
            if "-" in line.partition(" ")[0]:
                region = REGION.match(line)
            elif region and line.startswith("Anonymous:") and line.split()[1] == "0":
                first, end = int(region["first"], 16), int(region["end"], 16)
                yield first, end - first
