"""Questions to a Tryton past the connector, and what the real one answers to them."""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any

from connectors.base.errors import ConnectorError
from connectors.tryton.refusals import error_of
from sandbox.tryton.json_rpc import encode
from tests.connectors.tryton.world import TrytonWorld

Values = dict[str, Any]


class Inquiry:
    """Calls of one world, answered in a word: HTTP status, 'result', or our code for the error."""

    def __init__(self, world: TrytonWorld) -> None:
        self.world = world
        self.intent = world.intent(note="asked")
        self.task = int(self.intent.time_line.task)
        self.other_task = int(world.task_of(1))
        self.masters = world.masters

    def line(self, **changes: Any) -> Values:
        """Values of a line that Tryton takes, but for the changes."""
        body = self.intent.time_line
        values = {
            "employee": int(body.employee),
            "date": body.work_date,
            "duration": timedelta(hours=1),
            "description": f"{self.intent.reference} asked",
        }
        return {name: value for name, value in (values | changes).items() if value is not ...}

    async def call(self, method: str, *params: Any, **context: Any) -> str:
        """Make one call and give its answer in a word."""
        known = {"company": int(self.world.entity.id), "language": "en"} | context
        return await self.raw({"id": 1, "method": method, "params": [*params, known]})

    async def raw(self, body: Any, **headers: str) -> str:
        """Send any JSON."""
        answer = await self.world.desk._http.post(
            f"/{self.world.database}/rpc/",
            content=body if isinstance(body, str) else encode(body),
            headers={"Content-Type": "application/json", **headers},
        )
        if answer.status_code != 200:
            return str(answer.status_code)
        content = answer.json()
        if "error" not in content:
            return "result"
        error = error_of(content["error"], write=True)
        assert isinstance(error, ConnectorError)
        return error.code

    async def create(self, **changes: Any) -> str:
        """Create one line through the task, with its stamp."""
        return await self.write({self.task: [["create", [self.line(**changes)]]]})

    async def write(self, actions: dict[int, Any], stamps: dict[str, str] | None = None) -> str:
        """Write tasks with their stamps, or with others."""
        params: list[Any] = []
        for task, action in actions.items():
            params += [[task], {"timesheet_lines": action}]
        if stamps is None:
            stamps = await self.stamps(*actions)
        return await self.call("model.timesheet.work.write", *params, _timestamp=stamps)

    async def stamps(self, *tasks: int) -> dict[str, str]:
        """Read the stamps of tasks."""
        rows = await self.world.desk.find(
            "timesheet.work", [["id", "in", list(tasks)]], "_timestamp"
        )
        return {f"timesheet.work,{row['id']}": row["_timestamp"] for row in rows}

    async def booked(self, task: int | None = None) -> int:
        """Book a line directly; gives its id."""
        line = self.line() | {"work": task or self.task}
        (number,) = await self.world.desk.create("timesheet.line", [line])
        return int(number)

    async def count(self) -> int:
        """Say how many lines there are of this inquiry."""
        return len(await self.world.held(self.intent.reference))

    def somebody(self, *, here: bool = True, left: bool = False) -> tuple[int, date]:
        """Give an employee of this company or another, and the last day of work."""
        for each in self.masters.employees:
            is_here = each.legal_entity == self.world.entity.code
            if is_here is here and (each.active_until is not None) is left:
                return int(each.id), each.active_until or date(2026, 1, 1)
        raise LookupError


Question = Callable[[Inquiry], Awaitable[str]]
QUESTIONS: dict[str, tuple[str, Question]] = {}


def answered(expected: str) -> Callable[[Question], Question]:
    """Register a question and the answer that the real Tryton gives."""

    def register(question: Question) -> Question:
        QUESTIONS[question.__name__] = (expected, question)
        return question

    return register


@answered("result")
async def a_good_line(ask: Inquiry) -> str:
    return await ask.create()


@answered("result")
async def a_line_of_no_seconds(ask: Inquiry) -> str:
    return await ask.create(duration=timedelta(0))


@answered("user_error:duration")
async def a_negative_line(ask: Inquiry) -> str:
    return await ask.create(duration=timedelta(seconds=-60))


@answered("user_error:end_date")
async def a_leaver(ask: Inquiry) -> str:
    person, last_day = ask.somebody(left=True)
    return await ask.create(employee=person, date=last_day + timedelta(days=1))


@answered("result")
async def a_leavers_last_day(ask: Inquiry) -> str:
    person, last_day = ask.somebody(left=True)
    return await ask.create(employee=person, date=last_day)


@answered("user_error:start_date")
async def somebody_who_has_not_joined(ask: Inquiry) -> str:
    return await ask.create(date=date(1999, 12, 31))


@answered("user_error:timesheet_end_date")
async def a_task_after_its_end(ask: Inquiry) -> str:
    return await _with_dates(
        ask, timesheet_end_date=ask.intent.time_line.work_date - timedelta(days=1)
    )


@answered("user_error:timesheet_start_date")
async def a_task_before_its_start(ask: Inquiry) -> str:
    start = ask.intent.time_line.work_date + timedelta(days=1)
    return await _with_dates(ask, timesheet_start_date=start)


