"""Equal exchanges are judged once, and no breach is hidden by that."""

from typing import Any

import httpx
import pytest

from tests.connectors.described_api import Answered, Asked, CheckedTransport, DescribedApi

_HOST = "http://described.test"


def _object(**members: str) -> dict[str, Any]:
    shape = {name: {"type": kind} for name, kind in members.items()}
    return {"type": "object", "required": list(members), "properties": shape}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def _parameter(name: str, place: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "in": place, "schema": {"type": "integer"}} | more


_ANSWERS = {"200": _json(_object(id="integer")) | {"description": "Done."}}
_TOLD = {
    "openapi": "3.0.3",
    "info": {"title": "A made-up API", "version": "1"},
    "servers": [{"url": _HOST}],
    "paths": {
        "/things": {
            "post": {
                "parameters": [
                    _parameter("page", "query", required=True),
                    _parameter("old", "query", deprecated=True),
                    _parameter(
                        "ids",
                        "query",
                        schema={"type": "array", "items": {"type": "integer", "minimum": 1}},
                    ),
                    {"$ref": "#/components/parameters/tenant"},
                ],
                "security": [{"bearer": []}, {"key": []}],
                "requestBody": {"required": True} | _json(_object(amount="integer")),
                "responses": _ANSWERS,
            },
            "delete": {"responses": {"204": {"description": "Gone."}}},
        },
        "/others": {
            "post": {"responses": {"200": _json(_object(name="string")) | {"description": ""}}}
        },
    },
    "components": {
        "parameters": {"tenant": _parameter("X-Tenant", "header", required=True)},
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer"},
            "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
        },
    },
}
_GOOD = Asked(
    "POST",
    _HOST,
    "/things",
    (("page", "1"), ("ids", "1"), ("ids", "2")),
    (("authorization", "bearer x"), ("x-tenant", "7"), ("x-request-id", "a")),
    b'{"amount": 1}',
    "application/json",
)
_DONE = Answered(200, b'{"id": 1}')


@pytest.fixture
def api() -> DescribedApi:
    """A description by which a good exchange was judged already."""
    api = DescribedApi(_TOLD)
    assert api.trouble_with_request(_GOOD) is None
    assert api.trouble_with_answer(_GOOD, _DONE) is None
    return api


def test_equal_exchanges_are_judged_once(api: DescribedApi) -> None:
    judged = api.judged
    for _ in range(3):
        assert api.trouble_with_request(_GOOD) is None
        assert api.trouble_with_answer(_GOOD, _DONE) is None
    assert api.judged == judged


def test_a_header_that_the_description_does_not_name_makes_no_other_request(
    api: DescribedApi,
) -> None:
    judged = api.judged
    headers = (*_GOOD.headers[:2], ("x-request-id", "b"))
    assert api.trouble_with_request(_GOOD._replace(headers=headers)) is None
    assert api.judged == judged


@pytest.mark.parametrize(
    "other",
    [
        {"body": b'{"amount": "1"}'},
        {"body": b'{"amount": 1'},
        {"body": b"{}"},
        {"body": b""},
        {"content_type": "text/plain"},
        {"content_type": ""},
        {"params": ()},
        {"params": (("page", "one"),)},
        {"params": (("page", "1"), ("ids", "1"), ("ids", "0"))},
        {"headers": _GOOD.headers[:1]},
        {"headers": _GOOD.headers[1:]},
        {"headers": (_GOOD.headers[0], ("x-tenant", "seven"))},
        {"headers": (("authorization", "basic x"), _GOOD.headers[1])},
        {"path": "/thing"},
        {"method": "PUT"},
        {"host": "http://elsewhere.test"},
    ],
    ids=str,
)
def test_a_request_that_differs_in_anything_is_judged_anew(
    api: DescribedApi, other: dict[str, Any]
) -> None:
    asked = _GOOD._replace(**other)
    troubles = [api.trouble_with_request(asked) for _ in range(3)]
    assert troubles[0]
    assert troubles == [troubles[0]] * 3
    assert api.trouble_with_request(_GOOD) is None


def test_either_of_two_ways_to_log_in_is_seen(api: DescribedApi) -> None:
    tenant = _GOOD.headers[1]
    assert api.trouble_with_request(_GOOD._replace(headers=(tenant, ("x-key", "k")))) is None


@pytest.mark.parametrize(
    ("to", "answered"),
    [
        (_GOOD, _DONE._replace(content=b'{"id": "1"}')),
        (_GOOD, _DONE._replace(content=b"{}")),
        (_GOOD, _DONE._replace(content=b"")),
        (_GOOD, _DONE._replace(status=201)),
        (_GOOD, _DONE._replace(content_type="text/html")),
        (_GOOD._replace(path="/others"), _DONE),
        (_GOOD._replace(method="DELETE"), _DONE),
        (_GOOD._replace(host="http://elsewhere.test"), _DONE),
    ],
    ids=str,
)
def test_an_answer_that_differs_in_anything_is_judged_anew(
    api: DescribedApi, to: Asked, answered: Answered
) -> None:
    troubles = [api.trouble_with_answer(to, answered) for _ in range(3)]
    assert troubles[0]
    assert troubles == [troubles[0]] * 3
    assert api.trouble_with_answer(_GOOD, _DONE) is None


def test_a_warning_comes_each_time(api: DescribedApi) -> None:
    asked = _GOOD._replace(params=(*_GOOD.params, ("old", "1")))
    for _ in range(2):
        with pytest.raises(DeprecationWarning):
            api.trouble_with_request(asked)


class _Checked(CheckedTransport):
    """Judges everything by the made-up description."""

    api = DescribedApi(_TOLD)

    def check(self, request: httpx.Request, response: httpx.Response) -> None:
        answered = None if self.tolerant else Answered(response.status_code, response.content)
        self.judge(self.api, Asked.of(request), answered)


@pytest.mark.parametrize(
    ("sent", "answered"),
    [({"amount": 1}, {"id": "one"}), ({"amount": "one"}, {"id": 1})],
    ids=["broken answer", "broken request"],
)
async def test_a_broken_exchange_is_reported_each_time(
    sent: dict[str, Any], answered: dict[str, Any]
) -> None:
    headers = {"Authorization": "bearer x", "X-Tenant": "7"}
    for _ in range(2):  # Two tests of one process have a transport each.
        checked = _Checked(httpx.MockTransport(lambda _: httpx.Response(200, json=answered)))
        async with httpx.AsyncClient(transport=checked, base_url=_HOST, headers=headers) as client:
            for _ in range(3):
                await client.post("/things?page=1", json=sent)
        assert checked.checked == 3
        assert len(checked.broken) == 3
        assert all(one.startswith(f"POST {_HOST}/things?page=1: ") for one in checked.broken)


async def test_an_answer_that_was_tolerated_is_judged_when_it_is_not() -> None:
    checked = _Checked(httpx.MockTransport(lambda _: httpx.Response(200, json=[])))
    headers = {"X-Key": "k", "X-Tenant": "7"}
    async with httpx.AsyncClient(transport=checked, base_url=_HOST, headers=headers) as client:
        for checked.tolerant in (True, False, True):
            await client.post("/things?page=1", json={"amount": 1})
    assert (checked.checked, len(checked.broken)) == (3, 1)
