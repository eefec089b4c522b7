"""The documents of `nasty.graphql` as cases."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from feed_service import models
from tests.api import global_id
from tests.differential.cases import Case
from tests.differential.village import Village

ABOUT, *BLOCKS = (Path(__file__).parent / "nasty.graphql").read_text().split("\n\n")
NAMED = {block.partition("\n")[0].removeprefix("# "): block for block in BLOCKS}
MUTATIONS = [name for name, block in NAMED.items() if re.search("^mutation", block, re.MULTILINE)]
QUERIES = [name for name in NAMED if name not in MUTATIONS]


def case_of(village: Village, tokens: Mapping[tuple[str, str], Sequence[str]], name: str, *, t: bool = True) -> Case:
    """`t`: the value of the variable of that name, by which things are skipped."""
    rows: Mapping[str, Mapping[str, models.Base]] = {
        "Post": village.posts, "Comment": village.comments, "User": village.people, "Tag": village.tags,
        "Category": {section.slug: section for section in village.sections},
    }  # fmt: skip
    block = NAMED[name].replace("<token>", tokens["dan", "HOME"][0])
    block = re.sub(r"<(\w+) ([\w ]+)>", lambda thing: global_id(rows[thing[1]][thing[2]]), block)
    said = dict(re.findall(r"^# (with|by|runs) (.*)$", block, re.MULTILINE))
    given = json.loads(said.get("with", "{}")) | ({"t": t} if "$t: Boolean" in block else {})
    return Case(block, said.get("by", "dan"), given, said.get("runs"))
