"""A sync token comes back as it was written, for its own viewer and list, and nothing else is taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feed_service.errors import InvalidCursor
from feed_service.paging import Cursors, Order
from feed_service.polling.changes import Position
from feed_service.polling.snapshots import Snapshot
from feed_service.polling.tokens import SyncToken, SyncTokens, of_feed, of_thread
from feed_service.viewer import ANONYMOUS, Viewer
from feed_service.vocabulary import FeedKind

TOKENS = SyncTokens(b"secret")
HOME, ANN = of_feed(FeedKind.HOME), Viewer(1)

TYPICAL = SyncToken(2**62, Snapshot.parse("88123450:88123459:88123450,88123457"), 1_800_000_000_000_000)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    xmax = draw(st.integers(2, 2**63 - 1))
    open_xids = draw(st.frozensets(st.integers(max(1, xmax - 2_000), xmax - 1), max_size=60))
    return Snapshot(min(open_xids, default=xmax), xmax, open_xids)


LAST = st.none() | st.tuples(st.integers(1, 2**63 - 1), st.integers(0, 2**63 - 1))
ANY_TOKEN = st.builds(
    SyncToken, st.integers(0, 2**63 - 1), snapshots(), st.integers(0, 2**53), st.none() | snapshots(), LAST,
    st.text(max_size=40),
)  # fmt: skip


@given(ANY_TOKEN)
def test_a_token_comes_back_as_it_was_written(token: SyncToken) -> None:
    assert TOKENS.decode(HOME, ANN, TOKENS.encode(HOME, ANN, token)) == token


@given(ANY_TOKEN, st.data())
def test_a_token_that_was_touched_is_refused(token: SyncToken, data: st.DataObject) -> None:
    text = TOKENS.encode(HOME, ANN, token)
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.sampled_from("ABCxyz019-_=+/ é\0"))
    for touched in (text[:place] + letter + text[place + 1 :], text[:place], text[:place] + letter + text[place:]):
        if touched != text:
            with pytest.raises(InvalidCursor):
                TOKENS.decode(HOME, ANN, touched)


@pytest.mark.parametrize("text", ["", "A", "=", "\ud800", "A" * 100_000, "0" * 100, "null"], ids=range(7))
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(InvalidCursor):
        TOKENS.decode(HOME, ANN, text)


@pytest.mark.parametrize(
    ("purpose", "viewer"),
    [
        (HOME, Viewer(2)),
        (HOME, ANONYMOUS),
        (of_feed(FeedKind.GLOBAL), ANN),
        (of_feed(FeedKind.HOME, "tags=1"), ANN),
        (of_thread(1), ANN),
    ],
)
def test_a_token_of_another_viewer_or_list_is_refused(purpose: str, viewer: Viewer) -> None:
    text = TOKENS.encode(HOME, ANN, TYPICAL)
    with pytest.raises(InvalidCursor):
        TOKENS.decode(purpose, viewer, text)
    with pytest.raises(InvalidCursor):
        SyncTokens(b"another").decode(HOME, ANN, text)


def test_a_consistency_token_and_a_sync_token_refuse_each_other() -> None:
    cursors, order = Cursors(b"secret"), Order("ConsistencyToken", "i")
    with pytest.raises(InvalidCursor):
        TOKENS.decode(HOME, ANN, cursors.encode(order, (7,)))
    with pytest.raises(InvalidCursor):
        cursors.decode(order, TOKENS.encode(HOME, ANN, TYPICAL))


def test_a_token_is_short_and_tells_its_position() -> None:
    cut = TYPICAL._replace(upto=Snapshot.parse("88123470:88123470:"), last=(88123460, 5))
    assert len(TOKENS.encode(HOME, ANN, TYPICAL)) == 55
    assert len(TOKENS.encode(HOME, ANN, cut)) < 90
    assert cut.position == Position("88123450:88123459:88123450,88123457", "88123470:88123470:", (88123460, 5))
