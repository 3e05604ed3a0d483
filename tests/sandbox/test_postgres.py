"""The local PostgreSQL keeps what was committed, and refuses what it cannot serve."""

import asyncio
import stat
from pathlib import Path

import asyncpg
import pytest

from sandbox import postgres
from sandbox.child_process import ServerError
from sandbox.postgres import Postgres


async def rows_of(url: str, query: str) -> list[object]:
    """Run one query and return its first column."""
    connection = await asyncpg.connect(url)
    try:
        return [row[0] for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def execute(url: str, statements: str) -> None:
    """Run statements that return nothing."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statements)
    finally:
        await connection.close()


def names_in(directory: Path) -> list[str]:
    """List a directory."""
    return [path.name for path in directory.iterdir()]


async def test_a_committed_row_survives_a_kill_and_the_port_stays(tmp_path: Path) -> None:
    async with Postgres(tmp_path / "pg") as server:
        url = await server.create_database("ledger")
        await execute(url, "create table posting (id int); insert into posting values (7)")
        await server.kill()
        assert not server.alive
        await server.start()
        assert await rows_of(url, "select id from posting") == [7]


async def test_data_survive_a_stop_and_the_password_with_them(tmp_path: Path) -> None:
    async with Postgres(tmp_path / "pg") as server:
        await execute(server.url, "create table posting (id int)")
    async with Postgres(tmp_path / "pg") as again:
        assert await rows_of(again.url, "select count(*) from posting") == [0]


async def test_two_servers_run_side_by_side(tmp_path: Path) -> None:
    async with Postgres(tmp_path / "one") as one, Postgres(tmp_path / "two") as two:
        assert one.port != two.port
        await execute(one.url, "create table only_in_one ()")
        present = "select count(*) from pg_tables where tablename = 'only_in_one'"
        assert await rows_of(one.url, present) == [1]
        assert await rows_of(two.url, present) == [0]


async def test_a_database_is_copied_from_a_template(ledger_postgres: Postgres) -> None:
    template = await ledger_postgres.create_database("a_template")
    await execute(template, "create table posting (id int); insert into posting values (1)")
    copy = await ledger_postgres.create_database("a_copy", "a_template")
    await execute(copy, "insert into posting values (2)")
    assert await rows_of(template, "select id from posting") == [1]
    assert await rows_of(copy, "select id from posting order by id") == [1, 2]


async def test_a_dump_is_restored_whole(ledger_postgres: Postgres, tmp_path: Path) -> None:
    url = await ledger_postgres.create_database("dumped")
    await execute(url, "create table posting (id int unique); insert into posting values (3)")
    await ledger_postgres.dump("dumped", tmp_path / "dump")
    assert names_in(tmp_path) == ["dump"]
    await ledger_postgres.restore(tmp_path / "dump", "restored")
    restored = ledger_postgres.url_of("restored")
    assert await rows_of(restored, "select id from posting") == [3]


async def test_a_dump_of_what_is_not_there_says_what_the_tool_said(
    ledger_postgres: Postgres, tmp_path: Path
) -> None:
    with pytest.raises(ServerError, match=r'pg_dump failed(.|\n)*"nowhere" does not exist'):
        await ledger_postgres.dump("nowhere", tmp_path / "dump")
    assert not (tmp_path / "dump").exists()


async def test_a_database_in_use_is_dropped(ledger_postgres: Postgres) -> None:
    url = await ledger_postgres.create_database("in_use")
    connection = await asyncpg.connect(url)
    await ledger_postgres.drop_database("in_use")
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(url)
    await connection.close()


async def test_nobody_gets_in_without_the_password(ledger_postgres: Postgres) -> None:
    url = ledger_postgres.url.replace(ledger_postgres.password, "guessed")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(url)


async def test_data_and_password_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    async with Postgres(tmp_path / "pg"):
        modes = {
            path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "pg").iterdir()
        }
    assert modes == {"data": 0o700, "password": 0o600, "server.log": 0o600}


async def test_files_of_another_major_version_are_refused_with_both_versions(
    tmp_path: Path,
) -> None:
    home = tmp_path / "pg"
    async with Postgres(home):
        pass
    (home / "data" / "PG_VERSION").write_text("9\n")
    with pytest.raises(ServerError, match=r"belong to PostgreSQL 9.*are PostgreSQL 1"):
        await Postgres(home).start()


async def test_a_port_that_somebody_has_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    async with Postgres(tmp_path / "one") as one:
        late = Postgres(tmp_path / "two", port=one.port)
        with pytest.raises(ServerError, match="ended while it started"):
            await late.start()
        assert not late.alive


async def test_a_second_server_on_the_same_files_is_refused(tmp_path: Path) -> None:
    async with Postgres(tmp_path / "pg") as server:
        with pytest.raises(ServerError, match="ended while it started"):
            await Postgres(tmp_path / "pg").start()
        assert await rows_of(server.url, "select 1") == [1]


async def test_committed_rows_are_safe_though_files_are_not_synced(
    ledger_postgres: Postgres,
) -> None:
    settings = "select name || '=' || setting from pg_settings where name = any($1) order by name"
    connection = await asyncpg.connect(ledger_postgres.url)
    rows = await connection.fetch(settings, ["fsync", "full_page_writes", "synchronous_commit"])
    await connection.close()
    assert [row[0] for row in rows] == [
        "fsync=off",
        "full_page_writes=off",
        "synchronous_commit=on",
    ]


async def test_binaries_can_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    postgres.binaries.cache_clear()
    monkeypatch.setenv("LEDGERWAY_PG_BIN", str(tmp_path))
    try:
        with pytest.raises(ServerError, match="LEDGERWAY_PG_BIN names"):
            await asyncio.to_thread(postgres.binaries)
        (tmp_path / "postgres").touch(mode=0o755)
        assert postgres.binaries() == tmp_path
    finally:
        postgres.binaries.cache_clear()
