"""One folder of files, as configuration states it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from connectors.flatfile.manifest import PAGE_SIZE_MAX

Delimiter = Literal[",", ";", "\t"]

_DELIMITERS: Final[Mapping[str, Delimiter | None]] = {
    ",": ",",
    ";": ";",
    "tab": "\t",
    "detect": None,
}


@dataclass(frozen=True, slots=True)
class Format:
    """How the files were written: what no file says of itself."""

    encoding: Literal["utf-8", "cp1252"] = "utf-8"
    # None: whichever of comma, semicolon and tab makes sense of a file's header line.
    delimiter: Delimiter | None = None
    # Whether 12,50 is twelve and a half. If not, it is refused.
    decimal_comma: bool = False


@dataclass(frozen=True, slots=True)
class FlatFileOptions:
    """A folder, and how its files are written; the members after it are `Format`'s.

    The folder is absolute: a worker and a command line do not start in the same place.
    """

    connection: str
    folder: str
    encoding: Literal["utf-8", "cp1252"] = "utf-8"
    delimiter: Literal[",", ";", "tab", "detect"] = "detect"
    decimal_comma: bool = False
    page_size: int = PAGE_SIZE_MAX

    def __post_init__(self) -> None:
        if not Path(self.folder).is_absolute():
            raise ValueError(
                "the folder of a file drop is an absolute path, such as /srv/contracts"
            )
        if not 1 <= self.page_size <= PAGE_SIZE_MAX:
            raise ValueError(f"a page has 1 to {PAGE_SIZE_MAX} records")
        if self.delimiter == "," and self.decimal_comma:
            raise ValueError("a comma cannot be both the delimiter and the decimal sign")

    @property
    def format(self) -> Format:
        """How the files are written."""
        return Format(self.encoding, _DELIMITERS[self.delimiter], self.decimal_comma)


@dataclass(frozen=True, slots=True)
class ApprovedDropOptions(FlatFileOptions):
    """A folder of what people approved: time, or expenses.

    `approval_evidence` asks of each approval who approved it and when; whoever cannot have
    that switches it off, and nothing is then promised of approvals.
    """

    approval_evidence: bool = True
