"""What a reading rejected, in a file beside the drop: for whoever fills it."""

import csv
import io
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final

from connectors.flatfile.drafts import Draft

_LOG: Final = logging.getLogger(__name__)
_TITLES: Final = ("file", "line", "column", "reason")


def rejected_file(kind: str) -> str:
    """How the file is called that says what was rejected of one kind of record."""
    return f"rejected_{kind}.csv"


def tell_rejected(folder: Path, kind: str, drafts: Iterable[Draft[Any]]) -> None:
    """Say what is to be mended, in place of what was said before; no file where nothing is.

    It names no value. Readers see the old file or the new one, whole. A disk that refuses costs
    the reading nothing: what is wrong is shown as a case all the same.
    """
    path = folder / rejected_file(kind)
    lines = sorted(set(_lines(drafts)))
    try:
        if not lines:
            path.unlink(missing_ok=True)
        elif not path.exists() or path.read_bytes() != _table(lines):
            _replace(path, _table(lines))
    except OSError as error:
        _LOG.warning("flatfile: %s cannot be written (%s)", path.name, error.strerror)


def _lines(drafts: Iterable[Draft[Any]]) -> Iterator[tuple[str, int, str, str]]:
    for draft in drafts:
        for trouble in draft.troubles:
            for place in trouble.places:
                for found in trouble.findings:
                    yield place.file, place.line, found.column or "", found.what


def _table(lines: Sequence[tuple[str, int, str, str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(_TITLES)
    writer.writerows(lines)
    return text.getvalue().encode()


def _replace(path: Path, data: bytes) -> None:
    # A name of its own: two workers may say the same at once.
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        written = Path(file.name)
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), 0o640)
            written.replace(path)
        except BaseException:
            written.unlink(missing_ok=True)
            raise
