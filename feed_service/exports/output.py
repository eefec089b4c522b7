"""Standard output as the place where lines go: what could not be written is never taken for written."""

import os
import sys

from feed_service.errors import OutputLost


async def to_standard_output(lines: bytes) -> None:
    """Straight to the file: a buffer would be found to be full, or its reader gone, after the trailer.

    It waits where it is. There is nothing else to do until the reader goes on, and PostgreSQL waits as well.

    Raises:
        OutputLost: the disk is full, the reader of the pipe has gone, or there is no standard output.
    """
    if sys.stdout is None:  # The number of its file is another's by now, perhaps the database's.
        raise OutputLost("The export is not whole; there is no standard output.")
    rest, number = memoryview(lines), sys.stdout.fileno()
    try:
        while rest:
            rest = rest[os.write(number, rest) :]
    except OSError as error:
        raise OutputLost(f"The export is not whole; it could not be written: {error.strerror}.") from error
