"""What is added up from the minutes of processes: quantiles are bounds, gaps are gaps, what is left out is 0."""

from feed_service.metering import LATENCY_S
from feed_service.operations.figures import bars, bound, share, size
from feed_service.operations.parts import Trend
from feed_service.operations.render_html import sparkline
from feed_service.operations.served import BEYOND_S, Pool, Times
from tests.operations.planted import bucket


def test_a_quantile_is_the_bound_of_its_bucket() -> None:
    times = Times()
    assert times.within(0.5) is None
    times.add({"calls": 99, "seconds": 1.0, "buckets": bucket(0.01, 99)})
    times.add({"calls": 1, "seconds": 12.0, "buckets": [0] * len(LATENCY_S) + [1]})
    times.add({})
    assert [times.within(quantile) for quantile in (0.5, 0.99, 1.0)] == [0.01, 0.01, BEYOND_S]
    assert (times.calls, times.errors, times.above(0.01), times.above(0.005)) == (100, 0, 0.01, 1.0)


def test_a_pool_is_full_where_somebody_waited() -> None:
    pool = Pool()
    for told in ({"size": 10, "in_use": 2}, {"size": 4, "most": 2, "waits": 0}, {"size": 10}):
        pool.add(told)
    assert (pool.size, pool.most, pool.used) == (4, 2, 0.5)
    pool.add({"size": 10, "in_use": 1, "waits": 3, "waited": 0.25})
    assert (pool.used, pool.waits, pool.waited_s) == (1.0, 3, 0.25)


def test_trends_leave_gaps_where_nothing_was_measured() -> None:
    trend = Trend([0.0, 5.0, None, 10.0])
    assert bars(trend) == "▁▅ █"
    assert sparkline(trend).count("<polyline") == 1
    assert sparkline(trend).count("<circle") == 1
    assert "greatest 10, last 10" in sparkline(trend)


def test_figures_say_what_is_not_known() -> None:
    assert (bound(0.025, 10.0), bound(BEYOND_S, 10.0), bound(None, 10.0)) == ("≤ 25", "> 10,000", "-")
    assert (size(None), size(8_192), size(3 * 2**30), share(None), share(0.1234)) == (
        "not known", "8.0 kB", "3.0 GB", "not known", "12.34 %",
    )  # fmt: skip
