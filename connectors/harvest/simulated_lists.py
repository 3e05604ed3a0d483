"""The lists of the simulated Harvest: filters, pages, cursors and links, without HTTP."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from connectors.harvest.simulated_account import Entry, HarvestAccount

PER_PAGE_MAX: Final = 2000
_FAR_FUTURE: Final = (date.max, 0)

Query = Mapping[str, str]
# Makes the address of a page of the same list, given the one parameter that leads there.
Link = Callable[[Query], str]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in a list a page starts: its number, and the last record before it."""

    page: int = 1
    after: tuple[date, int] | None = None

    @property
    def parameter(self) -> Query:
        """What leads here; Harvest's own cursors are as opaque."""
        if self.after is None:
            return {"page": str(self.page)}
        told = json.dumps([self.page, self.after[0].isoformat(), self.after[1]])
        return {"cursor": base64.urlsafe_b64encode(told.encode()).decode()}


@dataclass(frozen=True, slots=True)
class _Listed:
    """What a page shows: its records, where it is, and what comes behind it."""

    records: list[bytes]
    total: int
    place: _Place
    following: _Place | None


def list_of(account: HarvestAccount, member: str, query: Query, link: Link) -> bytes:
    """Write one page of a list as JSON; raises ValueError for a query that Harvest refuses."""
    per_page, place = _per_page(query), _place_of(query)
    if member == "time_entries":
        listed = _time_entries(account, query, place, per_page)
        if account.quirks.circular_links:
            listed = replace(listed, following=_Place(1, _FAR_FUTURE))
    else:
        since = datetime.fromisoformat(query["updated_since"]) if "updated_since" in query else None
        poison = [text.encode() for text in account.quirks.poison_of.get(member, ())]
        listed = _masters([*poison, *account.book.listed(member, since)], place, per_page)
    body = _page(member, listed, per_page, link)
    return body[: len(body) // 2] if account.use_up("broken_pages") else body


def plain_list(
    member: str, found: list[bytes], query: Query, link: Link, *, numbered: bool
) -> bytes:
    """Write one page of any list, its pages led to by cursors or, as those of invoices, numbers."""
    per_page, place = _per_page(query), _place_of(query)
    listed = _masters(found, place, per_page)
    if numbered and listed.following is not None:
        listed = replace(listed, following=_Place(place.page + 1))
    return _page(member, listed, per_page, link)


def _per_page(query: Query) -> int:
    per_page = int(query.get("per_page", PER_PAGE_MAX))
    if not 1 <= per_page <= PER_PAGE_MAX:
        raise ValueError(f"per_page must be between 1 and {PER_PAGE_MAX}")
    return per_page


def _page(member: str, listed: _Listed, per_page: int, link: Link) -> bytes:
    place, following = listed.place, listed.following
    pages = max(1, -(-listed.total // per_page))
    envelope = {
        "per_page": per_page,
        "total_pages": pages,
        "total_entries": listed.total,
        "next_page": following.page if following else None,
        "previous_page": place.page - 1 or None,
        "page": place.page,
        "links": {
            "first": link(_Place().parameter),
            "next": link(following.parameter) if following else None,
            "previous": None,
            "last": link(_Place(pages).parameter),
        },
    }
    told = json.dumps(envelope).encode()[1:]
    return b'{"%s":[%s],%s' % (member.encode(), b",".join(listed.records), told)


def _place_of(query: Query) -> _Place:
    if "cursor" not in query:
        return _Place(int(query.get("page", "1")))
    page, day, record_id = json.loads(base64.urlsafe_b64decode(query["cursor"]))
    return _Place(page, (date.fromisoformat(day), record_id))


def _masters(found: list[bytes], place: _Place, per_page: int) -> _Listed:
    behind = place.page * per_page
    # Its cursor only has to be opaque: master records hold still while they are read.
    following = _Place(place.page + 1, _FAR_FUTURE) if len(found) > behind else None
    return _Listed(found[behind - per_page : behind], len(found), place, following)


def _time_entries(account: HarvestAccount, query: Query, place: _Place, per_page: int) -> _Listed:
    found, total = account.entries(_filter(query), place.after)
    if place.after is None:
        found = found[(place.page - 1) * per_page :]
    records = [account.json_of(entry) for entry in found[:per_page]]
    following = None
    if len(found) > per_page:
        last = None if account.quirks.page_numbers else found[per_page - 1].place
        following = _Place(place.page + 1, last)
    poison = [text.encode(errors="surrogatepass") for text in account.quirks.poison]
    if place.page == 1:
        records = [*poison, *records]
    return _Listed(records, total + len(poison), place, following)


def _filter(query: Query) -> Callable[[Entry], bool]:
    since = datetime.fromisoformat(query["updated_since"]) if "updated_since" in query else None
    first = date.fromisoformat(query["from"]) if "from" in query else None
    last = date.fromisoformat(query["to"]) if "to" in query else None
    user = int(query["user_id"]) if "user_id" in query else None
    reference = query.get("external_reference_id")

    def fits(entry: Entry) -> bool:
        return (
            (since is None or entry.updated_at >= since)
            and (first is None or entry.facts.spent_date >= first)
            and (last is None or entry.facts.spent_date <= last)
            and (user is None or entry.facts.user_id == user)
            and (reference is None or (entry.reference or {}).get("id") == reference)
        )

    return fits
