"""Expense reports: claimed at their source, posted as documents, followed to their payment."""

from alembic import op

from store.migrations import expenses_0002

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let postings be of expenses, and make room for claims, payments and what sources hear."""
    for statement in expenses_0002.STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: a ledger is not taken back."""
    raise RuntimeError("expenses cannot be taken out of a ledger; restore a backup instead")
