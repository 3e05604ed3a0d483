"""Billing: what work is worth, what is ready, and which invoice line is which work."""

from alembic import op

from store.migrations import billing_0003

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let postings be of invoices and journal entries, and make room for billing."""
    for statement in billing_0003.STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: a ledger is not taken back."""
    raise RuntimeError("billing cannot be taken out of a ledger; restore a backup instead")
