"""When a client is to ask again: soon where something happens, later where nothing does or when there is much to do."""

from feed_service.polling.memory import MEMORY_US

USUAL_S, SOON_S, LATER_S = 15, 5, 30
ACTIVE_S = 60
IDLE_S = MEMORY_US / 1_000_000
JITTER = 0.2
"""Clients that began together, as after a restart, drift apart."""


def poll_after_s(idle_s: float | None, load: float, chance: float) -> int:
    """Seconds, 4 to 72. `idle_s`: since something happened in what is polled, None if that is not known.

    `load`: above 1 the service has more to do than it should. `chance`: evenly from 0 to 1, as `random.random()`.
    """
    usual = USUAL_S if idle_s is None else SOON_S if idle_s < ACTIVE_S else LATER_S if idle_s >= IDLE_S else USUAL_S
    loaded = usual * 2 if load > 1 else usual
    return round(loaded * (1 - JITTER + 2 * JITTER * chance))
