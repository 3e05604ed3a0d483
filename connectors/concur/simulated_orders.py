"""Orders to the simulated company, as JSON: what people would do in Concur's own pages."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import TypeAdapter

from connectors.base.http import exact_json
from connectors.concur.simulated_company import SimulatedConcur
from connectors.concur.simulated_state import Quirks, SimulatedUser, State

# Carries out a JSON body and says what came of it; raises ValueError or KeyError.
Order = Callable[[SimulatedConcur, bytes], Any]
_USERS: Final = TypeAdapter(tuple[SimulatedUser, ...])


class Documents(State):
    """The ids of documents."""

    documents: tuple[str, ...]


def _release(company: SimulatedConcur, body: bytes) -> list[str]:
    """Release documents: {"documents": […], "delayed": false}; their digits are kept."""
    told = _object(body)
    delayed = bool(told.get("delayed", False))
    return [company.release(each, delayed=delayed) for each in told["documents"]]


def _resubmit(company: SimulatedConcur, body: bytes) -> str:
    """Submit a document again: {"document": id, "content": {…} or absent}."""
    told = _object(body)
    return company.resubmit(told["document"], told.get("content"))


def _each(do: Callable[[SimulatedConcur, str], bool]) -> Order:
    def order(company: SimulatedConcur, body: bytes) -> int:
        chosen = Documents.model_validate_json(body).documents
        return sum(do(company, each) for each in chosen)

    return order


def _put_users(company: SimulatedConcur, body: bytes) -> int:
    users = _USERS.validate_json(body)
    company.put(users)
    return len(users)


def _set_quirks(company: SimulatedConcur, body: bytes) -> int:
    told = Quirks.model_validate_json(body)
    news = {name: getattr(told, name) for name in told.model_fields_set}
    company.quirks = company.quirks.model_copy(update=news)
    return len(news)


def _object(body: bytes) -> Mapping[str, Any]:
    told = exact_json(body)
    if not isinstance(told, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004  One error for whatever was sent.
    return told


ORDERS: Final[dict[str, Order]] = {
    "release": _release,
    "ready": _each(SimulatedConcur.make_ready),
    "recall": _each(SimulatedConcur.recall),
    "withdraw": _each(SimulatedConcur.withdraw),
    "resubmit": _resubmit,
    "users": _put_users,
    "expire_tokens": lambda company, _: company.expire_tokens(),
    "quirks": _set_quirks,
}
