"""Many who poll and many who write, on two real processes, while the cache is killed, frozen and emptied."""
