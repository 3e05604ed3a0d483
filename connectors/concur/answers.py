"""Concur's answers about documents, and the one table that says what a service code means.

Concur answers an acknowledgement or a confirmation 200 and judges each document by itself. The
codes are those of its page "Financial Integration Service v4", section Service Codes.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from connectors.base.capabilities import Claim, ReportStep


class Means(StrEnum):
    """What is to be made of the answer about one document."""

    DONE = "done"
    # It was acknowledged or confirmed before, so this attempt changed nothing.
    DONE_BEFORE = "done_before"
    RECALLED = "recalled"
    # Nothing was done, and asking again may help.
    NOT_NOW = "not_now"
    # There is no such document, or it is of another kind than was asked for.
    NOT_HERE = "not_here"
    # Nothing was done, and asking again does not help.
    PERSON = "person"


CODES: Final[Mapping[int, Means]] = {
    0: Means.DONE,
    99: Means.PERSON,  # Another system has it.
    101: Means.DONE_BEFORE,
    102: Means.RECALLED,
    103: Means.NOT_NOW,  # Not ready yet.
    104: Means.NOT_HERE,
    105: Means.NOT_HERE,  # Of another kind.
    111: Means.PERSON,  # Not acknowledged, so it may be recalled under our hands.
    112: Means.RECALLED,
    113: Means.DONE_BEFORE,
    114: Means.PERSON,  # In no known state.
    115: Means.NOT_HERE,  # Of another kind.
    116: Means.NOT_HERE,
    198: Means.PERSON,  # The same request will never work.
    199: Means.NOT_NOW,  # Unknown error, try later.
    213: Means.DONE_BEFORE,
    298: Means.PERSON,  # The same request will never work, unless it says NOOP.
}
# The word beside the code: for an answer without a code, or with one that is new.
_WORDS: Final[Mapping[str, Means]] = {
    "SUCCESS": Means.DONE,
    "NOOP": Means.DONE_BEFORE,
    "WAS_RECALLED": Means.RECALLED,
    "SYSTEM_ERROR_OCCURRED": Means.NOT_NOW,
    "DOCUMENT_NOT_FOUND": Means.NOT_HERE,
    "NOT_YET_ACKNOWLEDGED": Means.PERSON,
    "NOT_POSTING_CONFIRMED": Means.PERSON,
    "FAILURE": Means.PERSON,
}
CLAIMS: Final[Mapping[Means, Claim]] = {
    Means.DONE: Claim.CLAIMED,
    Means.DONE_BEFORE: Claim.CLAIMED_BEFORE,
    Means.RECALLED: Claim.RECALLED,
    Means.NOT_NOW: Claim.NOT_NOW,
    Means.NOT_HERE: Claim.REFUSED,
    Means.PERSON: Claim.REFUSED,
}
_PAID: Final = frozenset({"PAYMENT_CONFIRMED_SUCCESS", "PAID"})
_NO_LONGER_PAID: Final = frozenset({"PAYMENT_CONFIRMED_REVERSED", "PAYMENT_CONFIRMED_OBSOLETE"})
# Codes 113 and 213 say that something was confirmed, and not what. In these states of a document
# it was something else than we want to tell.
CONTRADICTED_BY: Final[Mapping[ReportStep, frozenset[str]]] = {
    ReportStep.POSTED: frozenset({"POSTING_CONFIRMED_FAILURE"}),
    ReportStep.FAILED: frozenset({"POSTING_CONFIRMED_SUCCESS"}) | _PAID | _NO_LONGER_PAID,
    ReportStep.PARTLY_PAID: _NO_LONGER_PAID,
    ReportStep.PAID: _NO_LONGER_PAID,
    ReportStep.PAYMENT_REVERSED: _PAID | {"PAYMENT_CONFIRMED_OBSOLETE"},
    ReportStep.OBSOLETE: _PAID | {"PAYMENT_CONFIRMED_REVERSED"},
}


class _Read(BaseModel):
    # SAP adds members at any time, and its own examples have null where its schema has text.
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class DocumentAnswer(_Read):
    """What Concur says of one document."""

    document: str = Field(validation_alias="docId")
    code: int | None = None
    word: str | None = Field(
        default=None,
        validation_alias=AliasChoices(
            "acknowledgeResult", "postingConfirmationResult", "paymentConfirmationResult"
        ),
    )
    system_id: str | None = Field(default=None, validation_alias="systemId")

    @property
    def means(self) -> Means:
        """What is to be made of it; what Concur never documented is for a person."""
        word = _WORDS.get(self.word or "")
        code = None if self.code is None else CODES.get(self.code)
        if word is Means.DONE_BEFORE:
            return word  # NOOP: code 298 alone would be a refusal.
        if code is None or (code is Means.DONE and word is not None):
            return word or Means.PERSON
        return code

    @property
    def names_this_one(self) -> bool:
        """Whether it is this very confirmation that was there before, by its own reference."""
        return self.word == "NOOP"

    @property
    def said(self) -> str:
        """Its code, for people."""
        return str(self.code) if self.code is not None else (self.word or "no_code")


class PageFacts(_Read):
    """Where a page of documents stands; the first is number 0."""

    number: int = Field(ge=0)
    pages: int = Field(ge=0, validation_alias="totalPages")
    documents: int = Field(ge=0, validation_alias="totalElements")


class PageEnvelope(_Read):
    """A page of documents without its documents."""

    page: PageFacts


class UsersEnvelope(_Read):
    """A page of users without its users."""

    following: str | None = Field(default=None, validation_alias="nextCursor")


class State(_Read):
    """A document as far as its state goes."""

    id: str
    state: str = Field(validation_alias="docStatus")


class TokenAnswer(_Read):
    """A token; Concur writes its lifetime as text."""

    access_token: str = Field(min_length=1, repr=False)
    expires_in: int = Field(gt=0)
    refresh_token: str | None = Field(default=None, repr=False)
    geolocation: str | None = None
