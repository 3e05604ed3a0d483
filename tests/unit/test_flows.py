"""Which flows a pair of systems can have: what is missing is named, as a role or a kind."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from canonical.posting import PostingKind
from connectors.base.capabilities import (
    AcknowledgementSink,
    ContractSource,
    ExpenseReportSink,
    ExpenseReportSource,
    InvoiceStatusSink,
    MasterDataSource,
    PaymentSource,
    PostingCalendar,
    PostingTarget,
    TimeEntrySource,
)
from connectors.base.guard import Bulk, Lookup
from connectors.base.manifest import Manifest, PostingOperation, ReferenceField
from runtime.flows import Side, limits_of, missing_for, missing_for_intercompany

ALL_OF_AN_ERP = frozenset({PostingTarget, MasterDataSource, PostingCalendar, PaymentSource})


def side(name: str, *roles: type, kinds: Sequence[PostingKind] = (), **given: Any) -> Side:
    operations = tuple(
        PostingOperation(kind, Lookup(), Bulk("NONE"), ReferenceField("memo", 21), 10)
        for kind in kinds
    )
    return Side(
        name,
        Manifest(
            system=name,
            title=name.upper(),
            capabilities=frozenset(roles),
            verified_against="nothing",
            documented_at="nowhere",
            operations=operations,
            **given,
        ),
    )


ERP = side("erp", *ALL_OF_AN_ERP, kinds=tuple(PostingKind), undone_by_deletion=frozenset())
TIME = side("clock", TimeEntrySource, AcknowledgementSink)
EXPENSES = side("purse", ExpenseReportSource, ExpenseReportSink)
CONTRACTS = side("deals", ContractSource, InvoiceStatusSink)


def without(one: Side, *roles: type) -> Side:
    kept = one.manifest.capabilities - set(roles)
    return replace(one, manifest=replace(one.manifest, capabilities=kept))


def not_posting(one: Side, *kinds: PostingKind) -> Side:
    kept = tuple(each for each in one.manifest.operations if each.kind not in kinds)
    return replace(one, manifest=replace(one.manifest, operations=kept))


@pytest.mark.parametrize("source", [TIME, EXPENSES, CONTRACTS], ids=str)
def test_an_erp_that_does_it_all_takes_every_source(source: Side) -> None:
    assert list(missing_for(source, ERP)) == []


@pytest.mark.parametrize(
    ("source", "target", "named"),
    [
        (TIME, without(ERP, PostingTarget), "PostingTarget"),
        (TIME, without(ERP, MasterDataSource), "MasterDataSource"),
        (TIME, without(ERP, PostingCalendar), "PostingCalendar"),
        (TIME, not_posting(ERP, PostingKind.TIME), "of kind time"),
        (EXPENSES, not_posting(ERP, PostingKind.EXPENSE), "of kind expense"),
        (CONTRACTS, not_posting(ERP, PostingKind.INVOICE), "of kind invoice"),
        (TIME, not_posting(ERP, PostingKind.REVERSAL), "kind reversal"),
        (without(TIME, AcknowledgementSink), ERP, "AcknowledgementSink"),
        (without(EXPENSES, ExpenseReportSink), ERP, "ExpenseReportSink"),
        (without(CONTRACTS, InvoiceStatusSink), ERP, "InvoiceStatusSink"),
        (ERP, ERP, "TimeEntrySource"),
    ],
)
def test_what_is_missing_is_named_once(source: Side, target: Side, named: str) -> None:
    [sentence] = missing_for(source, target)
    assert named in sentence
    assert "ERP" in sentence or source.manifest.title in sentence


def test_what_is_removed_instead_of_reversed_needs_the_kind_that_removes() -> None:
    removing = replace(
        ERP, manifest=replace(ERP.manifest, undone_by_deletion=frozenset({PostingKind.TIME}))
    )
    assert list(missing_for(TIME, removing)) == []
    [sentence] = missing_for(TIME, not_posting(removing, PostingKind.UNDO))
    assert "kind undo" in sentence


def test_an_invoice_is_taken_back_by_a_credit_note_which_is_an_invoice() -> None:
    assert list(missing_for(CONTRACTS, not_posting(ERP, PostingKind.REVERSAL))) == []


def test_a_source_that_nobody_asked_to_be_told_needs_no_sink() -> None:
    quiet = without(TIME, AcknowledgementSink)
    assert list(missing_for(quiet, ERP, acknowledge=False)) == []


def test_somebody_else_may_be_told_of_invoices() -> None:
    deals = without(CONTRACTS, InvoiceStatusSink)
    assert list(missing_for(deals, ERP, told=CONTRACTS)) == []
    [sentence] = missing_for(deals, ERP, told=TIME)
    assert "'clock' (CLOCK)" in sentence


def test_a_connection_that_would_be_read_in_one_role_only_says_so() -> None:
    both = side(
        "both", TimeEntrySource, AcknowledgementSink, ExpenseReportSource, ExpenseReportSink
    )
    [sentence] = missing_for(both, ERP)
    assert "is read for expenses only, not as TimeEntrySource" in sentence


@pytest.mark.parametrize(("source", "limits"), [(TIME, 0), (EXPENSES, 1), (CONTRACTS, 1)])
def test_an_erp_that_tells_no_payments_is_a_limit_to_what_is_paid(
    source: Side, limits: int
) -> None:
    silent = without(ERP, PaymentSource)
    assert list(missing_for(source, silent)) == []
    assert list(limits_of(source, ERP)) == []
    said = list(limits_of(source, silent))
    assert len(said) == limits
    assert all("PaymentSource" in each for each in said)


def test_terms_between_legal_entities_need_journal_entries() -> None:
    assert list(missing_for_intercompany(ERP)) == []
    [sentence] = missing_for_intercompany(not_posting(ERP, PostingKind.JOURNAL))
    assert "of kind journal" in sentence
