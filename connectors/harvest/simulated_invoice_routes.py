"""The addresses of the simulated Harvest under /invoices: invoices, messages and payments."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, TypeVar

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.base.http import exact_json, exact_json_text
from connectors.harvest.simulated_account import HarvestAccount
from connectors.harvest.simulated_gate import error, guarded, not_found, turned_away
from connectors.harvest.simulated_invoice_bodies import (
    InvoiceChange,
    NewInvoice,
    NewMessage,
    NewPayment,
)
from connectors.harvest.simulated_invoice_json import invoice_json, message_json, payment_json
from connectors.harvest.simulated_lists import plain_list
from connectors.harvest.simulated_state import RefusedError, SimulatedInvoice, State

B = TypeVar("B", bound=State)
Record = Mapping[str, Any]
# Carries out a request, whose body was read, and gives the record to answer with.
Writing = Callable[[HarvestAccount, Request, Any], Record]


def invoice_routes(account: HarvestAccount) -> list[Route]:
    """Everything under /invoices that the account answers to."""
    one, messages = "/invoices/{invoice:int}", "/invoices/{invoice:int}/messages"
    payments = "/invoices/{invoice:int}/payments"
    return [
        Route("/invoices", guarded(account, _invoices), methods=["GET"]),
        Route("/invoices", writing(account, _create, 201), methods=["POST"]),
        Route(one, guarded(account, _invoice), methods=["GET"]),
        Route(one, writing(account, _change, 200), methods=["PATCH"]),
        Route(one, writing(account, _remove, 200), methods=["DELETE"]),
        Route(messages, guarded(account, _messages), methods=["GET"]),
        Route(messages, writing(account, _say, 201), methods=["POST"]),
        Route(payments, guarded(account, _payments), methods=["GET"]),
        Route(payments, writing(account, _pay, 201), methods=["POST"]),
        Route(f"{payments}/{{payment:int}}", writing(account, _unpay, 200), methods=["DELETE"]),
    ]


def writing(account: HarvestAccount, write: Writing, status: int) -> Callable[[Request], Any]:
    """Answer a request that writes: its record, or what Harvest says where there is none."""

    async def endpoint(request: Request) -> Response:
        away = await turned_away(account, request)
        if away is not None:
            return away
        try:
            text = await request.body()
            record = write(account, request, exact_json(text) if text else {})
        except KeyError:
            return not_found()
        except ValidationError as invalid:
            wrong = invalid.errors(include_url=False, include_context=False, include_input=False)
            return error(422, "; ".join(f"{each['loc']}: {each['msg']}" for each in wrong))
        except (RefusedError, ValueError) as refused:
            return error(422, str(refused))
        if account.use_up("failures_after_write"):
            return error(500, "Internal server error")
        return answered(record, status)

    return endpoint


def answered(record: Record, status: int = 200) -> Response:
    """A record as JSON, numbers digit by digit."""
    return Response(exact_json_text(dict(record)), status, media_type="application/json")


def _id(request: Request, name: str = "invoice") -> int:
    return int(request.path_params[name])


def _create(account: HarvestAccount, request: Request, body: Any) -> Record:  # noqa: ARG001
    made = account.invoices.create(NewInvoice.model_validate(body), account.quirks)
    return _as_record(account, made)


def _change(account: HarvestAccount, request: Request, body: Any) -> Record:
    change = InvoiceChange.model_validate(body)
    return _as_record(account, account.invoices.change(_id(request), change, account.quirks))


def _remove(account: HarvestAccount, request: Request, body: Any) -> Record:  # noqa: ARG001
    account.invoices.remove(_id(request))
    return {}


def _say(account: HarvestAccount, request: Request, body: Any) -> Record:
    return message_json(account.invoices.say(_id(request), NewMessage.model_validate(body)))


def _pay(account: HarvestAccount, request: Request, body: Any) -> Record:
    return payment_json(account.invoices.pay(_id(request), NewPayment.model_validate(body)))


def _unpay(account: HarvestAccount, request: Request, body: Any) -> Record:  # noqa: ARG001
    account.invoices.unpay(_id(request), _id(request, "payment"))
    return {}


def _invoice(account: HarvestAccount, request: Request) -> Response:
    try:
        return answered(_as_record(account, account.invoices.invoice(_id(request))))
    except KeyError:
        return not_found()


def _invoices(account: HarvestAccount, request: Request) -> Response:
    try:
        found = account.invoices.listed(_filter(request.query_params))
    except ValueError as refused:
        return error(422, str(refused))
    return _listed("invoices", [_as_record(account, one) for one in found], request)


def _messages(account: HarvestAccount, request: Request) -> Response:
    try:
        found = account.invoices.invoice(_id(request)).messages
    except KeyError:
        return not_found()
    return _listed("invoice_messages", [message_json(one) for one in reversed(found)], request)


def _payments(account: HarvestAccount, request: Request) -> Response:
    try:
        found = account.invoices.invoice(_id(request)).payments
    except KeyError:
        return not_found()
    return _listed("invoice_payments", [payment_json(one) for one in reversed(found)], request)


def _listed(member: str, records: list[Any], request: Request) -> Response:
    url = request.url.remove_query_params(["page", "cursor"])
    written = [exact_json_text(record).encode() for record in records]
    try:
        body = plain_list(
            member,
            written,
            request.query_params,
            lambda parameter: str(url.include_query_params(**parameter)),
            numbered=member == "invoices",
        )
    except ValueError as refused:
        return error(422, str(refused))
    return Response(body, media_type="application/json")


def _as_record(account: HarvestAccount, invoice: SimulatedInvoice) -> Record:
    return invoice_json(invoice, account.invoices.client_of(invoice))


def _filter(query: Mapping[str, str]) -> Callable[[SimulatedInvoice], bool]:
    client = int(query["client_id"]) if "client_id" in query else None
    first = date.fromisoformat(query["from"]) if "from" in query else None
    last = date.fromisoformat(query["to"]) if "to" in query else None
    since = datetime.fromisoformat(query["updated_since"]) if "updated_since" in query else None
    state = query.get("state")

    def fits(one: SimulatedInvoice) -> bool:
        return (
            (client is None or one.client_id == client)
            and (first is None or one.issue_date >= first)
            and (last is None or one.issue_date <= last)
            and (since is None or one.updated_at >= since)
            and (state is None or one.state == state)
        )

    return fits
