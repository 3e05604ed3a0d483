"""Which fault meets which request: by what it is, by the seed, and never more than asked."""

import pytest
from pydantic import ValidationError

from sandbox.faults import Fault, FaultKind, FaultPlan, Misfortune, RequestFacts

WRITE = RequestFacts("POST", "/erp/rpc/", {"method": "model.timesheet.work.write"})
READ = RequestFacts("POST", "/erp/rpc/", {"method": "model.timesheet.work.read"})


def misfortune(*faults: Fault, seed: int = 0) -> Misfortune:
    """Plan some faults."""
    return Misfortune(FaultPlan(seed=seed, faults=faults))


def rate(per_mille: int, kind: FaultKind = FaultKind.LOST_ANSWER) -> Fault:
    """Let a share of the writes suffer."""
    return Fault(kind=kind, fields={"method": WRITE.body["method"]}, rate_per_mille=per_mille)


def test_only_what_is_selected_suffers() -> None:
    fate = misfortune(rate(1000))
    assert fate.strike(READ) is None
    assert fate.strike(WRITE) is not None


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind=FaultKind.UNAVAILABLE, verb="GET", rate_per_mille=1000),
        Fault(kind=FaultKind.UNAVAILABLE, path_prefix="/v2/", rate_per_mille=1000),
        Fault(kind=FaultKind.UNAVAILABLE, fields={"method": "x", "id": "1"}, rate_per_mille=1000),
    ],
)
def test_every_condition_counts(fault: Fault) -> None:
    assert misfortune(fault).strike(WRITE) is None


def test_a_numbered_fault_strikes_as_often_as_asked() -> None:
    fate = misfortune(Fault(kind=FaultKind.THROTTLE, next_requests=2))
    assert [fate.strike(WRITE) is not None for _ in range(4)] == [True, True, False, False]


def test_a_numbered_fault_that_was_spared_strikes_again() -> None:
    fate = misfortune(Fault(kind=FaultKind.LOST_ANSWER, next_requests=1))
    fault = fate.strike(WRITE)
    assert fault is not None
    assert fate.strike(WRITE) is None
    fate.spare(fault)
    assert fate.strike(WRITE) is fault


def test_a_seed_decides_alike_every_time_and_another_one_otherwise() -> None:
    def struck(seed: int) -> list[bool]:
        fate = misfortune(rate(100), seed=seed)
        return [fate.strike(WRITE) is not None for _ in range(1000)]

    assert struck(7) == struck(7)
    assert struck(7) != struck(8)
    assert 60 < sum(struck(7)) < 140


def test_reads_in_between_do_not_change_which_writes_suffer() -> None:
    alone, mixed = misfortune(rate(100)), misfortune(rate(100))
    plain = [alone.strike(WRITE) is not None for _ in range(200)]
    among_reads = []
    for _ in range(200):
        mixed.strike(READ)
        among_reads.append(mixed.strike(WRITE) is not None)
    assert among_reads == plain


def test_a_second_fault_takes_what_the_first_one_leaves() -> None:
    fate = misfortune(
        Fault(kind=FaultKind.RESET_BEFORE, next_requests=1), rate(1000, FaultKind.ERROR_AFTER)
    )
    kinds = [fault.kind for fault in (fate.strike(WRITE), fate.strike(WRITE)) if fault]
    assert kinds == [FaultKind.RESET_BEFORE, FaultKind.ERROR_AFTER]


@pytest.mark.parametrize("chosen", [{}, {"rate_per_mille": 1, "next_requests": 1}])
def test_a_fault_is_chosen_by_rate_or_by_number(chosen: dict[str, int]) -> None:
    with pytest.raises(ValidationError, match="either a rate or a number"):
        Fault.model_validate({"kind": "throttle", **chosen})


@pytest.mark.parametrize("content", [b"", b"<html>", b"[1]", b"\xff"])
def test_a_body_that_is_no_object_has_no_members(content: bytes) -> None:
    assert RequestFacts.of("POST", "/", content).body == {}
