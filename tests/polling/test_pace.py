"""When a client is to ask again."""

import pytest

from feed_service.polling.pace import poll_after_s


@pytest.mark.parametrize(
    ("idle_s", "load", "chance", "seconds"),
    [
        (0, 0.5, 0.5, 5),
        (59.9, 1, 0, 4),
        (60, 1, 1, 18),
        (None, 0, 0.5, 15),
        (599.9, 0, 0, 12),
        (600, 0, 0.5, 30),
        (1e9, 1.1, 1, 72),
        (0, 1.1, 0.5, 10),
    ],
)
def test_a_client_asks_soon_where_something_happens(
    idle_s: float | None, load: float, chance: float, seconds: int
) -> None:
    assert poll_after_s(idle_s, load, chance) == seconds
