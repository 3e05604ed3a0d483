"""The addresses of the simulated Harvest at which clients, projects and users are written."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from connectors.harvest.simulated_account import HarvestAccount
from connectors.harvest.simulated_invoice_routes import writing
from connectors.harvest.simulated_master_bodies import (
    ClientBody,
    NewAssignment,
    NewClient,
    NewProject,
    NewUser,
    ProjectBody,
    UserBody,
)

Record = Mapping[str, Any]


def master_routes(account: HarvestAccount) -> list[Route]:
    """Everything that makes or changes a master record."""
    return [
        Route("/clients", writing(account, _make_client, 201), methods=["POST"]),
        Route("/clients/{id:int}", writing(account, _change_client, 200), methods=["PATCH"]),
        Route("/projects", writing(account, _make_project, 201), methods=["POST"]),
        Route("/projects/{id:int}", writing(account, _change_project, 200), methods=["PATCH"]),
        Route("/users", writing(account, _make_user, 201), methods=["POST"]),
        Route("/users/{id:int}", writing(account, _change_user, 200), methods=["PATCH"]),
        Route(
            "/projects/{id:int}/task_assignments", writing(account, _assign, 201), methods=["POST"]
        ),
    ]


def _id(request: Request) -> int:
    return int(request.path_params["id"])


def _make_client(account: HarvestAccount, request: Request, body: Any) -> Record:  # noqa: ARG001
    return account.book.make_client(NewClient.model_validate(body), account.quirks)


def _change_client(account: HarvestAccount, request: Request, body: Any) -> Record:
    change = ClientBody.model_validate(body)
    return account.book.change_client(_id(request), change, account.quirks)


def _make_project(account: HarvestAccount, request: Request, body: Any) -> Record:  # noqa: ARG001
    return account.book.make_project(NewProject.model_validate(body), account.quirks)


def _change_project(account: HarvestAccount, request: Request, body: Any) -> Record:
    change = ProjectBody.model_validate(body)
    return account.book.change_project(_id(request), change, account.quirks)


def _make_user(account: HarvestAccount, request: Request, body: Any) -> Record:  # noqa: ARG001
    return account.book.make_user(NewUser.model_validate(body), account.quirks)


def _change_user(account: HarvestAccount, request: Request, body: Any) -> Record:
    change = UserBody.model_validate(body)
    return account.book.change_user(_id(request), change, account.quirks)


def _assign(account: HarvestAccount, request: Request, body: Any) -> Record:
    return account.book.assign(_id(request), NewAssignment.model_validate(body))
