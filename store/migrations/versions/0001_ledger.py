"""The posting ledger and everything around it: inbox, source lines, cases, outbox, masters."""

from alembic import op

from store.migrations import audit_0001, tables_0001

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the first version of all tables, then the rules that the database enforces."""
    for statement in (*tables_0001.STATEMENTS, *audit_0001.STATEMENTS):
        op.execute(statement)


def downgrade() -> None:
    """Refuse: a ledger is not taken back."""
    raise RuntimeError("the ledger's first version cannot be taken back; restore a backup instead")
