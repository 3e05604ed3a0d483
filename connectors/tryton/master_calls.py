"""The calls by which Tryton makes and changes master records, and what proves that none did."""

import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any, Final

from canonical.cross_reference import MasterKind
from canonical.text import same_code
from connectors.base.errors import (
    ConflictError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.base.master_writes import MasterQuery, MasterWrite
from connectors.tryton import master_bodies as bodies
from connectors.tryton.client import Context, TrytonClient, TrytonOptions
from connectors.tryton.master_finding import ACTIVE_OR_NOT, PARTY, WORK, MasterFinding
from connectors.tryton.master_places import MasterPlaces, Parent
from connectors.tryton.refusals import ServerExceptionError

Stamps = MutableMapping[str, str]
Proof = Callable[[], Awaitable[bool]]


class MasterCalls:
    """One attempt to write records of one kind, all or nothing."""

    def __init__(
        self, client: TrytonClient, options: TrytonOptions, finding: MasterFinding
    ) -> None:
        self._client: Final = client
        self._options: Final = options
        self._finding: Final = finding
        self._places: Final = MasterPlaces(options, finding)

    async def attempt(self, writes: Sequence[MasterWrite], stamps: Stamps) -> Sequence[str]:
        """Make or change these records; gives their ids. A stamp that was used is taken away."""
        if writes[0].id is not None:
            return await self._change(writes, stamps)
        match writes[0].kind:
            case MasterKind.CUSTOMER:
                return await self._create_customers(writes)
            case MasterKind.PROJECT:
                company = await self._places.company_of(writes[0])
                values = [bodies.project(one, company) for one in writes]
                context = {"company": company, **ACTIVE_OR_NOT}
                made = await self._create(WORK, values, writes, context)
                return [str(one) for one in made]
            case _:
                return await self._through_parent(writes, stamps)

    async def _create_customers(self, writes: Sequence[MasterWrite]) -> Sequence[str]:
        try:
            made = await self._create(PARTY, [bodies.party(one) for one in writes], writes)
        except RejectedError:
            if len(writes) == 1:
                await self._told_apart(writes[0])
            raise
        return [str(one) for one in made]

    async def _told_apart(self, write: MasterWrite) -> None:
        """Of a refused party, tell whether its code is there by now: then it is no refusal."""
        held = (await self._finding.parties([write.code])).get(write.code)
        if held is None:
            return
        if await self._finding.staff([held.id]):
            raise RejectedError("code_taken", "a person of the firm has this code")
        raise ConflictError("moved", "a party of this code has appeared")

    async def _through_parent(self, writes: Sequence[MasterWrite], stamps: Stamps) -> Sequence[str]:
        """Make children by one write to their parent, which must not have moved since the look."""
        parent = await self._places.parent_of(writes[0])
        if parent.key not in stamps:
            raise ConflictError("no_stamp", "the parent was not looked at, or has moved")
        children = await self._children(writes, parent)
        used = {parent.key: stamps[parent.key]}
        context = {"company": parent.company, **ACTIVE_OR_NOT, "_timestamp": used}
        values = {parent.member: [["create", children]]}
        await self._write(
            f"model.{parent.model}.write",
            [parent.id],
            values,
            context=context,
            nothing_happened=self._unmoved(used),
        )
        del stamps[parent.key]
        try:
            return await self._made(writes, parent)
        except (ConnectorError, LookupError, ValueError) as error:
            raise OutcomeUnknownError("not_read_back") from error

    async def _children(
        self, writes: Sequence[MasterWrite], parent: Parent
    ) -> Sequence[bodies.Values]:
        match writes[0].kind:
            case MasterKind.EMPLOYEE:
                people = await self._people(writes)
                return [bodies.employee(one, people[one.code]) for one in writes]
            case MasterKind.TASK:
                return [bodies.task(one, parent.company) for one in writes]
            case _:
                return [bodies.cost_centre(one, parent.id, parent.company) for one in writes]

    async def _people(self, writes: Sequence[MasterWrite]) -> Mapping[str, int]:
        """The parties of people by their codes; those that are not there are made first.

        One that an earlier attempt left behind is used. Making one is no outcome that counts:
        Tryton refuses a second one of its code, so whatever becomes of it, asking again is safe.
        """
        held = await self._finding.parties([one.code for one in writes])
        for one in writes:
            there = held.get(one.code)
            if there and same_code(there.name or "") != same_code(bodies.name_in(one)):
                raise RejectedError("code_taken", "a party of another name has this code")
        missing = [one for one in writes if one.code not in held]
        made: Sequence[int] = ()
        if missing:
            try:
                made = await self._create(PARTY, [bodies.party(one) for one in missing], missing)
            except OutcomeUnknownError as error:
                raise TransientError("party_unanswered") from error
            except RejectedError:
                if len(missing) == 1:
                    await self._told_apart(missing[0])
                raise
        new = {one.code: number for one, number in zip(missing, made, strict=True)}
        return {**{code: one.id for code, one in held.items()}, **new}

    async def _made(self, writes: Sequence[MasterWrite], parent: Parent) -> Sequence[str]:
        """The ids of what was just made; of several of one code the newest is meant."""
        kind = writes[0].kind
        if kind is MasterKind.TASK:
            look = await self._finding.look(MasterQuery(kind, parents=(str(parent.id),)))
            named = {same_code(one.name): one.id for one in look.masters.tasks}
            return [named[same_code(bodies.name_in(one))] for one in writes]
        look = await self._finding.look(MasterQuery(kind, keys=tuple(one.code for one in writes)))
        found = (*look.masters.employees, *look.masters.dimension_values)
        coded = {(one.legal_entity, same_code(one.code)): one.id for one in found}
        return [coded[one.legal_entity, same_code(one.code)] for one in writes]

    async def _change(self, writes: Sequence[MasterWrite], stamps: Stamps) -> Sequence[str]:
        """Change records, each with its own values, in one call for each model that keeps them."""
        ids = [one.id for one in writes if one.id is not None]
        targets = await self._places.targets(writes[0].kind, ids)
        by_model: dict[str, list[Any]] = {}
        for one in writes:
            for model, values in bodies.change(one, await self._places.status(one)).items():
                record = targets[model].get(one.id or "")
                if record is None or f"{model},{record}" not in stamps:
                    raise ConflictError("moved", "a record of this call is not there any more")
                by_model.setdefault(model, []).extend([[record], values])
        done = False
        for model, arguments in by_model.items():
            try:
                await self._write_with_stamps(model, arguments, stamps)
            except (TransientError, ConflictError) as error:
                if done:
                    raise OutcomeUnknownError("half_done") from error
                raise
            done = True
        return ids

    async def _write_with_stamps(
        self, model: str, arguments: Sequence[Any], stamps: Stamps
    ) -> None:
        keys = [f"{model},{record}" for (record,) in arguments[::2]]
        used = {key: stamps[key] for key in keys}
        await self._write(
            f"model.{model}.write",
            *arguments,
            context={**ACTIVE_OR_NOT, "_timestamp": used},
            nothing_happened=self._unmoved(used),
        )
        for key in used:
            del stamps[key]

    async def _create(
        self,
        model: str,
        values: Sequence[bodies.Values],
        writes: Sequence[MasterWrite],
        context: Context | None = None,
    ) -> Sequence[int]:
        made = await self._write(
            f"model.{model}.create",
            list(values),
            context=context or {},
            nothing_happened=self._absent(model, [one.code for one in writes]),
        )
        match made:
            case [*ids] if len(ids) == len(values) and all(isinstance(one, int) for one in ids):
                return ids
            case _:
                raise OutcomeUnknownError("answer_unreadable")

    async def _write(
        self, method: str, *params: Any, context: Context, nothing_happened: Proof
    ) -> Any:
        not_after = time.monotonic() + self._options.timeouts.read_seconds
        try:
            return await self._client.write(method, *params, context=context, not_after=not_after)
        except ServerExceptionError:
            # Code may have failed after the commit; what there is now tells, for Tryton is done.
            try:
                proven = await nothing_happened()
            except ConnectorError:
                proven = False
            if proven:
                raise
            raise OutcomeUnknownError("server_exception") from None

    def _unmoved(self, used: Mapping[str, str]) -> Proof:
        async def proof() -> bool:
            model = next(iter(used)).split(",")[0]
            ids = [int(key.split(",")[1]) for key in used]
            return await self._finding.stamps(model, ids) == used

        return proof

    def _absent(self, model: str, codes: Sequence[str]) -> Proof:
        async def proof() -> bool:
            if model == PARTY:
                return not await self._finding.parties(codes)
            look = await self._finding.look(MasterQuery(MasterKind.PROJECT, keys=tuple(codes)))
            return not look.masters.projects

        return proof
