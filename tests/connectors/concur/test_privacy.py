"""No token, no secret and no person is in anything that Concur's connector says."""

import logging
from typing import Final

import pytest

from connectors.base.capabilities import ReportStep
from connectors.base.errors import ConnectorError
from connectors.concur import Concur
from connectors.conformance.expense_source import PRIVATE, failed, payment, posted
from tests.connectors.concur.world import KIM, STATE, ConcurWorld

TROUBLES: Final = (202, 301, 400, 401, 403, 404, 405, 429, 500, 503)


async def test_through_all_troubles_nothing_private_is_said(
    world: ConcurWorld, caplog: pytest.LogCaptureFixture
) -> None:
    world.spec.tolerant = True
    world.misbehave(rotates_refresh_token=True, poison_users=(f'{{"userName": "{PRIVATE}"}}',))
    world.add_unreadable(PRIVATE)
    report = world.release("10.00", note=PRIVATE)
    said: list[str] = []
    secrets = {STATE.client_secret, STATE.refresh_token, PRIVATE, KIM.family_name, KIM.email}
    with caplog.at_level(logging.DEBUG):
        for status in (None, *TROUBLES):
            said += await everything(world, report, status)
            secrets |= {world.company.refresh_token, *world.company._tokens}
    told = " ".join([*said, caplog.text, *(each.getMessage() for each in caplog.records)])
    assert len(said) > 4 * len(TROUBLES), "hardly anything was said"
    assert [secret for secret in secrets if secret in told] == []


async def everything(world: ConcurWorld, report: str, status: int | None) -> list[str]:
    """Do all that a connector does, each answered by this status; gives whatever was said."""
    said: list[str] = []
    for do in (read, people, claim, tell_posted, tell_paid, tell_failed):
        concur = world.connect()
        said += [repr(concur), str(concur.manifest), await concur.check()]
        if status is not None:
            body = f'{{"message": "{PRIVATE}"}}'.encode()
            world.network.answer_next(status, {"Retry-After": "0"}, body)
        try:
            said.append(repr(await do(concur, report)))
        except ConnectorError as error:
            said += [str(error), repr(error), repr(error.__cause__), error.code]
    return said


async def read(concur: Concur, _: str) -> object:
    # The trouble of a record is for people; what it holds is the database's.
    return [
        (each.source_id, each.trouble)
        async for page in concur.expense_reports(None)
        for each in page.records
    ]


async def people(concur: Concur, _: str) -> object:
    return len((await concur.masters()).employees)


async def claim(concur: Concur, report: str) -> object:
    return await concur.claim([report])


async def tell_posted(concur: Concur, report: str) -> object:
    return await concur.tell([posted(report)])


async def tell_paid(concur: Concur, report: str) -> object:
    return await concur.tell([payment(report, ReportStep.PAID, "10.00")])


async def tell_failed(concur: Concur, report: str) -> object:
    return await concur.tell([failed(report)])


def test_options_show_no_secret(world: ConcurWorld) -> None:
    shown = repr(world.connect()._client._options)
    assert "client_id" in shown
    assert STATE.client_secret not in shown
    assert STATE.refresh_token not in shown
    assert STATE.client_secret not in repr(STATE)
