"""A terminal: commands are typed into `ledgerway` in this process, and what it answers is read."""

import asyncio
import json
import sys
from dataclasses import dataclass
from typing import Any, Never

import pytest

from cli import main, output


@dataclass(frozen=True, slots=True)
class Answered:
    """What a command printed, and the exit code that a shell would see."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What a program reads of it."""
        return json.loads(self.out)

    @property
    def said(self) -> str:
        """Its errors on one line, as they would stand on a wide terminal."""
        return " ".join(self.err.split())


class _LeftError(BaseException):
    """In place of the end of the process."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Terminal:
    """Runs the whole command line but for the end of the process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        monkeypatch.setattr(main, "leave", _leave)
        # Wide enough that no table is folded, whatever terminal the tests themselves run in.
        for console in (output.out, output.err):
            monkeypatch.setattr(console, "width", 240)

    async def type(self, *words: object) -> Answered:
        """Type `ledgerway` and these words; a command has an event loop of its own."""
        self._monkeypatch.setattr(sys, "argv", ["ledgerway", *map(str, words)])
        self._capsys.readouterr()
        code = await asyncio.to_thread(_run)
        printed = self._capsys.readouterr()
        return Answered(code, printed.out, printed.err)


def _run() -> int:
    try:
        main.run()
    except _LeftError as left:
        return left.code
    raise AssertionError("the command line came back")


def _leave(code: int) -> Never:
    raise _LeftError(code)
