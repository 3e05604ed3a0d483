"""Each checker finds nothing in a good world, and the violation that was seeded in a bad one."""

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.invariants.rows import Violation
from tests.invariants.seeded import NOON, Seeded, good
from tests.invariants.snapshot import report

Break = Callable[[Seeded], object]
PRODUCT = {
    *("activities", "canonical", "cli", "connectors", "gateway", "rules", "runtime", "sandbox"),
    *("store", "workflows"),
}


@pytest.mark.parametrize("settled", [True, False])
def test_nothing_is_found_where_all_is_well(settled: bool) -> None:
    found = good().found(settled=settled)
    assert found == [], report(found)


def row(world: Seeded, source_id: str, **which: Any) -> dict[str, Any]:
    """The last posting of a line."""
    return [
        one
        for one in world.ledger
        if one["source_id"] == source_id and all(one[name] == which[name] for name in which)
    ][-1]


def put(source_id: str, **columns: Any) -> Break:
    """Change columns of a posting."""
    return lambda world: row(world, source_id).update(columns)


def trail(world: Seeded, source_id: str) -> list[dict[str, Any]]:
    """The audit rows of a line's last posting."""
    subject = str(row(world, source_id)["key"])
    return [one for one in world.audit if one["subject"] == subject]


SEEDED: dict[str, tuple[str, Break]] = {
    "a state that does not exist": ("I1", put("1", state="SENT")),
    "stopped without a case": ("I1", put("5", case_id=None, case_state=None)),
    "stopped in a closed case": ("I1", put("5", case_state="RESOLVED")),
    "being sent and never claimed": ("I1", put("1", state="SENDING", fence=0)),
    "posted without a document": ("I1", put("1", erp_document_id=None)),
    "cancelled and posted": ("I1", put("4", posted_at=NOON)),
    "reversed by nothing": ("I1", put("1", state="REVERSED")),
    "taken back and still posted": ("I1", lambda w: row(w, "2", revision=1, kind="time").update(
        state="POSTED")),
    "a taking back of nothing": ("I1", lambda w: row(w, "3", kind="undo").update(corrects=None)),
    "two unsettled postings of a line": ("I1", lambda w: w.posting("5", "PENDING", revision=2)),
    "two standing postings of a revision": ("I1", lambda w: w.posting("1", amendment=1)),
    "two revisions posted at once": ("I1", lambda w: w.posting("1", revision=2)),
    "replaced before it was taken back": ("I1", lambda w: row(w, "2", kind="undo").update(
        state="SENDING")),
    "approved and nowhere": ("I1", lambda w: w.entry("8")),
    "approved and taken back for good": ("I1", lambda w: w.entries[2].update(approved=True)),
    "withdrawn and still posted": ("I1", lambda w: w.entries[0].update(approved=False)),
    "a line that the ERP lacks": ("I2", lambda w: w.erp.pop(0)),
    "hours that differ": ("I2", lambda w: w.erp[0].update(seconds=3599)),
    "another month": ("I2", lambda w: w.erp[0].update(work_date=NOON.date().replace(month=9))),
    "another legal entity": ("I2", lambda w: w.erp[0].update(legal_entity="US01")),
    "other references, same hours": ("I2", lambda w: w.erp[0].update(reference="L" + "A" * 20)),
    "a source that approved more": ("I2", lambda w: w.entry("8", 60)),
    "a source that approved other hours": ("I2", lambda w: w.entries[0].update(seconds=1800)),
    "a document that nobody wrote down": ("I3", lambda w: w.erp[0].update(
        reference="L" + "A" * 20)),
    "a document of what was never claimed": ("I3", lambda w: w.document(row(w, "5"))),
    "a document of what was cancelled": ("I3", lambda w: w.document(row(w, "4"))),
    "a document of what was waived": ("I3", lambda w: w.document(row(w, "7"))),
    "a document that was taken back": ("I3", lambda w: w.document(row(w, "3", kind="time"))),
    "a posting without its document": ("I3", lambda w: w.erp.pop(1)),
    "a posting with another document": ("I3", lambda w: w.erp[0].update(document_id="999")),
    "two documents of a key": ("I4", lambda w: w.document(row(w, "1"), document_id="999")),
    "both revisions in the ERP": ("I4", lambda w: w.document(row(w, "2", revision=1, kind="time"))),
    "a key of another line": ("I5", put("1", tenant="southwind")),
    "a reference of another key": ("I5", put("1", reference="L" + "A" * 20)),
    "a body that was not written down": ("I5", put("1", body_hash="0" * 64)),
    "the intent of another posting": ("I5", lambda w: row(w, "1").update(
        intent=row(w, "6")["intent"])),
    "a document with another body": ("I5", lambda w: w.erp[0].update(seconds=60)),
    "a half taking back": ("I6", lambda w: row(w, "2", kind="undo").update(seconds=-1800)),
    "a taking back of another amount": ("I6", lambda w: row(w, "3", kind="undo").update(amount=0)),
    "a taking back with other data": ("I6", lambda w: row(w, "3", kind="undo").update(
        intent=row(w, "2", revision=2)["intent"])),
    "a net that is not what was approved": ("I6", lambda w: w.entries[1].update(seconds=3600)),
    "a net that the ERP does not have": ("I6", lambda w: w.erp.pop(1)),
    "no audit row at all": ("I8", lambda w: w.audit.__setitem__(
        slice(None), [one for one in w.audit if one not in trail(w, "4")])),
    "a lost first row": ("I8", lambda w: w.audit.remove(trail(w, "4")[0])),
    "a lost last row": ("I8", lambda w: w.audit.remove(trail(w, "1")[-1])),
    "a lost row in between": ("I8", lambda w: w.audit.remove(trail(w, "1")[1])),
    "a row twice": ("I8", lambda w: w.audit.append({**trail(w, "1")[-1], "id": 9999})),
    "rows out of order": ("I8", lambda w: trail(w, "1")[1].update(id=9999)),
    "a row of nobody": ("I8", lambda w: trail(w, "1")[1].update(actor="")),
    "a row about nothing": ("I8", lambda w: trail(w, "1")[0].update(subject="gone")),
    "an illegal step": ("I8", lambda w: w.audit.extend(
        [{**trail(w, "4")[-1], "id": 9998, "from_state": "CANCELLED", "to_state": "PENDING"},
         {**trail(w, "4")[-1], "id": 9999, "from_state": "PENDING", "to_state": "CANCELLED"}])),
    "a state that no row tells of": ("I8", put("5", state="PENDING")),
    "a fence that no row tells of": ("I8", put("1", fence=7)),
    "a claim under an old fence": ("I8", lambda w: trail(w, "1")[2].update(
        to_state="SENDING", outcome=None)),
    "a case that no row tells of": ("I8", lambda w: w.cases.append({"id": "x", "state": "OPEN"})),
    "a case that was resolved unseen": ("I8", lambda w: w.cases[0].update(state="RESOLVED")),
}  # fmt: skip


