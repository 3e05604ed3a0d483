"""The suites of time, expenses and postings are no decoration: who breaks a rule fails it."""

import json
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from canonical.posting import Executed, PostedDocument
from connectors.base.capabilities import Acknowledged, SourceRecord
from connectors.base.errors import ConnectorError
from connectors.conformance.acknowledgement import AcknowledgementContract
from connectors.conformance.expense_source import (
    ExpenseReportSinkContract,
    ExpenseReportSourceContract,
)
from connectors.conformance.posting_repeats import UniqueReferenceContract
from connectors.conformance.posting_target import PostingTargetContract
from connectors.conformance.time_source import TimeEntrySourceContract
from connectors.flatfile import export_shelf
from connectors.flatfile.expense_drop import ExpenseDrop
from connectors.flatfile.export import FileExport
from connectors.flatfile.export_shelf import Put, Shelf
from connectors.flatfile.telling import ToldSteps
from connectors.flatfile.time_drop import TimeDrop
from tests.connectors.flatfile.expense_world import ExpenseWorld
from tests.connectors.flatfile.export_world import ExportWorld
from tests.connectors.flatfile.time_world import TimeWorld

Records = Sequence[SourceRecord[Any]]
Spoil = Callable[[pytest.MonkeyPatch], None]
Rule = Callable[..., Awaitable[None]]


def spoils(kind: type, reading: str, spoil: Callable[[Records], Records]) -> Spoil:
    """Let a reading show something else than what it read."""

    def patch(patched: pytest.MonkeyPatch) -> None:
        good = getattr(kind, reading)
        patched.setattr(kind, reading, lambda self, *given: spoil(good(self, *given)))

    return patch


def approves_all(records: Records) -> Records:
    return [replace(one, approved=True) for one in records]


def drops_what_it_cannot_read(records: Records) -> Records:
    return [one for one in records if one.record is not None]


def quotes_what_it_cannot_read(records: Records) -> Records:
    return [replace(one, trouble=one.trouble and one.raw) for one in records]


def loses_the_last(records: Records) -> Records:
    return records[:-1]


def changed(records: Records, change: Callable[[Any], dict[str, Any]]) -> Records:
    return [
        replace(one, record=one.record and one.record.model_copy(update=change(one.record)))
        for one in records
    ]


