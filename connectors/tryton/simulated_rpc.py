"""The methods of Tryton's JSON-RPC that a simulated one answers, as text of the result."""

import base64
import itertools
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from connectors.tryton.simulated_books import Books
from connectors.tryton.simulated_checks import ConcurrencyError, UserError
from connectors.tryton.simulated_json import rendered
from connectors.tryton.simulated_masters import WRITABLE
from connectors.tryton.simulated_search import DomainError, decoded

Context = Mapping[str, Any]
Method = Callable[[Sequence[Any], Context], str]
# Those whose answers may be lost, throttled and so on.
WRITES: Final = frozenset(
    {
        "model.timesheet.work.write",
        "model.timesheet.line.create",
        "model.timesheet.line.write",
        "model.timesheet.line.delete",
        *(f"model.{model}.{verb}" for model in WRITABLE for verb in ("create", "write")),
    }
)
_RIGHTS: Final = {"read": 1, "write": 1, "create": 1, "delete": 1}


class Sessions:
    """Who is logged in."""

    def __init__(self, user: str, password: str) -> None:
        self.user: Final = user
        self.password: Final = password
        self._tokens: Final = itertools.count(1)
        self._open: set[str] = set()

    def login(self, params: Sequence[Any]) -> str | None:
        """Open a session; None if the password is wrong."""
        user, proof = params[0], params[1]
        if "password" not in proof:
            return None
        if user != self.user or proof["password"] != self.password:
            return None
        token = f"{next(self._tokens):064x}"
        self._open.add(base64.b64encode(f"{user}:4:{token}".encode()).decode("ascii"))
        return json.dumps([4, token, None])

    def knows(self, authorization: str) -> bool:
        """Whether a header names an open session."""
        return authorization.startswith("Session ") and authorization[8:] in self._open

    def end_all(self) -> None:
        """Forget all sessions, as an administrator who cleans up does."""
        self._open.clear()


class Rpc:
    """The methods of one database."""

    def __init__(self, books: Books) -> None:
        self._books: Final = books
        self.answers: Final[Counter[str]] = Counter()
        self.company_filter = "all"
        # Rights on a model, where they are not all.
        self.rights: dict[str, Mapping[str, int]] = {}
        self._methods: Final[dict[str, Method]] = {
            "model.timesheet.work.write": self._write_works,
            "model.timesheet.line.create": self._create_lines,
            "model.timesheet.line.write": self._write_lines,
            "model.timesheet.line.delete": self._delete_lines,
            "model.project.work.invoice": self._invoice,
            "model.res.user.get_preferences": self._preferences,
            "model.ir.model.access.get_access": self._access,
        }
        for model in WRITABLE:
            self._methods.update(
                {
                    f"model.{model}.create": partial(self._create_masters, model),
                    f"model.{model}.write": partial(self._write_masters, model),
                    f"model.{model}.delete": partial(self._delete_masters, model),
                }
            )
        for model in ("timesheet.line", *books.tables):
            self._methods.update(
                {
                    f"model.{model}.search_read": partial(self._search_read, model),
                    f"model.{model}.search": partial(self._search, model),
                    f"model.{model}.search_count": partial(self._search_count, model),
                    f"model.{model}.read": partial(self._read, model),
                }
            )

    def answer(self, method: str, params: Sequence[Any], context: Context) -> tuple[str, str]:
        """Carry a call out; gives which member of the answer it makes, and its text."""
        member, text = "error", ""
        try:
            member, text = "result", self._methods[method](params, context)
            said = member
        except UserError as error:
            said = "UserError"
            text = json.dumps([said, [error.message, "", error.domain]], default=str)
        except ConcurrencyError:
            said = "ConcurrencyException"
            text = json.dumps([said, "Records were modified in the meanwhile"])
        except (KeyError, ValueError, TypeError, IndexError, DomainError) as error:
            # Whatever Python code raised; str(KeyError('foo')) is "'foo'", as the real one says.
            said = "exception"
            text = json.dumps([str(error), ""])
        self.answers[said] += 1
        return member, text

    def exposes(self, method: str) -> bool:
        """Whether there is such a method."""
        return method in self._methods

    def _search_read(self, model: str, params: Sequence[Any], context: Context) -> str:
        domain, offset, limit, order, fields = params
        return rendered(self._found(model, context, domain, offset, limit, order), fields)

    def _search(self, model: str, params: Sequence[Any], context: Context) -> str:
        rows = self._found(model, context, *params)
        return json.dumps([row["id"] for row in rows])

    def _search_count(self, model: str, params: Sequence[Any], context: Context) -> str:
        return str(len(self._found(model, context, params[0], 0, None, None)))

    def _found(self, model: str, context: Context, *search: Any) -> Sequence[Mapping[str, Any]]:
        rows = self._books.search(model, *search)
        if context.get("active_test", True):
            rows = [row for row in rows if row.get("active", True)]
        if model != "currency.currency":
            return rows
        day = decoded(context.get("date"))
        return [{**row, "rate": self._books.rate_in_force(row["id"], day)} for row in rows]

    def _read(self, model: str, params: Sequence[Any], _: Context) -> str:
        return rendered(self._books.read(model, params[0]), params[1])

    def _write_works(self, params: Sequence[Any], context: Context) -> str:
        changes = list(zip(params[::2], params[1::2], strict=True))
        self._books.write_works(changes, context)
        return "null"

    def _create_lines(self, params: Sequence[Any], context: Context) -> str:
        return json.dumps(self._books.create_lines(params[0], context))

    def _write_lines(self, params: Sequence[Any], _: Context) -> str:
        self._books.write_lines(params[0], params[1])
        return "null"

    def _delete_lines(self, params: Sequence[Any], _: Context) -> str:
        self._books.delete_lines(params[0])
        return "null"

    def _create_masters(self, model: str, params: Sequence[Any], context: Context) -> str:
        return json.dumps(self._books.masters.create(model, params[0], context))

    def _write_masters(self, model: str, params: Sequence[Any], context: Context) -> str:
        changes = list(zip(params[::2], params[1::2], strict=True))
        self._books.masters.write(model, changes, context)
        return "null"

    def _delete_masters(self, model: str, params: Sequence[Any], _: Context) -> str:
        self._books.masters.delete(model, params[0])
        return "null"

    def _invoice(self, params: Sequence[Any], _: Context) -> str:
        self._books.invoice_projects(params[0])
        return "null"

    def _preferences(self, _: Sequence[Any], __: Context) -> str:
        companies = list(self._books.tables["company.company"])
        return json.dumps({"company_filter": self.company_filter, "companies": companies})

    def _access(self, params: Sequence[Any], _: Context) -> str:
        return json.dumps({model: self.rights.get(model, _RIGHTS) for model in params[0]})
