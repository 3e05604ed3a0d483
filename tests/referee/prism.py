"""Prism, a second reader of the vendors' descriptions, as a proxy before a simulator.

It refuses with 422 what the description does not allow, and with 500 an answer that it does not
allow, both in JSON of its own. `make referee` installs it.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.infra.manifests import CHECKOUT

PRISM: Final = CHECKOUT / "var" / "prism" / "node_modules" / ".bin" / "prism"
_LISTENS: Final = "Prism is listening on "


@contextmanager
def refereed(description: Any, simulator_url: str, folder: Path) -> Iterator[str]:
    """Put Prism before a simulator; gives the address to speak to instead."""
    file = folder / "described.openapi.json"
    file.write_text(json.dumps(description))
    # Port 0: any free one, and Prism says which.
    command = [PRISM, "proxy", file, simulator_url, "--errors", "-p", "0", "-h", "127.0.0.1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said: list[str] = []
        for line in process.stdout:
            said.append(line)
            if _LISTENS in line:
                break
        else:
            raise AssertionError(f"Prism does not listen: {said}")
        yield line.split(_LISTENS)[1].strip()
        process.terminate()
