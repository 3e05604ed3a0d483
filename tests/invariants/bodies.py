"""I5: a key belongs to one line and is never sent with two bodies."""

import base64
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from uuid import UUID, uuid5

from tests.invariants.rows import ErpLine, Row, Violation

# The namespace of all keys, for ever.
_KEYS = UUID("6f1f3a3e-7f0d-5f55-9c39-3d2b6f0b7a11")


def check(
    ledger: Sequence[Row],
    erp: Iterable[ErpLine] = (),
    *,
    sends: Iterable[Mapping[str, str]] = (),
    earlier: Iterable[Row] = (),
) -> list[Violation]:
    """Check keys and bodies of the ledger against what was sent and what the ERP shows.

    `sends` is what a proxy or simulator saw leave: `reference` and `body` of every write.
    `earlier` are the ledger's rows of an earlier snapshot of the same campaign.
    """
    found = [
        *_own(ledger),
        *_sent(sends),
        *_changed(ledger, earlier),
        *_shown(ledger, erp),
    ]
    return [Violation("I5", subject, message) for subject, message in found]


def key_of(row: Row) -> UUID:
    """Make the key of a posting anew from what it is about."""
    parts = [
        *(row["tenant"], row["target"], row["connection"], row["object"], row["source_id"]),
        *(str(row["revision"]), row["kind"], row["leg"], str(row["amendment"])),
    ]
    return uuid5(_KEYS, "|".join(f"{len(part)}:{part}" for part in parts))


def reference_of(key: UUID) -> str:
    """Make the reference of a key anew."""
    return "L" + base64.b32encode(key.bytes)[:20].decode()


def body_of(row: Row) -> str:
    """The body of a posting's intent as it goes over the wire."""
    body = json.loads(row["intent"])["body"]
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)


def _own(ledger: Iterable[Row]) -> Iterator[tuple[str, str]]:
    for row in ledger:
        name = row["reference"]
        if row["key"] != key_of(row):
            yield name, "has a key that is not the one of its line"
        if name != reference_of(row["key"]):
            yield name, "is not the reference of its key"
        if row["intent"] is None:
            continue
        intent = json.loads(row["intent"])
        if hashlib.sha256(body_of(row).encode()).hexdigest() != row["body_hash"]:
            yield name, "has a body that is not the one whose hash was written down"
        if (intent["key"], intent["reference"]) != (str(row["key"]), name):
            yield name, "carries the intent of another posting"


def _sent(sends: Iterable[Mapping[str, str]]) -> Iterator[tuple[str, str]]:
    bodies: dict[str, set[str]] = defaultdict(set)
    for send in sends:
        bodies[send["reference"]].add(send["body"])
    for reference, different in sorted(bodies.items()):
        if len(different) > 1:
            yield reference, f"was sent with {len(different)} bodies"


def _changed(ledger: Iterable[Row], earlier: Iterable[Row]) -> Iterator[tuple[str, str]]:
    now = {row["key"]: row for row in ledger}
    for before in earlier:
        after = now.get(before["key"])
        if after is None:
            yield before["reference"], "is gone from the ledger"
        elif before["fence"] > 0 and before["body_hash"] != after["body_hash"]:
            yield before["reference"], "was sent and has another body now"


def _shown(ledger: Iterable[Row], erp: Iterable[ErpLine]) -> Iterator[tuple[str, str]]:
    by_reference = {row["reference"]: row for row in ledger if row["intent"] is not None}
    for line in erp:
        row = by_reference.get(line["reference"])
        if row is None:
            continue
        body = json.loads(row["intent"])["body"]
        shown = (line["seconds"], line["work_date"].isoformat())
        if (body["seconds"], body["work_date"]) != shown:
            yield line["reference"], f"was sent as {body['seconds']} s and stands as {shown}"
