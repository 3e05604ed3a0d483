"""Masters that are read for other reasons: what they show is compared all the same."""

from activities.master_data import MasterDataActivities
from canonical.cross_reference import MasterKind
from canonical.exception_case import Cause
from canonical.messages import MasterDataRef
from canonical.posting_period import PostingPeriod
from connectors.base.connections import Connections
from rules.ownership import KindOwnership, Ownership
from rules.policies import Policies
from store.database import Database
from tests.masters.corner import Masters
from tests.masters.made_up import MadeUpSystem

C = MasterKind.CUSTOMER


class MadeUpErp(MadeUpSystem):
    """An ERP, which has a calendar and no feed of changes."""

    async def posting_periods(self) -> list[PostingPeriod]:
        return []


async def test_a_change_that_a_refresh_has_read_first_is_a_conflict_all_the_same(
    database: Database,
) -> None:
    crm, psa, erp = MadeUpSystem("crm"), MadeUpSystem("psa"), MadeUpErp("erp")
    systems = {"crm": crm, "psa": psa, "erp": erp}
    ownership = Ownership(kinds={C: KindOwnership(owner="crm", receivers=("erp",))})
    policies = Policies(ownership=ownership)
    masters = Masters(database, systems, policies, routes={"psa": "erp"})
    crm.put(C, "CUST-1", name="Halden AG")
    await masters.sync()
    erp.change(C, next(iter(erp.of(C))), name="Halden GmbH")

    refreshing = MasterDataActivities(database, Connections(systems), policies)
    await refreshing.refresh(MasterDataRef(connection="psa", target="erp"))
    await masters.settle()

    (issue,) = await masters.issues()
    assert (issue.issue.cause, issue.issue.value) == (Cause.MASTER_CONFLICT, "Halden GmbH")
