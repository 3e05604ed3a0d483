"""The ledger's schema: brought up to date, and compared with the tables that code knows."""

from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlmodel import SQLModel

import store.billing_tables
import store.master_tables
import store.tables  # noqa: F401  Both fill the metadata.

_MIGRATIONS: Final = Path(__file__).parent / "migrations"
# Any number, as long as it is always the same: two processes migrate one after the other.
_MIGRATION_LOCK: Final = 5_207_431


def engine_for(dsn: str) -> AsyncEngine:
    """Make an engine from a plain `postgresql://` address."""
    return create_async_engine(dsn.replace("postgresql://", "postgresql+asyncpg://", 1))


async def upgrade(dsn: str) -> None:
    """Bring a database to the newest version; safe to call from many processes at once."""
    engine = engine_for(dsn)
    try:
        async with engine.begin() as connection:
            await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


async def differences(dsn: str) -> list[Any]:
    """List tables and columns that the database and `store.tables` do not have alike."""
    engine = engine_for(dsn)
    try:
        async with engine.connect() as connection:
            found = await connection.run_sync(
                lambda sync: compare_metadata(MigrationContext.configure(sync), SQLModel.metadata)
            )
            # Indexes and constraints live in the migrations alone.
            return [
                one for one in found if not str(one[0]).endswith(("_index", "_constraint", "_fk"))
            ]
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