def rounds_hours(records: Records) -> Records:
    return changed(records, lambda entry: {"seconds": entry.seconds // 60 * 60})


def forgets_the_approver(records: Records) -> Records:
    return changed(records, lambda _: {"approval": None})


def doubles_amounts(records: Records) -> Records:
    def doubled(report: Any) -> dict[str, Any]:
        items = (one.model_copy(update={"amount": one.amount + one.amount}) for one in report.items)
        return {"items": tuple(items)}

    return changed(records, doubled)


def shows_everything_always(patched: pytest.MonkeyPatch) -> None:
    good = TimeDrop._changed_since
    patched.setattr(
        TimeDrop,
        "_changed_since",
        lambda self, since: good(self, since - timedelta(days=3650)),
    )


def rounds_up_since(patched: pytest.MonkeyPatch) -> None:
    good = TimeDrop._changed_since

    def later(self: TimeDrop, since: datetime) -> Any:
        return good(self, since + timedelta(seconds=1))

    patched.setattr(TimeDrop, "_changed_since", later)


def leaves_the_last_day_out(patched: pytest.MonkeyPatch) -> None:
    good = TimeDrop._between

    def between(self: TimeDrop, first: date, last: date) -> Any:
        return good(self, first, last - timedelta(days=1))

    patched.setattr(TimeDrop, "_between", between)


TIME: list[tuple[Spoil, Rule]] = [
    (
        spoils(TimeDrop, "_between", approves_all),
        TimeEntrySourceContract.test_only_an_approval_approves,
    ),
    (
        spoils(TimeDrop, "_changed_since", drops_what_it_cannot_read),
        TimeEntrySourceContract.test_an_unreadable_record_harms_no_neighbour,
    ),
    (
        spoils(TimeDrop, "_changed_since", quotes_what_it_cannot_read),
        TimeEntrySourceContract.test_trouble_names_no_value,
    ),
    (
        spoils(TimeDrop, "_between", loses_the_last),
        TimeEntrySourceContract.test_all_pages_come_without_loss_or_duplicate,
    ),
    (
        spoils(TimeDrop, "_between", rounds_hours),
        TimeEntrySourceContract.test_hours_are_exact,
    ),
    (
        spoils(TimeDrop, "_between", forgets_the_approver),
        TimeEntrySourceContract.test_an_approval_claims_no_more_evidence_than_the_manifest,
    ),
    (shows_everything_always, TimeEntrySourceContract.test_what_did_not_change_is_no_news),
    (
        rounds_up_since,
        TimeEntrySourceContract.test_an_entry_changed_at_the_very_instant_is_read_again,
    ),
    (
        leaves_the_last_day_out,
        TimeEntrySourceContract.test_a_window_includes_both_its_ends_and_nothing_else,
    ),
]


def named(pair: tuple[Spoil, Rule]) -> str:
    return pair[1].__name__


async def must_fail(rule: Rule, suite: Any, world: Any) -> None:
    """The rule holds for the good connector's tests elsewhere; here it must not."""
    with pytest.raises((AssertionError, ConnectorError, LookupError, pytest.fail.Exception)):
        await rule(suite, world)


@pytest.mark.parametrize("pair", TIME, ids=named)
async def test_a_folder_of_time_that_breaks_a_rule_fails_it(
    pair: tuple[Spoil, Rule], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil, rule = pair
    spoil(monkeypatch)
    await must_fail(rule, TimeEntrySourceContract(), TimeWorld(tmp_path / "drop"))


def says_yes_and_writes_nothing(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(ToldSteps, "tell", lambda *_: None)


def knows_every_name(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(
        TimeDrop,
        "_acknowledge",
        lambda _, told: [Acknowledged(one.source_id, accepted=True) for one in told],
    )


def writes_again_what_was_told(patched: pytest.MonkeyPatch) -> None:
    def tell(self: ToldSteps, steps: Any) -> None:
        self._file.add((f"{os.urandom(8).hex()}", _line(step)) for step in steps)

    patched.setattr(ToldSteps, "tell", tell)


def _line(step: Any) -> bytes:
    told = {"report": step["report"], "step": step["step"], "message": ""}
    return f"{json.dumps(told)}\n".encode()


@pytest.mark.parametrize(
    "pair",
    [
        (
            says_yes_and_writes_nothing,
            AcknowledgementContract.test_each_line_is_told_its_reference_in_order,
        ),
        (knows_every_name, AcknowledgementContract.test_a_line_that_went_is_a_refusal),
    ],
    ids=named,
)
async def test_a_folder_that_is_told_and_breaks_a_rule_fails_it(
    pair: tuple[Spoil, Rule], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil, rule = pair
    spoil(monkeypatch)
    await must_fail(rule, AcknowledgementContract(), TimeWorld(tmp_path / "drop"))


@pytest.mark.parametrize(
    "pair",
    [
        (
            spoils(ExpenseDrop, "_changed_since", loses_the_last),
            ExpenseReportSourceContract.test_all_pages_come_without_loss_or_duplicate,
        ),
        (
            spoils(ExpenseDrop, "_changed_since", drops_what_it_cannot_read),
            ExpenseReportSourceContract.test_an_unreadable_record_harms_no_neighbour,
        ),
        (
            spoils(ExpenseDrop, "_changed_since", doubles_amounts),
            ExpenseReportSourceContract.test_a_report_comes_whole_and_to_the_cent,
        ),
        (
            says_yes_and_writes_nothing,
            ExpenseReportSinkContract.test_each_report_is_told_in_order,
        ),
        (
            writes_again_what_was_told,
            ExpenseReportSinkContract.test_telling_twice_counts_as_told_and_shows_once,
        ),
    ],
    ids=named,
)
async def test_a_folder_of_expenses_that_breaks_a_rule_fails_it(
    pair: tuple[Spoil, Rule], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil, rule = pair
    spoil(monkeypatch)
    await must_fail(rule, ExpenseReportSourceContract(), ExpenseWorld(tmp_path / "drop"))


def overwrites(patched: pytest.MonkeyPatch) -> None:
    def link(source: Path, name: Path) -> None:
        name.unlink(missing_ok=True)
        source.replace(name)
        source.symlink_to(name)

    patched.setattr(export_shelf.os, "link", link)


def echoes_what_was_sent(patched: pytest.MonkeyPatch) -> None:
    good = FileExport._post

    def post(self: FileExport, intents: Any, last_byte_by: float | None) -> Any:
        outcomes = good(self, intents, last_byte_by)
        return [
            Executed(
                reference=one.reference,
                document_id=one.reference,
                document=PostedDocument(
                    document_id=one.reference, reference=one.reference, body=intent.body
                ),
            )
            for one, intent in zip(outcomes, intents, strict=True)
        ]

    patched.setattr(FileExport, "_post", post)


def trusts_a_disk_that_did_not_answer(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(Shelf, "_sync", lambda *_: None)


def calls_what_is_unknown_undone(patched: pytest.MonkeyPatch) -> None:
    good = FileExport._outcome
    patched.setattr(
        FileExport,
        "_outcome",
        lambda self, name, put: good(self, name, Put.NOT_TRIED if self._shelf._blind else put),
    )


def finds_nothing(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(Shelf, "read", lambda *_: None)


def sweeps_whatever_lies_there(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(Shelf, "references", lambda *_: [])


def takes_no_token(patched: pytest.MonkeyPatch) -> None:
    async def take(self: Any, calls: int = 1) -> int:
        return 0

    patched.setattr("connectors.conformance.http_contract.Tokens.take", take)


def ignores_the_end_of_its_claim(patched: pytest.MonkeyPatch) -> None:
    good = FileExport._post
    patched.setattr(FileExport, "_post", lambda self, intents, _: good(self, intents, None))


@pytest.mark.parametrize(
    "pair",
    [
        (
            overwrites,
            UniqueReferenceContract.test_what_stands_under_a_reference_already_is_shown_and_never_echoed,
        ),
        (
            echoes_what_was_sent,
            PostingTargetContract.test_what_the_erp_alters_silently_is_shown_as_it_is,
        ),
        (
            trusts_a_disk_that_did_not_answer,
            PostingTargetContract.test_a_lost_answer_is_unknown_after_one_write_and_found_by_reference,
        ),
        (
            calls_what_is_unknown_undone,
            PostingTargetContract.test_what_was_written_and_not_seen_since_is_never_called_undone,
        ),
        (
            finds_nothing,
            PostingTargetContract.test_find_still_sees_a_document_whose_note_a_person_changed,
        ),
        (
            sweeps_whatever_lies_there,
            PostingTargetContract.test_the_sweep_lists_every_document_of_ours_and_no_other,
        ),
        (takes_no_token, PostingTargetContract.test_without_a_token_nothing_is_sent),
        (
            ignores_the_end_of_its_claim,
            PostingTargetContract.test_a_write_does_not_begin_that_might_leave_after_its_claim_has_ended,
        ),
    ],
    ids=named,
)
async def test_an_export_that_breaks_a_rule_fails_it(
    pair: tuple[Spoil, Rule], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil, rule = pair
    world = ExportWorld(tmp_path / "erp")
    spoil(monkeypatch)
    suite = UniqueReferenceContract() if spoil is overwrites else PostingTargetContract()
    await must_fail(rule, suite, world)
