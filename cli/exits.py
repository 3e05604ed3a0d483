"""Exit codes, and the one way out of the command line."""

import os
import sys
from typing import Final, NoReturn

DONE: Final = 0
FOUND_SOMETHING: Final = 1
USED_WRONGLY: Final = 2


def leave(code: int) -> NoReturn:
    """End the process now.

    A short-lived process that used a Temporal client aborts in the interpreter's own exit now and
    then, after its work is done; so it does not get there.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


class CommandError(Exception):
    """What the person at the terminal did wrong or lacks; the message says what to do next."""

    def __init__(self, message: str, code: int = USED_WRONGLY) -> None:
        super().__init__(message)
        self.code = code
