"""Master records made and changed in Tryton: looked up with stamps, written once, read back.

A customer's and a person's party has a code that Tryton keeps unique. People, tasks and cost
centres are made through their parent, whose stamp lets only one of two attempts through. Projects
have neither: Tryton numbers them itself, so that ours carry their owner's code in their comment and
are looked for before they are made again.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from canonical.cross_reference import MasterKind
from connectors.base.errors import (
    ConflictError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.base.master_writes import (
    MasterAnswer,
    MasterRefused,
    MasterUnsettled,
    MasterWrite,
    MasterWritten,
)
from connectors.tryton.client import Context, TrytonClient, TrytonOptions
from connectors.tryton.master_finding import CHILDREN, MasterFinding, Parent, project_mark
from connectors.tryton.wire import WireValue, date_on_wire

_ANY_STATE: Final[Context] = {"active_test": False}
_OPEN, _DONE = "open", "done"


class MasterWriting:
    """Writes of master records; each call is all or nothing, so a refused one is halved."""

    def __init__(
        self, client: TrytonClient, options: TrytonOptions, finding: MasterFinding
    ) -> None:
        self._client: Final = client
        self._options: Final = options
        self._finding: Final = finding

    async def write(
        self, writes: Sequence[MasterWrite], evidence: Mapping[str, str]
    ) -> list[MasterAnswer]:
        """Make or change records of one kind; what is not answered clearly ends the call."""
        answers: dict[int, MasterAnswer] = {}
        for places in self._portions(writes):
            settled = await self._portion(writes, places, evidence, answers)
            if not settled:
                break
        told: list[MasterAnswer] = []
        for place in range(len(writes)):
            if place not in answers:
                break
            told.append(answers[place])
        return told

    def _portions(self, writes: Sequence[MasterWrite]) -> list[list[int]]:
        """What goes in one call: new records of one legal entity and parent; changes of one form.

        In the order of the writes, so that those after an unclear answer are the ones not tried.
        """
        portions: list[list[int]] = []
        last: object = None
        for place, one in enumerate(writes):
            form = (
                ("change", tuple(sorted(one.values)))
                if one.id is not None
                else ("make", one.legal_entity, one.parent if one.kind in CHILDREN else None)
            )
            if form != last:
                portions.append([])
                last = form
            portions[-1].append(place)
        return portions

    async def _portion(
        self,
        writes: Sequence[MasterWrite],
        places: Sequence[int],
        evidence: Mapping[str, str],
        answers: dict[int, MasterAnswer],
    ) -> bool:
        """Write a portion; False if the answer was not clear, and nothing may follow."""
        some = [writes[place] for place in places]
        try:
            ids = await self._attempt(some, evidence)
        except RejectedError as error:
            if len(some) == 1:
                answers[places[0]] = MasterRefused(error.code, str(error))
                return True
            # Nothing of it was done: each on its own says which one it is.
            return all(
                [await self._portion(writes, [place], evidence, answers) for place in places]
                if some[0].kind not in CHILDREN
                else [self._refused_together(places, error, answers)]
            )
        except OutcomeUnknownError as error:
            answers.update({place: MasterUnsettled(error.code) for place in places})
            return False
        except (TransientError, ConflictError):
            if not answers:
                raise
            return False
        for place, record in zip(places, ids, strict=True):
            answers[place] = MasterWritten(record)
        return True

    def _refused_together(
        self, places: Sequence[int], error: RejectedError, answers: dict[int, MasterAnswer]
    ) -> bool:
        """Children share their parent's stamp, which did not move: the next call tries fewer."""
        answers[places[0]] = MasterRefused(error.code, str(error))
        return len(places) == 1

    async def _attempt(
        self, writes: Sequence[MasterWrite], evidence: Mapping[str, str]
    ) -> list[str]:
        if writes[0].id is not None:
            return await self._change(writes)
        match writes[0].kind:
            case MasterKind.CUSTOMER:
                made = await self._create("party.party", [_party(one) for one in writes])
                return [str(one) for one in made]
            case MasterKind.PROJECT:
                context = self._company(await self._finding.company_id(writes[0]))
                values = [_project(one, context["company"]) for one in writes]
                return [str(one) for one in await self._create("project.work", values, context)]
            case _:
                return await self._through_parent(writes, evidence)

    async def _through_parent(
        self, writes: Sequence[MasterWrite], evidence: Mapping[str, str]
    ) -> list[str]:
        """Make children by one write to their parent, which must not have moved since the look."""
        parent: Parent = await self._finding.parent_of(writes[0])
        stamp = evidence.get(parent.stamp_key)
        if stamp is None:
            raise ConflictError("no_stamp", "the parent was not looked at")
        children = [await self._child(one, parent) for one in writes]
        context = {**self._company(parent.company), "_timestamp": {parent.stamp_key: stamp}}
        values = {parent.member: [["create", children]]}
        await self._write(f"model.{parent.model}.write", [parent.id], values, context=context)
        try:
            return await self._finding.children(parent, writes)
        except ConnectorError as error:
            raise OutcomeUnknownError("made_and_not_seen") from error

    async def _child(self, one: MasterWrite, parent: Parent) -> Mapping[str, Any]:
        match one.kind:
            case MasterKind.EMPLOYEE:
                return _employee(one, await self._party_of(one))
            case MasterKind.TASK:
                return {
                    "name": one.values.get("name", one.code),
                    "type": "task",
                    "company": parent.company,
                    "timesheet_available": True,
                }
            case _:
                return {
                    "name": one.values.get("name", one.code),
                    "code": one.code,
                    "type": "normal",
                    "root": parent.id,
                    "company": parent.company,
                    "state": "opened",
                }

    async def _party_of(self, one: MasterWrite) -> int:
        """The person's party, by its code; Tryton refuses a second one of that code."""
        found = await self._finding.party(one.code)
        if found is not None:
            return found
        made = await self._create("party.party", [_party(one)])
        return made[0]

    async def _change(self, writes: Sequence[MasterWrite]) -> list[str]:
        """Change records, each with its own values, in one call."""
        ids = [one.id for one in writes if one.id is not None]
        targets = await self._finding.written_through(writes[0].kind, ids)
        by_model: dict[str, list[Any]] = {}
        for one in writes:
            for model, values in await self._changes(one):
                record = targets[model].get(one.id or "")
                if record is None:
                    raise ConflictError("moved", "a record of this call is not there any more")
                by_model.setdefault(model, []).extend([[record], values])
        for model, arguments in by_model.items():
            await self._write(f"model.{model}.write", *arguments, context=_ANY_STATE)
        return ids

    async def _changes(self, one: MasterWrite) -> list[tuple[str, Mapping[str, Any]]]:
        """What is changed of a record, by the model that keeps it."""
        values = one.values
        found: list[tuple[str, Mapping[str, Any]]] = []
        match one.kind:
            case MasterKind.CUSTOMER:
                party: dict[str, Any] = {}
                if "name" in values:
                    party["name"] = values["name"]
                if "active" in values:
                    party["active"] = values["active"] == "yes"
                found.append(("party.party", party))
            case MasterKind.EMPLOYEE:
                if "name" in values:
                    found.append(("party.party", {"name": values["name"]}))
                dates = _employment(values)
                if dates:
                    found.append(("company.employee", dates))
            case MasterKind.PROJECT | MasterKind.TASK:
                work: dict[str, Any] = {}
                if "name" in values:
                    work["name"] = values["name"]
                if "active" in values:
                    state = _OPEN if values["active"] == "yes" else _DONE
                    work |= await self._finding.status(one.kind, done=state == _DONE)
                found.append(("project.work", work))
            case _:
                account: dict[str, Any] = {}
                if "name" in values:
                    account["name"] = values["name"]
                if "active" in values:
                    account["state"] = "opened" if values["active"] == "yes" else "closed"
                found.append(("analytic_account.account", account))
        return found

    async def _create(
        self, model: str, values: Sequence[Mapping[str, Any]], context: Context | None = None
    ) -> list[int]:
        made = await self._write(f"model.{model}.create", list(values), context=context or {})
        if not isinstance(made, list) or len(made) != len(values):
            raise OutcomeUnknownError("answer_unreadable")
        return [int(one) for one in made]

    async def _write(self, method: str, *params: Any, context: Context) -> Any:
        not_after = time.monotonic() + self._options.timeouts.read_seconds
        return await self._client.write(method, *params, context=context, not_after=not_after)

    def _company(self, company: int) -> dict[str, Any]:
        return {"company": company, **_ANY_STATE}


def _party(one: MasterWrite) -> Mapping[str, Any]:
    values: dict[str, Any] = {
        "name": one.values.get("name", one.code),
        "code": one.code,
        "addresses": [["create", [{}]]],
    }
    email = one.values.get("email")
    if email:
        values["contact_mechanisms"] = [["create", [{"type": "email", "value": email}]]]
    return values


def _project(one: MasterWrite, company: int) -> Mapping[str, Any]:
    return {
        "name": one.values.get("name", one.code),
        "type": "project",
        "company": company,
        "party": int(one.parent) if one.parent else None,
        "comment": project_mark(one.code),
        "timesheet_available": True,
        # Hours are billed from outside, and never by Tryton's own way of doing so.
        "project_invoice_method": "manual",
    }


def _employee(one: MasterWrite, party: int) -> Mapping[str, Any]:
    return {"party": party, **_employment(one.values)}


def _employment(values: Mapping[str, str]) -> dict[str, WireValue | None]:
    dates: dict[str, WireValue | None] = {}
    for ours, theirs in (("active_from", "start_date"), ("active_until", "end_date")):
        if ours in values:
            text = values[ours]
            dates[theirs] = date_on_wire(date.fromisoformat(text)) if text else None
    return dates
