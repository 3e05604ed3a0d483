"""A second, small model of billing: integers, lists and a greedy loop; it shares no code.

Money is in cents, and every rate is a whole number of cents per second, so that nothing is
rounded. It knows entries, one cap, invoices and credits, and says what has to be billed next.
"""

from dataclasses import dataclass, field


@dataclass
class Entry:
    """One line of work: `rate` is in cents per second."""

    day: int
    seconds: int
    rate: int
    posted: bool = True
    revision: int = 1
    gone: bool = False

    @property
    def cents(self) -> int:
        return self.seconds * self.rate


@dataclass
class Row:
    """What one invoice (or credit, below nothing) holds of one revision of an entry."""

    invoice: int
    entry: str
    revision: int
    cents: int
    seconds: int


@dataclass
class Book:
    """The whole world."""

    cap: int
    entries: dict[str, Entry] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)

    def net(self, entry: str, revision: int) -> tuple[int, int]:
        own = [row for row in self.rows if (row.entry, row.revision) == (entry, revision)]
        return sum(row.cents for row in own), sum(row.seconds for row in own)

    def room(self) -> int:
        return self.cap - sum(row.cents for row in self.rows)

    def must_be_credited(self) -> set[str]:
        """Entries that are billed in a version that is not theirs any more."""
        return {
            row.entry
            for row in self.rows
            if self.net(row.entry, row.revision) != (0, 0)
            and (self.entries[row.entry].gone or self.entries[row.entry].revision != row.revision)
        }

    def blocks(self) -> bool:
        """Whether anything holds the invoice up."""
        waiting = any(
            not one.posted and not one.gone and self.left(name) != (0, 0)
            for name, one in self.entries.items()
        )
        return waiting or bool(self.must_be_credited())

    def left(self, name: str) -> tuple[int, int]:
        one = self.entries[name]
        cents, seconds = self.net(name, one.revision)
        return one.cents - cents, one.seconds - seconds

    def next_bill(self) -> dict[str, tuple[int, int]]:
        """What is billed now: cents and seconds by entry, in order of day and name."""
        room, bill = self.room(), {}
        for name in sorted(self.entries, key=lambda name: (self.entries[name].day, name)):
            one = self.entries[name]
            if one.gone or name in self.must_be_credited():
                continue
            cents, seconds = self.left(name)
            if cents <= 0:
                continue
            fits = min(cents, max(room, 0))
            room -= fits
            if fits and one.posted:
                whole = fits == cents
                bill[name] = (fits, seconds if whole else fits // one.rate)
        return bill
