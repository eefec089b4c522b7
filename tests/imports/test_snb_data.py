"""The real SNB data set, compared with its files read in the plainest way."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from feed_service.slugs import slug_of
from tests.imports.running import REAL, contents, fetch, load, needs_real_data

pytestmark = needs_real_data

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rows(name: str) -> Iterator[list[str]]:
    lines = (REAL / f"{name}_0_0.csv").read_text(encoding="utf-8").split("\n")
    return (line.split("|") for line in lines[1:] if line)


def at(milliseconds: str) -> datetime:
    return EPOCH + timedelta(milliseconds=int(milliseconds))


@pytest.fixture(scope="module", name="url")
async def imported(module_database_url: str) -> str:
    report = await load(module_database_url, REAL)
    assert report.bad_rows == []
    return module_database_url


async def test_every_row_of_the_files_has_its_place(url: str) -> None:
    expected = {
        "users": 222,
        "tags": 16_080,
        "posts": 5_924,
        "comments": 2_218,
        "user_follows": 2 * 825,
        "tag_follows": 4_777,
        "post_tags": 683,
        "post_likes": 759,
        "comment_likes": 624,
        "external_ids": 222 + 16_080 + 5_924 + 2_218,
    }
    for table, count in expected.items():
        assert await fetch(url, f"SELECT count(*) FROM {table}") == [(count,)], table  # noqa: S608


async def test_a_second_run_changes_nothing_and_says_so(url: str) -> None:
    before = await contents(url)
    report = await load(url, REAL)
    assert await contents(url) == before
    assert report.written == 0
    assert report.kinds["posts"].skipped == 5_924
    assert report.lines()[-1] == "Nothing changed: every row was there already."


async def test_what_has_no_place_is_counted(url: str) -> None:
    unused = (await load(url, REAL)).unused
    assert unused["dynamic/forum_0_0.csv"] == 805
    assert unused["dynamic/comment_hasTag_tag_0_0.csv"] == 2_553
    assert unused["update_streams/updateStream_0_0_person.csv"] == 28


async def test_persons_keep_their_names_and_times(url: str) -> None:
    stored = await fetch(url, "SELECT username, display_name, created_at FROM users ORDER BY username")
    assert stored == sorted((f"snb{row[0]}", f"{row[1]} {row[2]}", at(row[5])) for row in rows("dynamic/person"))


async def test_posts_keep_texts_languages_times_and_authors(url: str) -> None:
    author = dict(rows("dynamic/post_hasCreator_person"))
    stored = await fetch(
        url,
        "SELECT external_id, username, body, language, p.created_at, published_at, status FROM posts p"
        " JOIN users u ON u.id = author_id JOIN external_ids ON local_id = p.id AND kind = 'post'",
    )
    expected = (
        (post, f"snb{author[post]}", text, language or None, at(created), at(created), "published")
        for post, _, created, _, _, language, text, _ in rows("dynamic/post")
    )
    assert sorted(stored, key=str) == sorted(expected, key=str)


async def test_a_picture_is_titled_by_its_file_and_a_text_by_its_beginning(url: str) -> None:
    titles = dict(
        await fetch(
            url, "SELECT external_id, title FROM posts p JOIN external_ids ON local_id = p.id AND kind = 'post'"
        )
    )
    for post, image, _, _, _, _, text, _ in rows("dynamic/post"):
        title = titles[post]
        assert title == image if image else text.startswith(title)
        assert len(title) <= 80 or image
        if not image and len(text) > 80:
            assert text[len(title)] == " "
            assert " " not in text[len(title) : 80].lstrip(), "another whole word would fit"
    assert titles["137438953507"] == "About Norodom Sihanouk, November 1953, when France granted independence to"


async def test_comments_keep_texts_and_stand_below_what_they_answer(url: str) -> None:
    author = dict(rows("dynamic/comment_hasCreator_person"))
    on_post, on_comment = dict(rows("dynamic/comment_replyOf_post")), dict(rows("dynamic/comment_replyOf_comment"))
    stored = await fetch(
        url,
        "SELECT e.external_id, username, c.body, c.created_at, a.external_id, p.external_id, octet_length(c.path) / 16,"
        " c.parent_id IS NOT DISTINCT FROM c.reply_to_id AND substr(c.path, 1, octet_length(above.path)) = above.path"
        " FROM comments c JOIN users u ON u.id = c.author_id"
        " JOIN external_ids e ON e.kind = 'comment' AND e.local_id = c.id"
        " JOIN external_ids p ON p.kind = 'post' AND p.local_id = c.post_id"
        " LEFT JOIN comments above ON above.id = c.parent_id"
        " LEFT JOIN external_ids a ON a.kind = 'comment' AND a.local_id = c.parent_id",
    )

    def chain(comment: str) -> list[str]:
        return [comment, *chain(on_comment[comment])] if comment in on_comment else [comment]

    expected = []
    for comment, created, _, _, text, _ in rows("dynamic/comment"):
        above, answered = chain(comment), on_comment.get(comment)
        below_it = True if answered else None
        writer, post = f"snb{author[comment]}", on_post[above[-1]]
        expected.append((comment, writer, text, at(created), answered, post, len(above), below_it))
    assert sorted(stored, key=str) == sorted(expected, key=str)


async def test_follows_go_both_ways_with_their_time(url: str) -> None:
    stored = await fetch(
        url,
        "SELECT a.username, b.username, f.created_at FROM user_follows f"
        " JOIN users a ON a.id = follower_id JOIN users b ON b.id = followee_id",
    )
    pairs = [(f"snb{one}", f"snb{other}", at(since)) for one, other, since in rows("dynamic/person_knows_person")]
    assert sorted(stored) == sorted(pairs + [(other, one, since) for one, other, since in pairs])


async def test_likes_keep_their_person_and_time(url: str) -> None:
    for kind in ("post", "comment"):
        stored = await fetch(
            url,
            f"SELECT username, external_id, l.created_at FROM {kind}_likes l JOIN users u ON u.id = user_id"  # noqa: S608
            f" JOIN external_ids ON kind = '{kind}' AND local_id = {kind}_id",
        )
        likes = rows(f"dynamic/person_likes_{kind}")
        assert sorted(stored) == sorted((f"snb{person}", thing, at(since)) for person, thing, since in likes)


async def test_tags_and_interests(url: str) -> None:
    stored = await fetch(
        url, "SELECT external_id, name, slug FROM tags t JOIN external_ids ON kind = 'tag' AND local_id = t.id"
    )
    assert sorted((tag, name) for tag, name, _ in stored) == sorted((row[0], row[1]) for row in rows("static/tag"))
    slugs = [(slug_of(name), slug) for _, name, slug in sorted(stored, key=lambda row: int(row[0]))]
    met: dict[str, int] = {}
    for plain, slug in slugs:
        met[plain] = met.get(plain, 0) + 1
        assert slug == (plain if met[plain] == 1 else f"{plain}-{met[plain]}")
    assert "juan-perón" in {slug for _, slug in slugs}
    interests = await fetch(
        url,
        "SELECT substr(username, 4), external_id FROM tag_follows JOIN users u ON u.id = user_id"
        " JOIN external_ids ON kind = 'tag' AND local_id = tag_id",
    )
    assert sorted(interests) == sorted((row[0], row[1]) for row in rows("dynamic/person_hasInterest_tag"))
