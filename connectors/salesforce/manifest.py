"""Facts about Salesforce's REST API; where they come from is in docs/connectors/salesforce.md."""

from typing import Final

from canonical.cross_reference import MasterKind
from connectors.base.capabilities import MasterChangeSource, MasterDataSource, MasterDataTarget
from connectors.base.guard import Bulk, UniqueReference
from connectors.base.level import Level
from connectors.base.manifest import Manifest, MasterOperation, RateLimit
from connectors.salesforce.options import PAGE_SIZES, AccountFields

# One collections request takes so many records.
COLLECTION_MAX: Final = 200
# /updated reaches back 30 days and /deleted 15; a day of that is left for the clocks and the call.
FEED_SECONDS: Final = 14 * 86_400
# A record may become visible behind the clock; instants have whole seconds, windows whole minutes.
OVERLAP_SECONDS: Final = 120
# What the smallest edition allows in 24 hours.
RATE_LIMITS: Final = (RateLimit(calls=15_000, per_seconds=86_400),)


def manifest_for(fields: AccountFields) -> Manifest:
    """What the connector can do with an org that keeps these fields."""
    kept = {
        "name": "Name",
        "active": fields.active,
        "currency": fields.currency,
        "country": fields.country,
        "tax_number": fields.tax_number,
    }
    customers = MasterOperation(
        kind=MasterKind.CUSTOMER,
        fields=frozenset(name for name, at in kept.items() if at),
        guard=UniqueReference(),
        creates=bool(fields.external_id),
        bulk=Bulk("PER_ITEM", COLLECTION_MAX),
    )
    return Manifest(
        system="salesforce",
        title="Salesforce (REST API)",
        capabilities=frozenset({MasterDataSource, MasterChangeSource, MasterDataTarget}),
        verified_against=(
            "a simulator that stays inside a description derived from Salesforce's official "
            "Postman collection; not against an org"
        ),
        documented_at="https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/",
        master_operations=(customers,),
        page_size_max=PAGE_SIZES[-1],
        overlap_seconds=OVERLAP_SECONDS,
        rate_limits=RATE_LIMITS,
        level=Level.ATTESTED,
        notes=(
            "An Account is made by an upsert on an external id field of ours, so that a repeat "
            "finds it; field changes go out 200 at a time, each with its own result.",
            "The feed of deletions reaches back 15 days, or less where an administrator empties "
            "the recycle bin: beyond that everything is read.",
            "Accounts that were merged into another are gone; what hung on them is read again.",
            "A customer's e-mail is its billing contact's. It is read, and never written.",
            "A contact that moved away from an Account is not in the feed of that Account: its "
            "e-mail is right again with the next reading of everything.",
            "A field that the integration user may not see stops the reading: it never reads as "
            "empty.",
        ),
    )


MANIFEST: Final = manifest_for(AccountFields())
