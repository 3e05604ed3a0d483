"""The ERP of the local world: a real Tryton with the firm's master data, in its own processes."""

import asyncio
import shutil
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Self

from sandbox.child_process import ServerError
from sandbox.firm import Firm, Month, firm_of
from sandbox.postgres import Postgres
from sandbox.tryton.admin import AdminClient
from sandbox.tryton.application import POSTGRES_SETTINGS, Application
from sandbox.tryton.installation import Installation, install
from sandbox.tryton.seed import ADMIN, CONNECTOR, Calendar
from sandbox.tryton.snapshot import Progress, Snapshot, SnapshotCache


def silent(_step: str, _percent: int) -> None:
    """Report no progress."""


async def obtain_snapshot(
    cache: Path, month: Month, *, today: date | None = None, on_progress: Progress = silent
) -> tuple[Installation, Snapshot]:
    """Install Tryton and build the snapshot for a month, unless both are there."""
    on_progress("Installing the ERP", 0)
    installation = await install(cache)
    on_progress("Installing the ERP", 100)
    calendar = Calendar.around(month, today or datetime.now(UTC).date())
    snapshots = SnapshotCache(cache / "cache", installation, on_progress)
    return installation, await snapshots.obtain(firm_of(month), calendar)


class TrytonServer:
    """A Tryton of its own below `home`, with one or more databases that start out alike.

    `cache` keeps what is worth keeping between worlds: Tryton's programs and the snapshot. With
    `keep`, an ERP that is already below `home` is served as it is, else each start is afresh.
    """

    def __init__(
        self,
        home: Path,
        month: Month,
        *,
        cache: Path | None = None,
        databases: Sequence[str] = ("erp",),
        keep: bool = False,
        port: int | None = None,
        today: date | None = None,
        on_progress: Progress = silent,
    ) -> None:
        self._home = home
        self._month = month
        self._cache = cache or home
        self._databases = tuple(databases)
        self._keep = keep
        self._port = port
        self._today = today
        self._progress = on_progress
        self._postgres = Postgres(home / "postgres", settings=POSTGRES_SETTINGS)
        self._application: Application | None = None
        self._snapshot: Snapshot | None = None

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *failure: object) -> None:
        await self.stop()

    @property
    def firm(self) -> Firm:
        """The firm whose master data it was filled with."""
        return firm_of(self._month)

    @property
    def url(self) -> str:
        """The address of the server, without a database."""
        return self._started_application.url

    @property
    def databases(self) -> tuple[str, ...]:
        """The names of its databases."""
        return self._databases

    @property
    def database(self) -> str:
        """The name of its first database."""
        return self._databases[0]

    @property
    def database_url(self) -> str:
        """The DSN of its first database, for what no user of the ERP could do."""
        return self._postgres.url_of(self.database)

    @property
    def user(self) -> str:
        """The integration user, who is no administrator."""
        return CONNECTOR

    @property
    def password(self) -> str:
        """The integration user's password."""
        return self._credentials.password_of(CONNECTOR)

    @property
    def admin_user(self) -> str:
        """The administrator."""
        return ADMIN

    @property
    def admin_password(self) -> str:
        """The administrator's password."""
        return self._credentials.password_of(ADMIN)

    @property
    def alive(self) -> bool:
        """Whether its application server runs now."""
        return self._application is not None and self._application.alive

    async def start(self) -> Self:
        """Start database and application, and what is missing before; return when it answers."""
        if self._application is None:
            await self._prepare()
        try:
            if not self._postgres.alive:
                await self._postgres.start()
            if not self.alive:
                self._progress("Starting the ERP", 50)
                await self._started_application.start(self._postgres, self._databases)
        except BaseException:
            await self.stop()
            raise
        self._progress("Starting the ERP", 100)
        return self

    async def stop(self) -> None:
        """End the application after what it is working on, then the database."""
        if self._application is not None:
            await self._application.stop()
        await self._postgres.stop()

    async def kill(self) -> None:
        """End the application by SIGKILL in the middle of its work; the database stays up."""
        await self._started_application.kill()

    async def restart(self) -> None:
        """Kill the application and start it again, on the same port."""
        await self.kill()
        await self.start()

    def admin(self, database: str | None = None) -> AdminClient:
        """Make an administrator's client of one database; it logs in when its block is entered."""
        return AdminClient(
            self.url, database or self.database, self.admin_user, self.admin_password
        )

    async def _prepare(self) -> None:
        installation, self._snapshot = await obtain_snapshot(
            self._cache, self._month, today=self._today, on_progress=self._progress
        )
        self._progress("Starting the ERP", 0)
        self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
        complete = self._home / "complete"
        if not (self._keep and complete.exists()):
            await asyncio.to_thread(shutil.rmtree, self._home / "postgres", ignore_errors=True)
            complete.unlink(missing_ok=True)
            await self._postgres.start()
            await self._postgres.restore(self._snapshot.dump, self.database)
            for copy in self._databases[1:]:
                await self._postgres.create_database(copy, template=self.database)
            complete.touch()
        self._application = Application(self._home, installation, port=self._port)

    @property
    def _started_application(self) -> Application:
        if self._application is None:
            raise ServerError("the ERP was not started")
        return self._application

    @property
    def _credentials(self) -> Snapshot:
        if self._snapshot is None:
            raise ServerError("the ERP was not started")
        return self._snapshot
