"""Fyle's JSON of master records, as their own lists show them."""

from connectors.fyle.wire import Day, Id, Number, Serial, User, Wire


class InOrganisation(Wire):
    """Whatever says which organisation it belongs to."""

    org_id: str


class Employee(Wire):
    """A person who may spend."""

    id: Id
    code: str | None
    user: User
    is_enabled: bool
    joined_at: Day | None = None


class ListedMaster(Wire):
    """What projects and cost centres have in common in their lists."""

    id: Serial
    name: str
    code: str | None
    is_enabled: bool


class ListedProject(ListedMaster):
    """A project in its list."""

    sub_project: str | None = None
    display_name: str | None = None


class ListedTaxGroup(Wire):
    """A tax group in its list; `percentage` is in percent."""

    id: Id
    name: str
    percentage: Number
    is_enabled: bool
