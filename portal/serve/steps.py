"""What is done before anything serves: schema, partitions, static files, the demo's people.

Each is skipped when it is done already.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import psycopg
from django.apps import apps
from django.utils import timezone

from portal.embedded import Refused, postgres
from portal.environment import SERVING_VARIABLE, Environment
from portal.serve.processes import Process
from portal.serve.supervisor import Supervisor
from portal.serve.table import MANAGE, static_files_are_current
from portal.variables import BASE_DIR

_IDENTITY = """
    SELECT system_identifier || '/' || (SELECT oid FROM pg_database WHERE datname = 'negatoscope')
    FROM pg_control_system()
"""


def prepare(supervisor: Supervisor, environment: Environment, owner: Mapping[str, str]) -> None:
    """Bring the database and the files to this release. `owner` has the variables of the owner's role.

    Raises Refused, Stopped.
    """
    _collect_static_files(supervisor, environment)
    state = schema_state(environment)
    done = _Done(environment.run_dir / "done.json", state["cluster"]) if state else None
    if done is None or not done.already("migrate", state["migrations"]):
        _step(supervisor, "migrate", ["migrate", "--no-input", "--verbosity", "1"], owner)
        add_partitions(supervisor, owner)
        if done:
            done.note("migrate", state["migrations"])
            done.note("partitions", _month())
    elif not done.already("partitions", _month()):
        add_partitions(supervisor, owner)
        done.note("partitions", _month())
    people = _demo_digest(environment)
    if environment.demo and not (done and done.already("demo", people)):
        _step(supervisor, "demo", ["demo", "--prepare"], owner)
        if done:
            done.note("demo", _demo_digest(environment))


def add_partitions(supervisor: Supervisor, owner: Mapping[str, str]) -> None:
    """Add the months to come to the audit's table. Raises Refused, Stopped."""
    _step(supervisor, "audit", ["partitions"], owner)


class _Done:
    """What was done to a database cluster, so that a start does not do it again."""

    def __init__(self, path: Path, cluster: str) -> None:
        self._path = path
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            stored = {}
        self._state = stored if stored.get("cluster") == cluster else {"cluster": cluster}

    def already(self, name: str, state: str) -> bool:
        return bool(self._state.get(name) == state)

    def note(self, name: str, state: str) -> None:
        self._state[name] = state
        self._path.write_text(json.dumps(self._state), encoding="utf-8")


def _month() -> str:
    return timezone.now().strftime("%Y-%m")


def _step(supervisor: Supervisor, name: str, words: list[str], variables: Mapping[str, str]) -> None:
    status = supervisor.run(
        Process(name=name, command=[*MANAGE, *words, "--skip-checks"], variables=variables, restart=False)
    )
    if status != 0:
        raise Refused(f"`manage.py {' '.join(words)}` failed: its lines above say why. What was done so far is kept.")


def _collect_static_files(supervisor: Supervisor, environment: Environment) -> None:
    built = BASE_DIR / "static" / "build"
    if not built.is_dir():
        raise Refused(f"The front end is not built ({built} is missing): run `make setup`.")
    if not static_files_are_current(environment):
        _step(
            supervisor,
            "static",
            ["collectstatic", "--no-input", "--clear", "--verbosity", "0"],
            {SERVING_VARIABLE: "1"},
        )


def schema_state(environment: Environment) -> dict[str, str]:
    """What tells that the embedded database has this release's schema: its identity and the migrations' digest.

    Empty for a database of others, where only the migrations themselves can tell.
    """
    if not environment.database_embedded:
        return {}
    with psycopg.connect(postgres.superuser_url(environment.data_dir)) as connection:
        row = connection.execute(_IDENTITY).fetchone() or ("",)
    return {"cluster": row[0], "migrations": _migrations_digest()}


def _migrations_digest() -> str:
    digest = hashlib.sha256()
    for config in apps.get_app_configs():
        for path in sorted(Path(config.path, "migrations").glob("*.py")):
            digest.update(f"{config.label}/{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _demo_digest(environment: Environment) -> str:
    """What the demo's people are made from: another plan, password or a lost key makes them anew."""
    digest = hashlib.sha256(environment.demo_password.encode())
    for path in sorted(path for path in (BASE_DIR / "portal" / "demo").iterdir() if path.is_file()):
        digest.update(path.name.encode() + path.read_bytes())
    digest.update(str((environment.data_dir / "secrets" / "demo-machine-key").exists()).encode())
    return digest.hexdigest()
