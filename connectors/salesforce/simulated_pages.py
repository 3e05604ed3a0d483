"""Pages of queries at the simulated org: what was asked once is turned page by page."""

import json
import re
from typing import Any, Final

from connectors.salesforce.simulated_org import Cursor, RefusedError, SimulatedOrg
from connectors.salesforce.simulated_soql import answered, parsed_query

_BATCH: Final = re.compile(r"batchSize=([0-9]+)", re.ASCII)
_LEAST, _MOST = 200, 2000


def asked(org: SimulatedOrg, soql: str, *, deleted_too: bool) -> str:
    """Carry a query out; gives where its first page is."""
    query = parsed_query(soql)
    rows: list[Any] = list(answered(org, query, deleted_too=deleted_too))
    if query.source == "Account":
        rows += [json.loads(text) for text in org.quirks.poison]
    locator = f"01g5e{len(org.cursors):010d}"
    org.cursors[locator] = Cursor(tuple(rows), len(rows))
    return f"{locator}-0"


def page(org: SimulatedOrg, place: str, wishes: str, version: str) -> dict[str, Any]:
    """One page; it has no fewer than 200 and no more than 2,000 records, whatever is wished."""
    locator, _, position = place.partition("-")
    if locator not in org.cursors or not position.isdigit():
        raise RefusedError("INVALID_QUERY_LOCATOR", "invalid query locator")
    wish = _BATCH.search(wishes)
    size = max(_LEAST, min(_MOST, int(wish[1]))) if wish else _MOST
    start, size = int(position), min(size, org.quirks.page_size_max)
    cursor = org.cursors[locator]
    told: dict[str, Any] = {
        "totalSize": cursor.total,
        "done": start + size >= cursor.total,
        "records": cursor.records[start : start + size],
    }
    if not told["done"]:
        told["nextRecordsUrl"] = f"/services/data/v{version}/query/{locator}-{start + size}"
    return told
