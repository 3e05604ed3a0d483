"""What the simulated Harvest takes for clients, projects and users, of the documented members."""

from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from connectors.harvest.simulated_state import RecordId, State


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("can't be blank")
    return value


def _known_currency(value: str) -> str:
    if value not in _CURRENCIES:
        raise ValueError("is not a supported currency")
    return value


_CURRENCIES: Final = frozenset(
    {"AUD", "CAD", "CHF", "DKK", "EUR", "GBP", "JPY", "NOK", "NZD", "PLN", "SEK", "SGD", "USD"}
)
Words = Annotated[str, Field(max_length=255), AfterValidator(_not_blank)]
CurrencyOfClient = Annotated[str, AfterValidator(_known_currency)]
Address = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=255)]


class MasterBody(State):
    """What all requests share; members that are not given stay as they are."""

    # Taken, and nothing that the simulator keeps.
    IGNORED: ClassVar[frozenset[str]] = frozenset()
    # What a new record needs.
    REQUIRED: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="after")
    def _has_what_is_required(self) -> Self:
        missing = sorted(name for name in self.REQUIRED if getattr(self, name) is None)
        if missing:
            raise ValueError(f"{missing[0]} can't be blank")
        return self


class ClientBody(MasterBody):
    """What becomes of a client."""

    name: Words | None = None
    is_active: bool | None = None
    address: str | None = None
    currency: CurrencyOfClient | None = None


class NewClient(ClientBody):
    """A client to be made."""

    REQUIRED = frozenset({"name"})


class ProjectBody(MasterBody):
    """What becomes of a project."""

    IGNORED = frozenset({"bill_by", "budget_by"})

    client_id: RecordId | None = None
    name: Words | None = None
    code: str | None = None
    is_active: bool | None = None
    is_billable: bool | None = None
    bill_by: Literal["Project", "Tasks", "People", "none"] | None = None
    budget_by: Literal["project", "project_cost", "task", "task_fees", "person", "none"] | None = (
        None
    )


class NewProject(ProjectBody):
    """A project to be made."""

    REQUIRED = frozenset({"client_id", "name", "is_billable", "bill_by", "budget_by"})


class UserBody(MasterBody):
    """What becomes of a user."""

    first_name: Words | None = None
    last_name: Words | None = None
    email: Address | None = None
    is_active: bool | None = None
    is_contractor: bool | None = None
    roles: tuple[str, ...] | None = None

    @property
    def names_the_person(self) -> bool:
        """Whether it says something that stays as it is for who is inactive."""
        return not self.model_fields_set.isdisjoint({"first_name", "last_name", "email"})


class NewUser(UserBody):
    """A user to be made."""

    REQUIRED = frozenset({"first_name", "last_name", "email"})


class NewAssignment(MasterBody):
    """A task that may be booked on a project from now on."""

    task_id: RecordId
    is_active: bool = True
