"""A simulated Concur company: its documents, who may still recall them, and what it was told."""

import hashlib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any, Final

from connectors.base.http import exact_json, exact_json_text
from connectors.concur.simulated_state import (
    CompanyState,
    DocumentState,
    Kind,
    Quirks,
    SimulatedDocument,
    SimulatedUser,
)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Judged:
    """One judgement on one document, in the order in which they were given."""

    what: str
    document: str
    code: int


class SimulatedConcur:
    """All of one company's state.

    A document can be recalled until it is acknowledged; one that failed goes back to its
    submitter, and comes again as a document of its own.
    """

    def __init__(
        self, state: CompanyState | None = None, *, clock: Callable[[], datetime] = _now
    ) -> None:
        self.facts: Final = state or CompanyState()
        self.clock = clock
        self.quirks = Quirks()
        self.served: Counter[str] = Counter()
        self.judgements: list[Judged] = []
        self.refresh_token = self.facts.refresh_token
        self._calls: deque[float] = deque()
        self._tokens: dict[str, datetime] = {}
        self._issued = 0
        self._users = {user.login: user for user in self.facts.users}
        self._documents = {document.id: document for document in self.facts.documents}

    # Orders: what people do in Concur's own pages.

    def release(self, report_document: Mapping[str, Any], *, delayed: bool = False) -> str:
        """Let a report or cash advance be approved; gives the id of its financial document.

        It is the content of a document, or a whole one as SAP's samples are. With `delayed` it is
        there and not ready yet. Raises ValueError if there is such a document already.
        """
        whole = "docType" in report_document
        content = report_document["document"] if whole else report_document
        document = SimulatedDocument(
            id=report_document["id"] if whole else _id_of(content),
            kind=_kind_of(content),
            content=exact_json_text(content),
            state="DELAYED" if delayed else "READY",
        )
        if document.id in self._documents:
            raise ValueError(f"document {document.id} was released before")
        self._documents[document.id] = document
        return document.id

    def make_ready(self, document: str) -> bool:
        """End the delay of a document."""
        return self._move(document, "READY", if_in=("DELAYED",))

    def recall(self, document: str) -> bool:
        """Send a document back to its submitter; False once it was acknowledged."""
        return self._move(document, "RECALLED", if_in=("DELAYED", "READY"))

    def withdraw(self, document: str) -> bool:
        """Let the submitter delete it for good; False while it is ours."""
        may_be_in: tuple[DocumentState, ...] = ("DELAYED", "READY", "RECALLED")
        return self._move(document, "CANCEL", if_in=(*may_be_in, "POSTING_CONFIRMED_FAILURE"))

    def resubmit(self, document: str, content: Mapping[str, Any] | None = None) -> str:
        """Submit and approve a recalled or failed report again, changed or as it was.

        It becomes a new document with a higher revision. Raises ValueError if the report is not
        with its submitter.
        """
        old = self._documents[document]
        if old.resubmitted_as or old.state not in {"RECALLED", "POSTING_CONFIRMED_FAILURE"}:
            raise ValueError(f"document {document} is not with its submitter: {old.state}")
        news = dict(content) if content is not None else exact_json(old.content)
        if old.kind == "expense":
            revision = int(exact_json(old.content)["report"].get("revisionNumber") or 0) + 1
            news["report"] = {**news["report"], "revisionNumber": str(revision)}
        new = SimulatedDocument(
            id=_id_of(news, before=document), kind=old.kind, content=exact_json_text(news)
        )
        self._documents[new.id] = new
        self.keep(old.model_copy(update={"resubmitted_as": new.id}))
        return new.id

    def put(self, users: Iterable[SimulatedUser]) -> None:
        """Add users, or replace those with the same login."""
        self._users |= {user.login: user for user in users}

    def expire_tokens(self) -> int:
        """Let every token that was given out open nothing any more."""
        gone = len(self._tokens)
        self._tokens.clear()
        return gone

    # What it answers with.

    def document(self, document: str) -> SimulatedDocument:
        """One document; KeyError if there is none."""
        return self._documents[document]

    def found(self, document: str) -> SimulatedDocument | None:
        """One document, if there is one."""
        return self._documents.get(document)

    @property
    def documents(self) -> tuple[SimulatedDocument, ...]:
        """All documents in the order of their release."""
        return tuple(self._documents.values())

    @property
    def users(self) -> tuple[SimulatedUser, ...]:
        """All users."""
        return tuple(self._users.values())

    def keep(self, document: SimulatedDocument) -> None:
        """Take a changed document in the place of the old."""
        self._documents[document.id] = document

    def admit(self, at: float) -> int:
        """Count a call at a monotonic time; 0 if it may pass, else the seconds to wait."""
        if self.use_up("throttled"):
            return self.quirks.throttle_seconds
        most, window = self.quirks.rate_limit_calls, self.quirks.rate_limit_seconds
        while self._calls and self._calls[0] <= at - window:
            self._calls.popleft()
        if most is not None and len(self._calls) >= most:
            self.served["throttled"] += 1
            return max(1, ceil(self._calls[0] + window - at))
        self._calls.append(at)
        return 0

    def use_up(self, quirk: str) -> bool:
        """Whether a counted quirk strikes now; it then has one less to go."""
        left = int(getattr(self.quirks, quirk))
        if left > 0:
            self.quirks = self.quirks.model_copy(update={quirk: left - 1})
            self.served[quirk] += 1
        return left > 0

    def issue_token(self) -> str:
        """Give out a token, and another refresh token if they change."""
        self._issued += 1
        if self.quirks.rotates_refresh_token:
            self.refresh_token = _made_of("refresh", self.facts.refresh_token, self._issued)
        token = _made_of("access", self.facts.client_secret, self._issued)
        self._tokens[token] = self.clock() + timedelta(seconds=self.quirks.token_seconds)
        return token

    def opens(self, token: str) -> bool:
        """Whether a token is good now."""
        until = self._tokens.get(token)
        return until is not None and self.clock() < until

    def state(self) -> CompanyState:
        """Everything, as a file that another simulator can start from."""
        return self.facts.model_copy(
            update={
                "refresh_token": self.refresh_token,
                "users": self.users,
                "documents": self.documents,
            }
        )

    def summary(self) -> dict[str, Any]:
        """How things stand, in counts."""
        return {
            "documents": dict(Counter(document.state for document in self.documents)),
            "told": dict(Counter(told.status for each in self.documents for told in each.told)),
            "judgements": dict(Counter(f"{each.what} {each.code}" for each in self.judgements)),
            "served": dict(self.served),
            "quirks": self.quirks.model_dump(mode="json"),
        }

    def _move(
        self, document: str, state: DocumentState, *, if_in: tuple[DocumentState, ...]
    ) -> bool:
        found = self._documents[document]
        if found.state not in if_in:
            return False
        self.keep(found.model_copy(update={"state": state}))
        return True


def _kind_of(content: Mapping[str, Any]) -> Kind:
    return "cashadvance" if "cashAdvanceData" in content else "expense"


def _id_of(content: Mapping[str, Any], before: str = "") -> str:
    """The id of a document, the same for the same content and predecessor."""
    return _made_of("document", exact_json_text(content), before)


def _made_of(*parts: object) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:32]
