"""A simulator as a program: it serves one state on the loopback interface until it is ended."""

import argparse
import json
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel

S = TypeVar("S", bound=BaseModel)

# Longer than our clients keep an idle connection, so that the client closes first.
_KEEP_ALIVE_SECONDS: Final = 75
_WAITING_MAX: Final = 256


def serve_from_file(
    module: str,
    state_type: type[S],
    app_of: Callable[[S | None], Any],
    arguments: Sequence[str],
    **more: Any,
) -> None:
    """Serve the state of the file that `--state` names, or what `app_of` makes of none.

    `more` is as for `serve`.
    """
    parser = _parser(module)
    parser.add_argument(
        "--state", type=Path, help=f"the state to begin with: {state_type.__name__} as JSON"
    )
    given = parser.parse_args(arguments)
    state = state_type.model_validate_json(given.state.read_bytes()) if given.state else None
    serve(app_of(state), given.port, **more)


def serve_one(module: str, app: Any, arguments: Sequence[str]) -> None:
    """Serve the only state that there is."""
    serve(app, _parser(module).parse_args(arguments).port)


def serve(app: Any, port: int, *, path: str = "", **more: Any) -> None:
    """Serve an ASGI application on a port, or any free one for 0; `path` ends its address.

    Says in one line of JSON where, as soon as somebody can connect. `more` is for uvicorn.
    """
    import uvicorn  # Suites import simulators too, and serve none.

    listening = socket.create_server(("127.0.0.1", port), backlog=_WAITING_MAX)
    port = listening.getsockname()[1]
    print(json.dumps({"port": port, "url": f"http://127.0.0.1:{port}{path}"}), flush=True)  # noqa: T201
    common: dict[str, Any] = {
        "log_level": "warning",
        "access_log": False,
        "timeout_keep_alive": _KEEP_ALIVE_SECONDS,
        "lifespan": "off",
    }
    uvicorn.Server(uvicorn.Config(app, **(common | more))).run(sockets=[listening])


def _parser(module: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m {module}")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    return parser
