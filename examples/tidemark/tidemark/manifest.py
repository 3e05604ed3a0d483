"""Facts about Tidemark, an invented time ledger; its rules are in the README beside this folder."""

from typing import Final

from canonical.posting import PostingKind
from connectors.base.capabilities import PostingTarget
from connectors.base.guard import Bulk, UniqueReference
from connectors.base.level import Level
from connectors.base.manifest import Manifest, PostingOperation, RateLimit, ReferenceField

REFERENCE_LENGTH_MAX: Final = 32
TEXT_LENGTH_MAX: Final = 200
PAGE_SIZE_MAX: Final = 100
# References in one look-up; Tidemark answers 400 to more.
REFERENCES_MAX: Final = 50

MANIFEST: Final = Manifest(
    system="tidemark",
    title="Tidemark (an invented time ledger)",
    capabilities=frozenset({PostingTarget}),
    verified_against="its own simulator, being invented",
    documented_at="examples/tidemark/README.md",
    operations=(
        PostingOperation(
            kind=PostingKind.TIME,
            # PUT with If-None-Match: * is refused with 412 once the reference is taken.
            guard=UniqueReference(),
            bulk=Bulk("NONE"),
            reference=ReferenceField("entries/{reference}", REFERENCE_LENGTH_MAX),
            # Pool, connection, writing and reading of one attempt, as in Timeouts.
            send_window_seconds=50,
        ),
    ),
    page_size_max=PAGE_SIZE_MAX,
    rate_limits=(RateLimit(calls=600, per_seconds=60),),
    level=Level.ATTESTED,
    notes=("A text is cut at 200 characters without a word; control characters are refused.",),
)