@pytest.mark.parametrize("name", SEEDED)
def test_a_seeded_violation_is_found(name: str) -> None:
    invariant, break_it = SEEDED[name]
    world = good()
    break_it(world)
    assert invariant in world.broken()


def test_every_invariant_has_a_seeded_violation() -> None:
    assert {invariant for invariant, _ in SEEDED.values()} == {
        "I1",
        "I2",
        "I3",
        "I4",
        "I5",
        "I6",
        "I8",
    }


AT_ANY_INSTANT = {
    "stopped in a closed case",
    "being sent and never claimed",
    "two revisions posted at once",
    "a document that nobody wrote down",
    "a document of what was never claimed",
    "a document of what was cancelled",
    "two documents of a key",
    "both revisions in the ERP",
    "a body that was not written down",
    "a half taking back",
    "a lost row in between",
}


@pytest.mark.parametrize("name", sorted(AT_ANY_INSTANT))
def test_what_may_never_be_is_found_in_the_middle_of_a_campaign(name: str) -> None:
    invariant, break_it = SEEDED[name]
    world = good()
    break_it(world)
    assert invariant in world.broken(settled=False)


def test_work_in_progress_is_no_violation_before_all_is_settled() -> None:
    world = good()
    world.entry("8")
    world.entry("9")
    sent = world.posting("8", "SENDING")
    world.document(sent, document_id="900")
    world.posting("9", "PENDING")
    world.entry("10")
    assert world.found(settled=False) == []
    assert world.broken() >= {"I1", "I3"}


def test_a_key_sent_with_two_bodies_is_found() -> None:
    reference = row(good(), "1")["reference"]
    once = {"reference": reference, "body": "one hour"}
    assert good().found(sends=[once, once]) == []
    (found,) = good().found(sends=[once, {**once, "body": "two hours"}])
    assert (found.invariant, found.subject) == ("I5", reference)


@pytest.mark.parametrize(
    ("source_id", "columns", "invariant"),
    [
        ("1", {"body_hash": "0" * 64}, "I5"),
        ("1", {"erp_document_id": "1"}, "I6"),
        ("3", {"amount": 1}, "I6"),
        ("1", {"key": "another"}, "I5"),
    ],
)
def test_what_was_posted_earlier_stays_as_it_was(
    source_id: str, columns: dict[str, Any], invariant: str
) -> None:
    before = good()
    row(before, source_id).update(columns)
    assert invariant in good().broken(earlier=before.ledger)
    assert good().found(earlier=good().ledger) == []


def test_a_drills_own_damage_can_be_excused() -> None:
    world = good()
    spoilt = row(world, "1")["reference"]
    world.erp[0].update(seconds=1)
    world.document(row(world, "1"), document_id="999")
    assert world.broken() >= {"I2", "I4", "I5"}
    assert world.found(excused=[spoilt]) == []


def test_a_released_line_may_hang_on_a_case_that_is_closed_already() -> None:
    world = good()
    row(world, "5").update(case_state="RESOLVED", released_at=NOON)
    assert world.found() == []


def test_a_kept_document_is_no_violation_once_its_taking_back_was_waived() -> None:
    world = good()
    world.entry("8", approved=False)
    kept = world.posting("8")
    world.document(kept)
    world.posting("8", "WAIVED", kind="undo", corrects=kept["key"], seconds=-3600,
                  amount=-kept["amount"])  # fmt: skip
    assert world.found() == []


def test_an_erp_that_tells_no_legal_entity_is_compared_by_month() -> None:
    world = good()
    for line in world.erp:
        line.pop("legal_entity", None)
    assert world.found() == []
    world.erp.pop()
    assert "I2" in world.broken()


def test_a_report_is_short_and_says_how_much_there_is() -> None:
    found = [Violation("I4", f"L{number}", "has 2 documents in the ERP") for number in range(30)]
    said = report(found).splitlines()
    assert said[0] == "30 violations"
    assert said[1] == "I4 L0: has 2 documents in the ERP"
    assert (len(said), said[-1]) == (22, "and 10 more")


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


@pytest.mark.parametrize(
    "path", sorted(Path(__file__).parent.glob("[!t]*.py")), ids=lambda path: path.stem
)
def test_no_checker_shares_code_with_the_product(path: Path) -> None:
    assert _imports(path) & PRODUCT == set()