async def _with_dates(ask: Inquiry, **dates: date) -> str:
    (row,) = await ask.world.desk.find("timesheet.work", [["id", "=", ask.task]], "origin")
    project_work = int(row["origin"].split(",")[1])
    await ask.world.desk.write("project.work", [project_work], dates)
    try:
        return await ask.create()
    finally:
        await ask.world.desk.write("project.work", [project_work], dict.fromkeys(dates))


@answered("user_error:company")
async def an_employee_of_another_company(ask: Inquiry) -> str:
    return await ask.create(employee=ask.somebody(here=False)[0])


@answered("user_error:company")
async def a_task_of_another_company(ask: Inquiry) -> str:
    tasks = (each for each in ask.masters.tasks if each.legal_entity != ask.world.entity.code)
    return await ask.write({int(next(tasks).id): [["create", [ask.line()]]]})


@answered("user_error")
async def an_employee_who_does_not_exist(ask: Inquiry) -> str:
    return await ask.create(employee=999_999)


@answered("user_error")
async def a_task_that_does_not_exist(ask: Inquiry) -> str:
    return await ask.write({999_999: [["create", [ask.line()]]]})


@answered("user_error")
async def no_employee(ask: Inquiry) -> str:
    return await ask.create(employee=...)


@answered("user_error")
async def no_duration(ask: Inquiry) -> str:
    return await ask.create(duration=None)


@answered("user_error")
async def a_read_only_field(ask: Inquiry) -> str:
    return await ask.create(uuid="mine")


@answered("server_exception")
async def a_field_that_does_not_exist(ask: Inquiry) -> str:
    return await ask.create(colour="red")


@answered("user_error")
async def a_line_break_in_the_description(ask: Inquiry) -> str:
    return await ask.create(description=f"{ask.intent.reference} a\nb")


@answered("server_exception")
async def a_nul_in_the_description(ask: Inquiry) -> str:
    return await ask.create(description=f"{ask.intent.reference} a\x00b")


@answered("moved")
async def a_stale_stamp(ask: Inquiry) -> str:
    stamps = await ask.stamps(ask.task)
    await ask.create()
    return await ask.write({ask.task: [["create", [ask.line()]]]}, stamps)


@answered("moved")
async def a_stale_stamp_of_the_second_task(ask: Inquiry) -> str:
    stale = await ask.stamps(ask.other_task)
    await ask.write({ask.other_task: [["create", [ask.line()]]]})
    stamps = await ask.stamps(ask.task) | stale
    actions = {task: [["create", [ask.line()]]] for task in (ask.task, ask.other_task)}
    return await ask.write(actions, stamps)


@answered("result")
async def a_stamp_that_is_missing_is_not_checked(ask: Inquiry) -> str:
    actions = {task: [["create", [ask.line()]]] for task in (ask.task, ask.other_task)}
    return await ask.write(actions, await ask.stamps(ask.task))


@answered("result")
async def lines_written_directly_move_no_stamp(ask: Inquiry) -> str:
    stamps = await ask.stamps(ask.task)
    number = await ask.booked()
    await ask.world.edit(str(number), duration=timedelta(hours=2))
    await ask.world.desk.call("model.timesheet.line.delete", [number])
    return await ask.write({ask.task: [["create", [ask.line()]]]}, stamps)


@answered("moved")
async def the_dates_of_a_task_move_its_stamp(ask: Inquiry) -> str:
    stamps = await ask.stamps(ask.task)
    await _with_dates(ask, timesheet_end_date=date(2099, 1, 1))
    return await ask.write({ask.task: [["create", [ask.line()]]]}, stamps)


@answered("result")
async def a_line_is_deleted_through_its_task(ask: Inquiry) -> str:
    return await ask.write({ask.task: [["delete", [await ask.booked()]]]})


@answered("result")
async def a_line_is_deleted_through_another_task(ask: Inquiry) -> str:
    return await ask.write({ask.other_task: [["delete", [await ask.booked()]]]})


@answered("user_error")
async def a_line_that_is_gone(ask: Inquiry) -> str:
    number = await ask.booked()
    await ask.world.desk.call("model.timesheet.line.delete", [number])
    return await ask.write({ask.task: [["delete", [number]], ["create", [ask.line()]]]})


@answered("user_error")
async def reading_a_line_that_is_gone(ask: Inquiry) -> str:
    return await ask.call("model.timesheet.line.read", [999_999_999], ["description"])


@answered("server_exception")
async def reading_a_field_that_does_not_exist(ask: Inquiry) -> str:
    return await ask.call("model.timesheet.line.read", [await ask.booked()], ["colour"])


@answered("403")
async def a_method_that_is_not_exposed(ask: Inquiry) -> str:
    return await ask.call("model.timesheet.line.burn")


@answered("422")
async def no_context(ask: Inquiry) -> str:
    params = [[], 0, None]
    return await ask.raw({"id": 1, "method": "model.timesheet.line.search_count", "params": params})


@answered("401")
async def a_session_that_is_unknown(ask: Inquiry) -> str:
    body = {"id": 1, "method": "model.timesheet.line.search_count", "params": [[], 0, None, {}]}
    return await ask.raw(body, Authorization="Session Y29ubmVjdG9yOjQ6ZGVhZGJlZWY=")


@answered("400")
async def something_that_is_no_json(ask: Inquiry) -> str:
    return await ask.raw("{bad")
