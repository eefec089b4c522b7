"""Small SNB data sets with one thing wrong: what is reported, and that the rest goes on."""

from pathlib import Path

import pytest

from feed_service.errors import ConfigurationError
from feed_service.imports.report import BadRow, RowRefused
from feed_service.imports.snb.values import title_of
from tests.imports.running import SMALL, contents, fetch, load, write_data_set
from tests.scratch import execute


async def test_the_small_data_set_is_right(empty_database_url: str, tmp_path: Path) -> None:
    report = await load(empty_database_url, write_data_set(tmp_path), strict=True)
    assert report.bad_rows == []
    assert await fetch(
        empty_database_url, "SELECT body, octet_length(path) / 16 FROM comments ORDER BY post_id, path"
    ) == [("first", 1), ("second", 2), ("third", 3)]


async def test_colliding_slugs_are_numbered_by_the_id_in_the_data_set(empty_database_url: str, tmp_path: Path) -> None:
    await execute(empty_database_url, "INSERT INTO tags (slug, name) VALUES ('juan-perón', 'Juan of the demo')")
    await load(empty_database_url, write_data_set(tmp_path))
    assert await fetch(empty_database_url, "SELECT name, slug FROM tags ORDER BY id") == [
        ("Juan of the demo", "juan-perón"),
        ("Juan_Perón", "juan-perón-2"),
        ("Rumi", "rumi"),
        ("RUMI", "rumi-2"),
        ("rumi", "rumi-3"),
    ]


BAD = [
    ("dynamic_person", "14|Too|few", "it has 3 columns instead of 10"),
    ("dynamic_person", "14|A|B|f|0|soon|i|b|en|e", "'soon' is not a number of milliseconds"),
    ("dynamic_person", "14|A|B|f|0|999999999999999999|i|b|en|e", "999999999999999999 milliseconds are no date"),
    ("dynamic_person", "014|A|B|f|0|0|i|b|en|e", "'014' is not an id"),
    ("dynamic_person", "11|A|B|f|0|0|i|b|en|e", "person 11 stands in an earlier line already"),
    ("dynamic_person", b"14|A|\xff|f|0|0|i|b|en|e", "it is not UTF-8"),
    ("dynamic_person", "14|A\0|B|f|0|0|i|b|en|e", "it holds a NUL character, which PostgreSQL cannot store"),
    ("dynamic_person", "", "it has 1 columns instead of 10"),
    ("dynamic_person_knows_person", "11|99|0", "there is no person 99"),
    ("dynamic_person_knows_person", "11|11|0", "nobody follows themselves"),
    ("dynamic_person_knows_person", "11|12|0", "it repeats an earlier line"),
    ("dynamic_post", "23|photo23.jpg|0|i|b|||0", "it has no author"),
    ("dynamic_post_hasCreator_person", "23|11", "there is no post 23"),
    ("dynamic_post_hasCreator_person", "21|12", "post 21 has one in an earlier line already"),
    ("dynamic_post_hasTag_tag", "22|77", "there is no tag 77"),
    ("dynamic_comment_replyOf_post", "39|99", "there is no post 99"),
    ("dynamic_comment_replyOf_post", "39|22", "there is no comment 39"),
    ("dynamic_comment_replyOf_comment", "31|32", "comment 31 answers a post already"),
    ("dynamic_person_likes_comment", "12|39|0", "there is no comment 39"),
]


@pytest.mark.parametrize(("file", "row", "reason"), BAD)
async def test_a_bad_row_is_reported_and_the_rest_goes_on(
    empty_database_url: str, tmp_path: Path, file: str, row: str | bytes, reason: str
) -> None:
    name = file.replace("_", "/", 1)
    first, *rest = SMALL[name]
    report = await load(empty_database_url, write_data_set(tmp_path, **{file: [first, row, *rest]}))
    assert report.bad_rows == [BadRow(f"{name}_0_0.csv", 3, reason)]
    counts = "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM posts), (SELECT count(*) FROM comments)"
    assert await fetch(empty_database_url, counts) == [(3, 2, 3)]
    assert await fetch(empty_database_url, "SELECT count(*) FROM user_follows") == [(2,)]


async def test_a_strict_import_stops_at_the_first_bad_row_and_writes_nothing(
    empty_database_url: str, tmp_path: Path
) -> None:
    before = await contents(empty_database_url)
    folder = write_data_set(tmp_path, dynamic_person_likes_comment=["12|31|0", "12|39|0"])
    with pytest.raises(RowRefused) as refusal:
        await load(empty_database_url, folder, strict=True)
    told = "dynamic/person_likes_comment_0_0.csv, line 3: there is no comment 39. Nothing was imported."
    assert str(refusal.value) == told
    assert await contents(empty_database_url) == before


async def test_a_strict_import_may_stop_in_the_middle_of_a_copy(empty_database_url: str, tmp_path: Path) -> None:
    folder = write_data_set(tmp_path, dynamic_person_knows_person=["11|12|0", "11|99|0", "12|13|0"])
    with pytest.raises(RowRefused, match="line 3: there is no person 99"):
        await load(empty_database_url, folder, strict=True)
    assert await fetch(empty_database_url, "SELECT count(*) FROM users") == [(0,)]


