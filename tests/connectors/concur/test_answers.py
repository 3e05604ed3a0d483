"""What each status and each service code of Concur's means, one by one."""

import json
from typing import Any, Final

import pytest

from connectors.base.capabilities import Claim, ReportStep
from connectors.base.errors import ConnectionConfigError, TransientError
from connectors.concur.answers import CODES
from connectors.conformance.expense_source import failed, greeted, payment, posted
from tests.connectors.concur.world import ConcurWorld

DOC: Final = "5ab9224e02e840148e7cd7d9e8e72968"
OTHER: Final = "2ac9224e02e840148e7cd7d9e8e12345"
# SAP's page, section Service Codes: every code, and what follows from it for a claim (as far as it
# can be one) and for news: told, refused, or waiting.
SERVICE_CODES: Final[dict[int, tuple[Claim, str]]] = {
    0: (Claim.CLAIMED, "told"),
    99: (Claim.REFUSED, "refused"),
    101: (Claim.CLAIMED_BEFORE, "told"),
    102: (Claim.RECALLED, "refused"),
    103: (Claim.NOT_NOW, "waits"),
    104: (Claim.REFUSED, "refused"),
    105: (Claim.REFUSED, "refused"),
    111: (Claim.REFUSED, "refused"),
    112: (Claim.RECALLED, "refused"),
    113: (Claim.CLAIMED_BEFORE, "told"),
    114: (Claim.REFUSED, "refused"),
    115: (Claim.REFUSED, "refused"),
    116: (Claim.REFUSED, "refused"),
    198: (Claim.REFUSED, "refused"),
    199: (Claim.NOT_NOW, "waits"),
    213: (Claim.CLAIMED_BEFORE, "told"),
    298: (Claim.REFUSED, "refused"),
}


async def claimed(world: ConcurWorld, *answers: dict[str, Any]) -> dict[str, Claim]:
    """Claim DOC and OTHER, answered so."""
    concur = await greeted(world)
    world.network.answer_next(200, body=json.dumps(answers).encode())
    return {each.source_id: each.claim for each in await concur.claim([DOC, OTHER])}


async def told(world: ConcurWorld, step: ReportStep, **answer: Any) -> str:
    """Tell one step of DOC, answered so: told, refused or waits."""
    concur = await greeted(world)
    world.network.answer_next(200, body=json.dumps([{"docId": DOC, **answer}]).encode())
    news = {ReportStep.POSTED: posted, ReportStep.FAILED: failed}.get(step)
    answers = await concur.tell([news(DOC) if news else payment(DOC, step, "1.00")])
    if not answers:
        return "waits"
    return "told" if answers[0].accepted else "refused"


def test_the_table_has_every_code_that_sap_documents() -> None:
    assert CODES.keys() == SERVICE_CODES.keys()


@pytest.mark.parametrize("code", SERVICE_CODES)
async def test_a_claim_by_its_code(world: ConcurWorld, code: int) -> None:
    word = "SUCCESS" if code == 0 else "FAILURE"
    good = {"code": 0, "docId": OTHER, "systemId": "", "acknowledgeResult": "SUCCESS"}
    answer = {"code": code, "docId": DOC, "systemId": "", "acknowledgeResult": word}
    assert await claimed(world, answer, good) == {
        DOC: SERVICE_CODES[code][0],
        OTHER: Claim.CLAIMED,
    }


@pytest.mark.parametrize("code", SERVICE_CODES)
@pytest.mark.parametrize("step", [ReportStep.POSTED, ReportStep.PAID])
async def test_news_by_their_code(world: ConcurWorld, step: ReportStep, code: int) -> None:
    word = "SUCCESS" if code == 0 else "FAILURE"
    member = "postingConfirmationResult" if step is ReportStep.POSTED else ""
    answer = {"code": code, "systemId": "", member or "paymentConfirmationResult": word}
    assert await told(world, step, **answer) == SERVICE_CODES[code][1]


async def test_a_payment_that_is_known_already_is_told(world: ConcurWorld) -> None:
    answer = {"code": 298, "systemId": "", "paymentConfirmationResult": "NOOP"}
    assert await told(world, ReportStep.PAID, **answer) == "told"
    assert world.asked == ["paymentconfirmations"], "NOOP is proof enough"


async def test_a_failure_of_a_report_that_its_submitter_has_back_is_told(
    world: ConcurWorld,
) -> None:
    answer = {"code": 112, "systemId": "", "postingConfirmationResult": "WAS_RECALLED"}
    assert await told(world, ReportStep.FAILED, **answer) == "told"


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("SUCCESS", "told"),
        ("SYSTEM_ERROR_OCCURRED", "waits"),
        ("NOT_YET_ACKNOWLEDGED", "refused"),
        ("DOCUMENT_NOT_FOUND", "refused"),
        ("FAILURE", "refused"),
        ("WAS_RECALLED", "refused"),
        ("SOMETHING_NEW", "refused"),
        (None, "refused"),
    ],
)
@pytest.mark.parametrize("code", [None, 777])
async def test_without_a_code_that_is_known_the_word_counts(
    world: ConcurWorld, code: int | None, word: str | None, expected: str
) -> None:
    answer = {"code": code, "systemId": None, "postingConfirmationResult": word}
    assert await told(world, ReportStep.POSTED, **answer) == expected


