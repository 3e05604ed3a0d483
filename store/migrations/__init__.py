"""Alembic migrations of the ledger; `store.schema.upgrade` runs them."""
