"""Who wrote what: the data set keeps it in files of their own."""

from dataclasses import dataclass, field

from feed_service.imports.snb.files import Place, Refused, SnbFiles
from feed_service.imports.snb.known import Known
from feed_service.imports.snb.values import known_id


@dataclass
class Attached:
    """For each new row of a kind, what one other file says about it: its author, or what it answers."""

    files: SnbFiles
    kind: str
    known: Known
    lines: dict[str, tuple[Place, int | str]] = field(default_factory=dict)

    def new(self, value: str) -> str | None:
        """The id of a row that is not here yet; None for one that is, and whose line has nothing to add."""
        external_id = known_id(value)
        if external_id in self.lines:
            raise Refused(f"{self.known.kind} {external_id} has one in an earlier line already")
        return None if external_id in self.known.local else external_id

    def refuse_unknown(self) -> None:
        """Report the lines about rows that were not written, and count the others as written."""
        for external_id, (place, _) in self.lines.items():
            if external_id in self.known.local:
                self.files.report.kind(self.kind).written += 1
            else:
                self.files.refuse(self.kind, place, f"there is no {self.known.kind} {external_id}")


@dataclass
class Authors(Attached):
    def of(self, external_id: str) -> int:
        if external_id not in self.lines:
            raise Refused("it has no author")
        author = self.lines[external_id][1]
        return int(author)


def authors_of(files: SnbFiles, kind: str, known: Known, persons: Known) -> Authors:
    """Read `…_hasCreator_person` of posts or comments."""
    authors = Authors(files, f"authors of {kind}", known)

    def author(values: list[str]) -> tuple[str, int] | None:
        external_id = authors.new(values[0])
        return None if external_id is None else (external_id, persons.id_of(values[1]))

    for place, (external_id, person) in files.rows(authors.kind, f"dynamic/{known.kind}_hasCreator_person", author):
        authors.lines[external_id] = place, person
    return authors