async def test_success_as_a_code_beside_failure_as_a_word_is_no_success(
    world: ConcurWorld,
) -> None:
    answer = {"code": 0, "systemId": "", "postingConfirmationResult": "FAILURE"}
    assert await told(world, ReportStep.POSTED, **answer) == "refused"


async def test_sap_s_own_example_of_an_acknowledgement(world: ConcurWorld) -> None:
    assert await claimed(
        world,
        {
            "code": 0,
            "docId": DOC,
            "systemId": None,
            "acknowledgeResult": "SUCCESS",
            "errorMessage": "",
        },
        {
            "code": 101,
            "docId": OTHER,
            "systemId": None,
            "acknowledgeResult": "FAILURE",
            "errorMessage": "This document was previously acknowledged by SystemId: null.",
        },
    ) == {DOC: Claim.CLAIMED, OTHER: Claim.CLAIMED_BEFORE}


async def test_answers_in_another_order_are_found_by_their_document(world: ConcurWorld) -> None:
    recalled = {"code": 102, "docId": OTHER, "systemId": "", "acknowledgeResult": "FAILURE"}
    good = {"code": 0, "docId": DOC, "systemId": "", "acknowledgeResult": "SUCCESS"}
    assert await claimed(world, recalled, good) == {DOC: Claim.CLAIMED, OTHER: Claim.RECALLED}


async def test_a_document_that_is_not_in_the_answer_is_asked_for_again(
    world: ConcurWorld,
) -> None:
    report, other = world.release("10.00"), world.release("20.00")
    world.misbehave(unanswered=1)
    first = await world.connect().claim([report, other])
    assert [each.claim for each in first] == [Claim.NOT_NOW, Claim.CLAIMED]
    again = await world.connect().claim([report, other])
    assert [each.claim for each in again] == [Claim.CLAIMED_BEFORE, Claim.CLAIMED_BEFORE]


async def test_a_document_that_another_system_took_is_not_ours(world: ConcurWorld) -> None:
    report = world.release("10.00")
    await world.connect(system_id="OTHER-ERP").claim([report])
    [answer] = await world.connect().claim([report])
    assert (answer.claim, answer.code) == (Claim.REFUSED, "101_other_system")
    [refused] = await world.connect().tell([posted(report)])
    assert (refused.accepted, refused.code) == (False, "99")


async def test_null_where_the_schema_has_text_is_read(world: ConcurWorld) -> None:
    world.spec.tolerant = True
    world.misbehave(nulls=True)
    report = world.release("10.00")
    assert [each.claim for each in await world.connect().claim([report])] == [Claim.CLAIMED]
    assert [each.accepted for each in await world.connect().tell([posted(report)])] == [True]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (202, TransientError),
        (400, ConnectionConfigError),
        (403, ConnectionConfigError),
        (404, ConnectionConfigError),
        (405, ConnectionConfigError),
        (408, TransientError),
        (409, TransientError),
        (429, TransientError),
        (500, TransientError),
        (503, TransientError),
    ],
)
async def test_a_page_by_its_status(
    world: ConcurWorld, status: int, expected: type[Exception]
) -> None:
    concur = await greeted(world)
    world.network.answer_next(status)
    with pytest.raises(expected):
        async for _ in concur.expense_reports(None):
            pass
    assert len(world.network.requests) == 1


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (202, Claim.NOT_NOW),
        (307, Claim.NOT_NOW),
        (400, Claim.REFUSED),
        (403, ConnectionConfigError),
        (404, ConnectionConfigError),
        (405, ConnectionConfigError),
        (408, Claim.NOT_NOW),
        (409, Claim.REFUSED),
        (412, Claim.REFUSED),
        (429, TransientError),
        (500, Claim.NOT_NOW),
        (503, Claim.NOT_NOW),
    ],
)
async def test_a_claim_by_its_status(
    world: ConcurWorld, status: int, expected: Claim | type[Exception]
) -> None:
    concur = await greeted(world)
    world.network.answer_next(status)
    if isinstance(expected, Claim):
        assert [each.claim for each in await concur.claim([DOC])] == [expected]
    else:
        with pytest.raises(expected):
            await concur.claim([DOC])
    assert len(world.network.requests) == 1


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (202, []),
        (400, [(False, "http_400")]),
        (408, []),
        (409, [(False, "http_409")]),
        (429, []),
        (500, []),
        (403, ConnectionConfigError),
        (404, ConnectionConfigError),
    ],
)
async def test_news_by_their_status(world: ConcurWorld, status: int, expected: Any) -> None:
    concur = await greeted(world)
    world.network.answer_next(status)
    if isinstance(expected, list):
        answers = await concur.tell([posted(DOC)])
        assert [(each.accepted, each.code) for each in answers] == expected
    else:
        with pytest.raises(expected):
            await concur.tell([posted(DOC)])
    assert len(world.network.requests) == 1


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[1]", b'[{"code": 0}]', b'[{"docId": 5}]', b"[NaN]"]
)
async def test_an_answer_that_cannot_be_read_leaves_all_open(
    world: ConcurWorld, body: bytes
) -> None:
    concur = await greeted(world)
    world.network.answer_next(200, body=body)
    assert [each.claim for each in await concur.claim([DOC])] == [Claim.NOT_NOW]
    world.network.answer_next(200, body=body)
    assert list(await concur.tell([posted(DOC)])) == []
