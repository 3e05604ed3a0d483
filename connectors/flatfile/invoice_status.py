"""The file in which a drop is told what became of its invoices: one JSON line for each step."""

import fcntl
import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from canonical.exact import decimal_text
from canonical.money import Money
from connectors.base.capabilities import InvoiceNews
from connectors.base.errors import ConnectionConfigError, TransientError

STATUS: Final = "invoice_status.jsonl"
# Where the end of a line goes that was never written whole.
ASIDE: Final = "invoice_status.broken"
# How a line begins that was written here.
_OURS: Final = re.compile(rb'\{"id": ("[^"\\]*")')


class InvoiceStatusFile:
    """Appends steps, each of them once, whoever else writes and wherever a writer died."""

    def __init__(self, folder: Path) -> None:
        self._folder: Final = folder

    def tell(self, news: Sequence[InvoiceNews]) -> None:
        """Write what is not there yet, on the disk when this returns.

        Raises TransientError if the disk refuses: then a repeat finds what was written.
        """
        if not news:
            return
        try:
            with self._opened() as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                self._mend_end(file)
                told = set(_ids(file))
                lines = [_line(one) for one in _first_of_each(news) if one.id not in told]
                file.seek(0, os.SEEK_END)
                file.write(b"".join(lines))
                file.flush()
                os.fsync(file.fileno())
        except PermissionError as error:
            raise ConnectionConfigError(
                "cannot_write", f"{STATUS} cannot be written: give the worker permission"
            ) from error
        except OSError as error:
            raise TransientError(
                "cannot_write", f"{STATUS} cannot be written now ({error.strerror})"
            ) from error

    def _opened(self) -> BinaryIO:
        path = self._folder / STATUS
        made = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        if made:
            _sync_folder(self._folder)
        return os.fdopen(descriptor, "r+b")

    def _mend_end(self, file: BinaryIO) -> None:
        """Complete a last line that only lacks its end; set one aside that was cut."""
        end = _start_of_last_line(file)
        file.seek(end)
        rest = file.read()
        if not rest:
            return
        if _id_in(rest) is not None:
            file.write(b"\n")
            return
        with (self._folder / ASIDE).open("ab") as aside:
            aside.write(rest + b"\n")
            aside.flush()
            os.fsync(aside.fileno())
        file.truncate(end)


def _start_of_last_line(file: BinaryIO) -> int:
    """Where the text begins that stands behind the last end of a line."""
    at = file.seek(0, os.SEEK_END)
    while at > 0:
        start = max(0, at - 65_536)
        file.seek(start)
        found = file.read(at - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        at = start
    return 0


def _ids(file: BinaryIO) -> Iterator[str]:
    """The ids of all whole lines; of ours without reading the rest of each."""
    file.seek(0)
    for line in file:
        ours = _OURS.match(line)
        found = json.loads(ours[1]) if ours else _id_in(line)
        if found is not None:
            yield found


def _id_in(line: bytes) -> str | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    found = value.get("id") if isinstance(value, dict) else None
    return found if isinstance(found, str) else None


def _first_of_each(news: Sequence[InvoiceNews]) -> Iterator[InvoiceNews]:
    seen: set[str] = set()
    for one in news:
        if one.id not in seen:
            seen.add(one.id)
            yield one


def _line(news: InvoiceNews) -> bytes:
    written = {
        "id": news.id,
        "event": news.event,
        "step": news.step.value,
        "engagement": news.engagement,
        "customer": news.customer,
        "legal_entity": news.legal_entity,
        "reference": news.reference,
        "number": news.number,
        "invoice_date": news.invoice_date.isoformat(),
        "due_date": news.due_date and news.due_date.isoformat(),
        "net": _money(news.net),
        "total": _money(news.total),
        "lines": [
            {"label": line.label, "seconds": line.seconds, "amount": _money(line.amount)}
            for line in news.lines
        ],
        "amount": _money(news.amount),
        "on_date": news.on_date and news.on_date.isoformat(),
        "credits": news.credits,
    }
    return json.dumps(written, ensure_ascii=False).encode() + b"\n"


def _money(amount: Money | None) -> dict[str, str] | None:
    if amount is None:
        return None
    return {"amount": decimal_text(amount.amount), "currency": amount.currency}


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
