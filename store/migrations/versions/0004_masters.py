"""Masters: who owns which field, what was agreed, what was written, and what people decide."""

from alembic import op

from store.migrations import masters_0004

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make room for the synchronisation of masters."""
    for statement in masters_0004.STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: a ledger is not taken back."""
    raise RuntimeError("masters cannot be taken out of a ledger; restore a backup instead")
