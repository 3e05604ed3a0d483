"""The bank side of the ERP's desk: pays invoices of either side, and takes payments back."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.tryton.json_rpc import Domain, ErpError, JsonRpcSession, Values

BUSY = "503"
BUSY_TRIES = 20
BUSY_PAUSE_SECONDS = 0.2


class PaymentDesk:
    """Works with an administrator's session."""

    def __init__(self, session: JsonRpcSession) -> None:
        self._erp = session

    async def pay(self, invoice: int, on: date, amount: Decimal | None = None) -> None:
        """Pay an invoice from the bank: all that is open, or a part of it.

        Payments that came back count against the invoice for Tryton until they are unlinked.
        """
        for tries_left in reversed(range(BUSY_TRIES)):
            row = await self._invoice(invoice)
            self._erp.work_for(row["company"])
            try:
                await self._pay(row, on, amount)
            except ErpError as error:
                if error.kind != BUSY or not tries_left:
                    raise
                # Somebody else was numbering an entry. Whether this one was paid is not said.
                if (await self._invoice(invoice))["amount_to_pay"] != row["amount_to_pay"]:
                    return
                await asyncio.sleep(BUSY_PAUSE_SECONDS)
            else:
                return

    async def _pay(self, row: dict[str, Any], on: date, amount: Decimal | None) -> None:
        invoice: int = row["id"]
        _, gone = await self._payments(row)
        if gone:
            unlink = {"payment_lines": [["remove", [line["id"] for line in gone]]]}
            await self._erp.write("account.invoice", [invoice], unlink)
        (method,) = await self._erp.find(
            "account.invoice.payment.method", [["company", "=", row["company"]]], "id"
        )
        start: Values = {
            "payee": row["party"],
            "payees": [row["party"]],
            "company": row["company"],
            "currency": row["currency"],
            "invoice_account": row["account"],
            "payment_method": method["id"],
            "amount": row["amount_to_pay"] if amount is None else amount,
            "date": on,
        }
        # Only looked at if something stays open.
        ask: Values = {**start, "type": "partial", "invoice": invoice, "lines": []}
        kept = ("type", "amount", "currency", "company", "invoice", "lines")
        forms = {"start": start, "ask": {name: ask[name] for name in kept}}
        await self._erp.run_wizard(
            "account.invoice.pay", ("pay", forms), on=("account.invoice", invoice)
        )

    async def take_last_payment_back(self, invoice: int) -> None:
        """Cancel the latest payment of an invoice, as after a transfer that came back."""
        row = await self._invoice(invoice)
        self._erp.work_for(row["company"])
        standing, _ = await self._payments(row)
        if not standing:
            raise ErpError("Lookup", f"invoice {invoice} has no payment that could come back")
        last = standing[-1]
        if last["reconciliation"] is not None:
            await self._open_again([last["reconciliation"]])
        await self._cancel_move(last["move"])

    async def release_returned_payments(self, invoice: int) -> None:
        """Take payments that came back off an invoice; before that Tryton takes no new one."""
        row = await self._invoice(invoice)
        self._erp.work_for(row["company"])
        returned = await self._erp.find(
            "account.move.line",
            [["id", "in", row["payment_lines"]], ["reconciliation", "!=", None]],
            "id",
        )
        ids = [line["id"] for line in returned]
        await self._erp.write("account.move.line", ids, {"invoice_payment": None})

    async def cancel(self, invoice: int) -> None:
        """Cancel a posted invoice, as a person may."""
        self._erp.work_for((await self._invoice(invoice))["company"])
        await self._erp.press("account.invoice", "cancel", [invoice])

    async def trial_balance(self, legal_entity: str) -> dict[str, Decimal]:
        """Sum up a company's general ledger: debit less credit, by the account's code."""
        balance: dict[str, Decimal] = defaultdict(Decimal)
        domain: Domain = [
            ["move.company.party.code", "=", legal_entity],
            ["move.state", "=", "posted"],
        ]
        rows = await self._erp.find("account.move.line", domain, "account.code", "debit", "credit")
        for row in rows:
            balance[row["account."]["code"]] += row["debit"] - row["credit"]
        return dict(balance)

    async def _invoice(self, invoice: int) -> dict[str, Any]:
        fields = ("company", "party", "currency", "account", "amount_to_pay", "payment_lines")
        (row,) = await self._erp.find("account.invoice", [["id", "=", invoice]], *fields)
        return row

    async def _payments(
        self, invoice: dict[str, Any]
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Give the payment lines of an invoice: those that stand, and those that came back."""
        domain: Domain = [["id", "in", invoice["payment_lines"]]]
        lines = await self._erp.find("account.move.line", domain, "move", "reconciliation")
        origins = [f"account.move,{line['move']}" for line in lines]
        undone = await self._erp.find("account.move", [["origin", "in", origins]], "origin")
        gone = {move["origin"] for move in undone}
        standing = [line for line in lines if f"account.move,{line['move']}" not in gone]
        return standing, [line for line in lines if line not in standing]

    async def _open_again(self, reconciliations: Sequence[int]) -> None:
        """Take reconciliations back, also where an exchange difference was booked with them."""
        await self._insist(
            lambda: self._erp.call("model.account.move.reconciliation.delete", reconciliations)
        )

    async def _cancel_move(self, move: int) -> None:
        step = ("cancel", {"default": {"description": "Came back", "reversal": True}})
        await self._insist(
            lambda: self._erp.run_wizard("account.move.cancel", step, on=("account.move", move))
        )

    async def _insist(self, act: Callable[[], Awaitable[object]]) -> None:
        """Do what Tryton asks about first, as a person does who means it."""
        try:
            await act()
        except ErpError as error:
            if error.kind != "UserWarning":
                raise
            await self._erp.call("model.res.user.warning.skip", error.detail, False)  # noqa: FBT003
            await act()
