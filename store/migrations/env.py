"""Alembic's way into the ledger; `store.schema` hands over the connection."""

from alembic import context
from sqlmodel import SQLModel

import store.billing_tables
import store.tables  # noqa: F401  Both fill the metadata that autogenerate compares with.

connection = context.config.attributes.get("connection")
if connection is None:
    raise RuntimeError("migrations run through `ledgerway` or `store.schema.upgrade`, never bare")

context.configure(connection=connection, target_metadata=SQLModel.metadata, compare_type=True)
with context.begin_transaction():
    context.run_migrations()
