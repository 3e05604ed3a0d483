"""Facts about BambooHR, an HR system; where they come from is in docs/connectors/bamboohr.md."""

from typing import Final

from canonical.cross_reference import MasterKind
from connectors.base.capabilities import (
    CostCentreSource,
    MasterChangeSource,
    MasterDataSource,
    MasterDataTarget,
    WebhookSource,
)
from connectors.base.guard import Lookup
from connectors.base.level import Level
from connectors.base.manifest import Manifest, MasterOperation

PAGE_SIZE_MAX: Final = 2500  # The most that the list of employees gives in one page.
DATASET_PAGE_MAX: Final = 1000
# Employees that are chosen by id in one call, so that no address becomes too long.
IDS_MAX: Final = 100
# Stamps have whole seconds, and a change may become visible just behind the clock.
OVERLAP_SECONDS: Final = 120

MANIFEST: Final = Manifest(
    system="bamboohr",
    title="BambooHR (API v1)",
    capabilities=frozenset(
        {MasterDataSource, MasterChangeSource, CostCentreSource, WebhookSource, MasterDataTarget}
    ),
    verified_against=(
        "a simulator that stays inside the vendor's own OpenAPI description; not against a "
        "BambooHR company"
    ),
    documented_at="https://documentation.bamboohr.com/",
    master_operations=(
        MasterOperation(
            kind=MasterKind.EMPLOYEE,
            fields=frozenset({"name", "email", "active_from", "role"}),
            # An employee is made without a key; a second one is found by number or e-mail only.
            guard=Lookup(),
        ),
    ),
    page_size_max=PAGE_SIZE_MAX,
    overlap_seconds=OVERLAP_SECONDS,
    # BambooHR names no number: it throttles when it wants to, and says for how long.
    rate_limits=(),
    level=Level.ATTESTED,
    notes=(
        "The list of employees has no employee number: it is read in bulk from a dataset, or "
        "employee by employee where only a few are asked for. With code_field 'id' neither is.",
        "A field that the key may not see is trouble for an operator, never an empty value; "
        "without_fields names those that this connection does without.",
        "A termination is an effective-dated row of the employment status, known before its day; "
        "who leaves stays in the list, inactive. A deleted employee is told by the feed.",
        "Who is hired for a later day is inactive until that day; whether the day itself moves "
        "the stamp of the employee is not documented.",
        "Departments have no feed: all of them come with every answer.",
        "An update that is answered 200 may have left out fields that the key may not write: only "
        "reading again tells.",
        "Whether two requests to make one employee both succeed is not documented, beyond that no "
        "two have the same e-mail.",
    ),
)