async def test_a_reply_to_nothing_takes_its_thread_with_it(empty_database_url: str, tmp_path: Path) -> None:
    folder = write_data_set(
        tmp_path, dynamic_comment_replyOf_comment=["32|99", "33|32"], dynamic_person_likes_comment=[]
    )
    report = await load(empty_database_url, folder)
    assert {bad.reason for bad in report.bad_rows if bad.file == "dynamic/comment_0_0.csv"} == {
        "its thread hangs on comment 99, which is missing"
    }
    assert await fetch(empty_database_url, "SELECT body FROM comments") == [("first",)]


async def test_comments_in_a_circle_are_bad(empty_database_url: str, tmp_path: Path) -> None:
    folder = write_data_set(tmp_path, dynamic_comment_replyOf_comment=["32|33", "33|32"])
    report = await load(empty_database_url, folder)
    assert [(bad.line, bad.reason) for bad in report.bad_rows if bad.file == "dynamic/comment_0_0.csv"] == [
        (2, "its thread runs in a circle and never reaches a post"),
        (4, "its thread runs in a circle and never reaches a post"),
    ]
    assert await fetch(empty_database_url, "SELECT body FROM comments") == [("first",)]


async def test_a_thread_below_the_greatest_depth_goes_on_beside(empty_database_url: str, tmp_path: Path) -> None:
    ids = range(1_000, 1_103)
    folder = write_data_set(
        tmp_path,
        dynamic_comment=[f"{n}|{n}|i|b|c{n}|5" for n in ids],
        dynamic_comment_hasCreator_person=[f"{n}|11" for n in ids],
        dynamic_comment_replyOf_post=["1000|22"],
        dynamic_comment_replyOf_comment=[f"{n}|{n - 1}" for n in ids[1:]],
        dynamic_person_likes_comment=[],
    )
    await load(empty_database_url, folder, strict=True)
    deepest = await fetch(
        empty_database_url,
        "SELECT c.body, octet_length(c.path) / 16, above.body, answered.body FROM comments c"
        " JOIN comments above ON above.id = c.parent_id JOIN comments answered ON answered.id = c.reply_to_id"
        " ORDER BY c.id DESC LIMIT 4",
    )
    assert deepest == [
        ("c1102", 100, "c1098", "c1101"),
        ("c1101", 100, "c1098", "c1100"),
        ("c1100", 100, "c1098", "c1099"),
        ("c1099", 100, "c1098", "c1098"),
    ]


async def test_new_rows_join_those_of_an_earlier_import(empty_database_url: str, tmp_path: Path) -> None:
    await load(empty_database_url, write_data_set(tmp_path))
    folder = write_data_set(
        tmp_path,
        dynamic_comment=[*SMALL["dynamic/comment"], "34|1290664733763|i|b|fourth|6"],
        dynamic_comment_hasCreator_person=[*SMALL["dynamic/comment_hasCreator_person"], "34|11"],
        dynamic_comment_replyOf_comment=[*SMALL["dynamic/comment_replyOf_comment"], "34|33"],
    )
    report = await load(empty_database_url, folder, strict=True)
    assert (report.kinds["comments"].written, report.kinds["comments"].skipped) == (1, 3)
    numbers = "SELECT body, descendant_count FROM comments JOIN comment_stats ON comment_id = id ORDER BY path"
    assert await fetch(empty_database_url, numbers) == [("first", 3), ("second", 2), ("third", 1), ("fourth", 0)]


async def test_a_taken_username_is_a_bad_row(empty_database_url: str, tmp_path: Path) -> None:
    await execute(empty_database_url, "INSERT INTO users (username, display_name) VALUES ('SNB13', 'Somebody')")
    folder = write_data_set(tmp_path, dynamic_comment_hasCreator_person=["31|11", "32|12", "33|11"])
    report = await load(empty_database_url, folder)
    reason = "the username snb13 belongs to somebody else"
    assert report.bad_rows == [BadRow("dynamic/person_0_0.csv", 4, reason)]


async def test_a_missing_file_is_named(empty_database_url: str, tmp_path: Path) -> None:
    (write_data_set(tmp_path) / "dynamic/post_0_0.csv").unlink()
    with pytest.raises(ConfigurationError, match=r"dynamic/post_0_0\.csv is missing"):
        await load(empty_database_url, tmp_path)


async def test_a_missing_folder_is_named(empty_database_url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="There is no folder"):
        await load(empty_database_url, tmp_path / "nowhere")


async def test_other_columns_are_refused(empty_database_url: str, tmp_path: Path) -> None:
    path = write_data_set(tmp_path) / "dynamic/post_0_0.csv"
    path.write_text("id|content\n1|text\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"post_0_0\.csv does not begin with the columns id\|imageFile"):
        await load(empty_database_url, tmp_path)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("short", "short"),
        ("a" * 80, "a" * 80),
        ("a" * 81, "a" * 80),
        ("a" * 80 + " b", "a" * 80),
        ("a" * 70 + " " + "b" * 20, "a" * 70),
        ("a" * 79 + " b", "a" * 79),
        ("ü" * 40 + " " + "日" * 60, "ü" * 40),
    ],
)
def test_a_title_is_cut_at_a_word(text: str, title: str) -> None:
    assert title_of(text) == title
