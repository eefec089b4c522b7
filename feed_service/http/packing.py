"""Bodies packed with gzip, and unpacked."""

import asyncio
import zlib

from feed_service.http.headers import GZIP_LEVEL, THREAD_FROM_BYTES

GZIP_FORMAT = 16 + zlib.MAX_WBITS


async def packed(body: bytes) -> bytes:
    """In a thread where that takes the event loop less time: to hand it over takes 80 µs, and so do about 10 kB."""
    if len(body) < THREAD_FROM_BYTES:
        return _packed(body)
    return await asyncio.get_running_loop().run_in_executor(None, _packed, body)


def unpacked(body: bytes) -> bytes:
    """30 kB in 0.1 ms."""
    return zlib.decompress(body, GZIP_FORMAT)


def _packed(body: bytes) -> bytes:
    packing = zlib.compressobj(GZIP_LEVEL, wbits=GZIP_FORMAT)
    return packing.compress(body) + packing.flush()
