"""`serve` from its first check to its last line."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from portal.embedded import Refused, paths, postgres, redis
from portal.environment import SERVING_VARIABLE, Environment
from portal.serve import preflight, steps, table
from portal.serve.journal import Journal
from portal.serve.processes import Process
from portal.serve.supervisor import Child, Stopped, Supervisor
from portal.variables import BASE_DIR

#: The accounts of the demo hospital .
DEMO_ACCOUNTS = (
    "admin",
    "radiologist",
    "trainee",
    "emergency",
    "emergency-manager",
    "orthopaedics",
    "cardiology",
    "radiographer",
    "archivist",
    "quality",
    "privacy",
)

_DAY = 24 * 3600.0
_OWNER_VARIABLE = "DATABASE_OWNER_URL"


def serve(environment: Environment, variables: Mapping[str, str], *, as_json: bool = False) -> None:
    """Run Negatoscope until it is asked to stop. `variables` is what the environment was read from. Raises Refused."""
    began = time.monotonic()
    preflight.refuse_demo_database(environment)
    preflight.check_tls_key(environment)
    paths.data_folder(environment.data_dir)
    with preflight.lock(environment.data_dir):
        preflight.claim(environment.data_dir, environment.mode)
        ports = {
            "PORTAL_PORT": environment.portal_port,
            "DICOM_PORT": environment.dicom_port,
            "HL7_PORT": environment.hl7.port,
        }
        preflight.check_ports(environment.listen_address, ports)
        preflight.check_disk(environment)
        os.umask(0o077)
        for name in ("spool", "tiers", "static", "mail"):
            paths.subfolder(environment.data_dir, name)
        journal = Journal(paths.subfolder(environment.data_dir, "log"), as_json=as_json)
        try:
            _Run(environment, variables, journal).run(began)
        finally:
            journal.close()


class _Run:
    """One run of the supervisor over the table."""

    def __init__(self, environment: Environment, variables: Mapping[str, str], journal: Journal) -> None:
        self.environment = environment
        self.journal = journal
        self.owner = {_OWNER_VARIABLE: variables[_OWNER_VARIABLE]} if variables.get(_OWNER_VARIABLE) else {}
        # Everything from `.env` is in here, so the children need not read it, and cannot find the owner's address
        # there.
        common = {name: value for name, value in variables.items() if name != _OWNER_VARIABLE} | {"ENV_FILE": ""}
        tag = f"{paths.digest(environment.data_dir)}-{os.getpid()}"
        self.supervisor = Supervisor(journal, variables=common, directory=BASE_DIR, tag=tag)
        self.next_chores = time.monotonic() + _DAY

    def run(self, began: float) -> None:
        """Start, serve, stop. Raises Refused when it cannot start."""
        supervisor = self.supervisor
        supervisor.catch_signals()
        try:
            self._start_servers()
            steps.prepare(supervisor, self.environment, self.owner)
            self._start_services()
            self._greet(time.monotonic() - began)
            supervisor.supervise(self._chores)
        except Stopped:
            pass
        finally:
            self.journal.say("Stopping.")
            began = time.monotonic()
            supervisor.stop()
            self.journal.say(f"Stopped in {time.monotonic() - began:.1f} s.")

    def _start_servers(self) -> None:
        environment, data_dir = self.environment, self.environment.data_dir
        children: dict[str, Child] = {}
        for process in table.servers(environment):
            if process.name == "postgres" and not (paths.postgres_home(data_dir) / "postgres").exists():
                self.journal.say("Making the database.")
            # A refusal of the first start is told as such; later ones are tried again.
            if process.before:
                process.before()
            children[process.name] = self.supervisor.start(process)
        if "postgres" in children:
            self._await(children["postgres"], postgres.await_ready)
            postgres.provision(data_dir)
        if "redis" in children:
            self._await(children["redis"], redis.await_ready)

    def _await(self, child: Child, wait: Callable[[Path, Callable[[], bool]], None]) -> None:
        def alive() -> bool:
            self.supervisor.pump(0.01)
            if self.supervisor.stopping:
                raise Stopped
            return child.running

        wait(self.environment.data_dir, alive)

    def _start_services(self) -> None:
        doors = table.doors(self.environment)
        for process in doors:
            self._serve(process)
        for process in doors:
            if process.ready and not self.supervisor.wait_until(process.ready, 90, every=0.2):
                self.journal.say(f"{process.name} is not ready after 90 s: its lines above say why. The others go on.")
        # Not earlier: while they load, the doors would open later.
        for process in table.workers(self.environment):
            self._serve(process)

    def _serve(self, process: Process) -> None:
        variables = {**process.variables, SERVING_VARIABLE: "1"}
        self.supervisor.start(replace(process, variables=variables))

    def _greet(self, seconds: float) -> None:
        environment, say = self.environment, self.journal.say
        say(f"Negatoscope is ready ({seconds:.1f} s).")
        say(f"  Address   {environment.public_url}")
        say(f"  DICOM     {environment.dicom_ae_title} on {environment.listen_address}, port {environment.dicom_port}")
        say(f"  HL7       {environment.listen_address}, port {environment.hl7.port}")
        say(f"  Data      {environment.data_dir}")
        if environment.demo:
            say(f"  DEMO: made-up people, this machine only. Password of every account: {environment.demo_password}")
            say(f"  Accounts  {', '.join(DEMO_ACCOUNTS)}")
            key = _read(environment.data_dir / "secrets" / "demo-machine-key")
            if key:
                say(f"  Machine   Authorization: Bearer {key}")
        say("Ctrl-C stops everything.")
        if environment.demo:
            self._serve(Process(name="demo", command=[*table.MANAGE, "demo", "--send"], restart=False))

    def _chores(self) -> None:
        if time.monotonic() < self.next_chores:
            return
        self.next_chores = time.monotonic() + _DAY
        try:
            steps.add_partitions(self.supervisor, self.owner)
        except Refused as refusal:
            self.journal.say(str(refusal))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""
