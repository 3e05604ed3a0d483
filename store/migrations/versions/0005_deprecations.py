"""What is deprecated and in use is told in the audit trail, once per thing and day."""

from typing import Final

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_STATEMENTS: Final = (
    "ALTER TABLE audit DROP CONSTRAINT audit_subject_kind_check",
    """
    ALTER TABLE audit ADD CONSTRAINT audit_subject_kind_check
      CHECK (subject_kind IN ('posting', 'case', 'master', 'deprecation'))
    """,
    """
    CREATE UNIQUE INDEX audit_deprecation_once_a_day
      ON audit (subject, ((at AT TIME ZONE 'UTC')::date)) WHERE subject_kind = 'deprecation'
    """,
)


def upgrade() -> None:
    """Make room for warnings, one of a thing each day."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: a ledger is not taken back."""
    raise RuntimeError("nothing is taken out of an audit trail; restore a backup instead")
