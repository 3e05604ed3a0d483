"""A database of Tryton with the firm's master data, built once and kept as a small dump.

Two files are kept, since the first takes most of the time and changes least: the empty schema,
named after the programs and modules, and the seeded database, named also after the firm.
"""

import asyncio
import hashlib
import json
import os
import secrets
import shutil
import signal
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from sandbox.child_process import ChildProcess, ServerError, dies_with_its_parent
from sandbox.file_lock import exclusive
from sandbox.firm import Firm
from sandbox.postgres import Postgres, major_version
from sandbox.tryton.application import POSTGRES_SETTINGS, Application, write_configuration
from sandbox.tryton.installation import Installation, requirements_hash
from sandbox.tryton.json_rpc import JsonRpcSession
from sandbox.tryton.seed import ADMIN, CONNECTOR, Calendar, seed

MODULES = (
    "account",
    "account_invoice",
    "account_payment",
    "account_product",
    "analytic_account",
    "analytic_invoice",
    "company",
    "currency",
    "party",
    "product",
    "project",
    "project_disbursement",
    "project_invoice",
    "project_revenue",
    "timesheet",
    "timesheet_cost",
)
# With what they depend on: what the progress is measured by.
MODULES_LOADED = 25
SCHEMA_SECONDS_MAX = 900
KEY_CHARACTERS = 16
BUILD_DATABASE = "erp"
SOURCES = (
    "accounting_seed.py",
    "billing_seed.py",
    "currency_seed.py",
    "delivery_seed.py",
    "expense_seed.py",
    "json_rpc.py",
    "seed.py",
)

# What is being done now, and how much of it, in percent.
Progress = Callable[[str, int], None]


@dataclass(frozen=True)
class Snapshot:
    """A dump, and the file of the passwords that it was made with."""

    dump: Path
    credentials: Path

    @property
    def complete(self) -> bool:
        """Whether both files are there; each of them appears whole."""
        return self.dump.exists() and self.credentials.exists()

    def password_of(self, user: str) -> str:
        """Read the password of one of the ERP's users."""
        passwords: dict[str, str] = json.loads(self.credentials.read_text())
        return passwords[user]


class SnapshotCache:
    """Snapshots below one directory; two processes that want the same one build it once."""

    def __init__(self, directory: Path, installation: Installation, progress: Progress) -> None:
        self._directory = directory
        self._installation = installation
        self._progress = progress

    async def obtain(self, firm: Firm, calendar: Calendar) -> Snapshot:
        """Return the snapshot of a firm, building what is missing of it."""
        snapshot = self._snapshot(firm, calendar)
        if snapshot.complete:
            return snapshot
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        async with exclusive(self._directory / "building.lock"):
            if not snapshot.complete:
                await self._build(snapshot, firm, calendar)
        return snapshot

    def _schema(self) -> Snapshot:
        key = _key(requirements_hash(), major_version(), *MODULES)
        return Snapshot(
            self._directory / f"erp-schema-{key}.dump",
            self._directory / f"erp-passwords-{key}.json",
        )

    def _snapshot(self, firm: Firm, calendar: Calendar) -> Snapshot:
        schema = self._schema()
        sources = (Path(__file__).with_name(name).read_text() for name in SOURCES)
        facts = (json.dumps(asdict(fact), default=str) for fact in (firm, calendar))
        key = _key(schema.dump.name, *sources, *facts)
        return Snapshot(self._directory / f"erp-{key}.dump", schema.credentials)

    async def _build(self, snapshot: Snapshot, firm: Firm, calendar: Calendar) -> None:
        workshop = self._directory / "building"
        # What a build that was killed has left is of no use.
        await asyncio.to_thread(shutil.rmtree, workshop, ignore_errors=True)
        try:
            async with Postgres(workshop / "postgres", settings=POSTGRES_SETTINGS) as postgres:
                schema = self._schema()
                if schema.complete:
                    await postgres.restore(schema.dump, BUILD_DATABASE)
                else:
                    await self._create_schema(postgres, schema, workshop)
                await self._seed(postgres, snapshot, workshop, firm, calendar)
                await postgres.dump(BUILD_DATABASE, snapshot.dump)
        finally:
            await asyncio.to_thread(shutil.rmtree, workshop, ignore_errors=True)

    async def _create_schema(self, postgres: Postgres, schema: Snapshot, workshop: Path) -> None:
        # Snapshots that were made with the passwords of before are still there.
        if not schema.credentials.exists():
            passwords = {user: secrets.token_urlsafe(18) for user in (ADMIN, CONNECTOR)}
            _write_private(schema.credentials, json.dumps(passwords))
        await postgres.create_database(BUILD_DATABASE)
        configuration = workshop / "trytond.conf"
        write_configuration(configuration, postgres)
        password_file = workshop / "admin.password"
        _write_private(password_file, schema.password_of(ADMIN))
        log = workshop / "schema.log"
        child = ChildProcess("Tryton's set-up", log, stop_signal=signal.SIGTERM)
        await child.spawn(
            [
                *dies_with_its_parent("TERM"), *self._installation.admin_program, "-vv",
                "-c", str(configuration), "-d", BUILD_DATABASE,
                "-u", *MODULES, "--activate-dependencies", "--email", "admin@northwind.example",
            ],
            {"TRYTONPASSFILE": str(password_file)},
        )  # fmt: skip
        try:
            await self._watch_schema(child, log)
        finally:
            await child.kill()
        if (code := await child.wait()) != 0:
            raise ServerError(f"Tryton's set-up ended with code {code}:\n{child.log_tail()}")
        await postgres.dump(BUILD_DATABASE, schema.dump)

    async def _watch_schema(self, child: ChildProcess, log: Path) -> None:
        """Report progress until the set-up has ended, by the modules that its log names."""
        for _ in range(SCHEMA_SECONDS_MAX):
            self._progress("Creating the ERP's schema", _percent_loaded(log))
            try:
                await asyncio.wait_for(child.wait(), timeout=1)
            except TimeoutError:
                continue
            self._progress("Creating the ERP's schema", 100)
            return
        raise ServerError(f"Tryton's set-up takes more than {SCHEMA_SECONDS_MAX} s")

    async def _seed(
        self,
        postgres: Postgres,
        snapshot: Snapshot,
        workshop: Path,
        firm: Firm,
        calendar: Calendar,
    ) -> None:
        self._progress("Setting up the firm in the ERP", 0)
        application = Application(workshop, self._installation)
        try:
            await application.start(postgres, [BUILD_DATABASE])
            self._progress("Setting up the firm in the ERP", 30)
            async with JsonRpcSession(application.url, BUILD_DATABASE) as session:
                await session.log_in(ADMIN, snapshot.password_of(ADMIN))
                await seed(session, firm, calendar, snapshot.password_of(CONNECTOR))
        finally:
            # Everything is committed, so there is nothing to wait for.
            await application.kill()
        self._progress("Setting up the firm in the ERP", 100)


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:KEY_CHARACTERS]


def _percent_loaded(log: Path) -> int:
    """Count the lines `... INFO trytond.modules account load`; only the end of it is 100."""
    loaded = log.read_text(errors="replace").count(" load\n")
    return min(99, 100 * loaded // MODULES_LOADED)


def _write_private(path: Path, content: str) -> None:
    partial = path.with_name(f"{path.name}.part")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
    partial.replace(path)
