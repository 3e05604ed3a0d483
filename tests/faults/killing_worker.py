"""A worker that dies by SIGKILL between the send and transaction 2, as often as it was told to.

Every file in the folder `LEDGERWAY_DEATHS` is one death: the worker takes it away, leaves a file
of the same name with the suffix `.died`, and kills itself. Production knows nothing of this.
"""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import worker  # noqa: TID251  It is one, with a flaw.
from canonical.posting import PostingIntent, PostingOutcome
from connectors.base.capabilities import GuardEvidence
from connectors.tryton.connector import Tryton
from runtime.settings import Settings

_DEATHS = Path(os.environ["LEDGERWAY_DEATHS"])
_post = Tryton.post


async def _post_and_perhaps_die(
    self: Tryton, intents: Sequence[PostingIntent], evidence: GuardEvidence, **how: Any
) -> Sequence[PostingOutcome]:
    outcomes = await _post(self, intents, evidence, **how)
    for death in sorted(_DEATHS.glob("death-*")):  # noqa: ASYNC240  A moment, and then death.
        try:
            death.rename(_DEATHS / f"{death.name.removeprefix('death-')}.died")
        except FileNotFoundError:
            continue  # Another worker died of it.
        os.kill(os.getpid(), signal.SIGKILL)
    return outcomes


if __name__ == "__main__":
    Tryton.post = _post_and_perhaps_die
    code = worker.run(Settings.model_validate({}))
    sys.stdout.flush()
    os._exit(code)
