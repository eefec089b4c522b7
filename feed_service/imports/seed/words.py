"""Readable text for seeded content: names, titles, Markdown of about 1 kB, comments."""

from functools import cached_property
from random import Random


def words(text: str) -> list[str]:
    return text.split()


def sentences(text: str) -> list[str]:
    """One a line, or several between bars."""
    return text.replace("\n", "|").split("|")


FIRST = words("""
    Ada Alma Anton Aria Asa Bela Cleo Dario Dina Edda Elia Emil Enzo Faye Femi Gita Hana Hugo Ida Ines Ivo Jana Jonas
    Juno Kaito Kira Lars Leni Lino Lucia Mads Mara Mei Milo Mira Nadia Nico Noor Odin Olga Otis Petra Pia Quinn Rafa
    Rosa Runa Sami Selma Sven Tara Theo Tilda Ugo Uma Vera Viktor Wren Yara Yusuf Zoe
""")
LAST = words("""
    Abara Almeida Berg Bianchi Brook Castell Chen Dahl Diallo Egger Ferro Fischer Garcia Grove Haddad Holt Ito Jansen
    Juhl Kaya Kimura Kowal Lind Lopez Marsh Meyer Moreau Nakata Novak Okafor Olsen Park Petrov Quist Rahman Rossi Sato
    Silva Stone Tanaka Thorn Ueda Vance Vogel Wada Weiss Yilmaz Zeller
""")
TOPICS = words("""
    databases gardening cycling baking chess sailing typography astronomy pottery hiking radio maps knitting trains
    birds bread photography tea sourdough kayaking fonts compilers orchards lighthouses bees bridges clocks glaciers
    harbours inks jazz kites lichens markets nebulae orchids ports quilts rivers sketches tides umbrellas violins wells
    yeast zines allotments bookbinding canals drums espresso fungi geometry herbs islands juggling
""")
SIDES = words("""
    beginners home field small slow open old new winter summer night city mountain coastal everyday forgotten practical
    quiet careful curious local shared weekend winding
""")
ACTIONS = words("""
    measured repaired compared planted sketched counted rebuilt mapped sorted tested borrowed painted cleaned timed
    collected
""")
THINGS = words("""
    notebook workbench bicycle kettle index query greenhouse tent telescope drawer lens boat oven shelf ledger fence map
    engine lantern tape
""")
SYLLABLES = words("""
    ba be bo da del do fen ga gil ha jo ka kel la lo mar mi na nor pa per ra ri sa sol ta tor ul va ven zi
""")
"""Rare names are built from these, so that a search has words of every frequency."""

REASONS = sentences("""because the first attempt leaked|since nobody could explain the old way|while the rain kept on
after a long talk with the neighbours|before the season was over|just to see what would happen
because the numbers looked too good|and wrote down every step|with help from a patient friend""")
LESSONS = sentences("""Start smaller than feels sensible.|Label everything twice.|The second try takes half as long.
Ask before you borrow.|Write the date on it.|What you do not measure, you guess.|Leave room for one more.
Good light saves an hour.|Keep the old part until the new one works.|Bring a spare.|Rest before the last step.
The simple version was right.""")
REPLIES = sentences("""Thank you for writing this up.|I had the same problem last year.|How long did it take in the end?
This is the clearest account I have read.|Could you share the measurements?|I am not convinced by the second step.
We tried that; it worked until winter.|Lovely. Following along.|That last photo would help.|Yes, exactly this.
What would you do differently?|Mine broke at the same place.|Agreed, with one exception.""")

PARAGRAPHS = 3_000


class Writer:
    """Writes from one stream of random numbers; paragraphs are made once and put together anew for each post."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def pick(self, choices: list[str]) -> str:
        return choices[int(self.random.random() * len(choices))]

    @cached_property
    def paragraphs(self) -> list[str]:
        return [" ".join(self.sentence() for _ in range(3)) for _ in range(PARAGRAPHS)]

    def sentence(self) -> str:
        pick = self.pick
        return f"I {pick(ACTIONS)} the {pick(SIDES)} {pick(THINGS)} for {pick(TOPICS)} {pick(REASONS)}. {pick(LESSONS)}"

    def rare_name(self) -> str:
        return "".join(self.pick(SYLLABLES) for _ in range(3)).capitalize()

    def title(self) -> str:
        pick = self.pick
        return f"How we {pick(ACTIONS)} the {pick(SIDES)} {pick(THINGS)}: notes on {pick(TOPICS)}"

    def body(self) -> str:
        pick = self.pick
        first, second, third = (pick(self.paragraphs) for _ in range(3))
        return (
            f"{first}\n\n## What {self.rare_name()} found\n\n{second}\n\n"
            f"- {pick(LESSONS)}\n- {pick(LESSONS)}\n- **{pick(LESSONS)}**\n\n> {third}\n"
        )

    def comment(self) -> str:
        return f"{self.pick(REPLIES)} {self.pick(LESSONS)}" if self.random.random() < 0.6 else self.pick(REPLIES)

    def person(self) -> tuple[str, str]:
        return self.pick(FIRST), self.pick(LAST)
