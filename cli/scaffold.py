"""A new connector's folder: files that pass the linters, and a suite whose failures say what next.

Outside a checkout it is a project of its own with an entry point. Into the folder `connectors` of a
checkout it is a package there, and its tests go to `tests/connectors`.
"""

import keyword
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import Final

from cli.exits import CommandError

_TEMPLATES: Final = Path(__file__).with_name("templates")
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_NAME_CHARS_MAX: Final = 40
_TESTS: Final = "tests__"
# Only a project of its own has these.
_OF_A_PROJECT: Final = ("pyproject.toml", "README.md")
_CHECKOUT_CONNECTORS: Final = "connectors"


class Kind(StrEnum):
    """What a new connector is to be used as."""

    TIME_SOURCE = "time-source"
    EXPENSE_SOURCE = "expense-source"
    POSTING_TARGET = "posting-target"


@dataclass(frozen=True, slots=True)
class Scaffold:
    """What is to be made, and where."""

    name: str
    kind: Kind
    into: Path

    @property
    def inside(self) -> bool:
        """Whether it goes into a checkout of Ledgerway's repository."""
        return self.into.name == _CHECKOUT_CONNECTORS and (self.into / "conformance").is_dir()

    @property
    def title(self) -> str:
        """The system's name as people write it, to begin with."""
        return " ".join(word.capitalize() for word in self.name.split("_"))

    @property
    def _package(self) -> Path:
        return self.into / self.name if self.inside else self.into / self.name / self.name

    @property
    def _tests(self) -> Path:
        if self.inside:
            return self.into.parent / "tests" / "connectors" / self.name
        return self._package / "tests"

    def make(self) -> list[Path]:
        """Write the files, and give their paths; raises CommandError if that must not be."""
        _may_be_called(self.name)
        top = self.into / self.name
        for folder in (top, self._tests):
            if folder.exists():
                raise CommandError(f"{folder} is there already; nothing was written.")
        written = []
        for path, text in self._files():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            written.append(path)
        _tidied([top, *([self._tests] if self.inside else [])])
        return written

    def _files(self) -> Iterator[tuple[Path, str]]:
        words = {
            "name": self.name,
            "dashed": self.name.replace("_", "-"),
            "title": self.title,
            "cls": self.title.replace(" ", ""),
            "package": f"connectors.{self.name}" if self.inside else self.name,
            "tests": f"tests.connectors.{self.name}" if self.inside else f"{self.name}.tests",
        }
        for folder in ("common", self.kind.value):
            for template in sorted((_TEMPLATES / folder).glob("*.tmpl")):
                name = template.name.removesuffix(".tmpl")
                if name in _OF_A_PROJECT and self.inside:
                    continue
                yield self._place_of(name), Template(template.read_text()).substitute(words)

    def _place_of(self, name: str) -> Path:
        if name.startswith(_TESTS):
            return self._tests / name.removeprefix(_TESTS)
        if name in _OF_A_PROJECT:
            return self._package.parent / name
        return self._package / name

    def next_steps(self) -> list[str]:
        """What is to be typed or written now."""
        if self.inside:
            return [
                f'Register it: a line "{self.name}": "connectors.{self.name}" in _OURS of '
                "runtime/registry.py, and the connectors' contracts of import-linter in "
                "pyproject.toml.",
                f"See how far it is: ledgerway connectors conformance {self.name}",
                "Go on with docs/connector-guide.md.",
            ]
        return [
            f"Install it beside Ledgerway: pip install -e {self.into / self.name}",
            f"See how far it is: ledgerway connectors conformance {self.name}",
            "Go on with Ledgerway's docs/connector-guide.md.",
        ]


def _may_be_called(name: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > _NAME_CHARS_MAX:
        raise CommandError(
            f"'{name}' is no name for a connector: write it like northwind or north_wind, in at "
            f"most {_NAME_CHARS_MAX} characters."
        )
    from runtime.registry import system_names

    if name in system_names():
        raise CommandError(f"There is a connector '{name}' already.")
    if keyword.iskeyword(name) or name in sys.stdlib_module_names:
        raise CommandError(f"'{name}' is a word of Python's own; take another name.")


def _tidied(folders: list[Path]) -> None:
    """Let the linter, if it is here, put long names, imports and its own exceptions in order."""
    if find_spec("ruff") is None:
        return
    for words in (("check", "--extend-select", "I,RUF100", "--fix", "-q"), ("format", "-q")):
        subprocess.run(  # noqa: S603  Our own interpreter, and folders that we made.
            [sys.executable, "-m", "ruff", *words, "--no-cache", *map(str, folders)], check=False
        )
