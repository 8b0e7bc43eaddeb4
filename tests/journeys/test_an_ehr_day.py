"""A day of a hospital's engine on four connections to the real listener, compared with a model of a few dozen lines.

2,000 messages about patients with merges, other numbers and repetitions, 500 orders, images, 300 reports in several versions.
"""

import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from accounts.models import Department
from imaging.ehr import services
from imaging.ehr.hl7.framing import Blocks, framed
from imaging.ehr.models import AwaitedReport, Hl7Message, Hl7Peer
from imaging.orders.matching import services as matching
from imaging.orders.models import ExamRequest, StudyLink
from imaging.reports.documents import canonical
from imaging.reports.models import Report, ReportVersion
from imaging.studies.correction.merging import survivor
from imaging.studies.models import Patient, Study
from portal.demo.plan import DATA
from tests.factories import arrivals
from tests.factories.accounts import DepartmentFactory
from tests.factories.exam_requests import procedure
from tests.imaging.dimse import processes
from tests.imaging.ehr.conftest import register
from tests.imaging.ehr.sent import adt, order, oru
from tests.ports import free_port
from tests.studies_in_archive import Archive

__all__ = ["register"]

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

CONNECTIONS = 4
ADMISSIONS, ORDERS, REPORTS = 500, 125, 75  # on each connection
SEED = 20261123


@dataclass
class Engine:
    """One connection's share of the day, and what the archive should know after it."""

    number: int
    random: Random = field(init=False)
    names: dict[str, str] = field(default_factory=dict)
    merged: dict[str, str] = field(default_factory=dict)
    orders: dict[str, tuple[str, str]] = field(default_factory=dict)
    reports: dict[str, list[str]] = field(default_factory=dict)
    #: Every message with the code of the answer that it should get.
    sent: list[tuple[bytes, str]] = field(default_factory=list)
    issued: int = 0

    def __post_init__(self) -> None:
        """Begin with nothing."""
        self.random = Random(SEED + self.number)

    def living(self) -> list[str]:
        return [pid for pid in self.names if pid not in self.merged]

    def root(self, pid: str) -> str:
        while pid in self.merged:
            pid = self.merged[pid]
        return pid

    def say(self, raw: bytes, code: str = "AA") -> None:
        self.sent.append((raw, code))
        if self.random.random() < 0.03 and code == "AA":
            self.sent.append((raw, code))  # an engine that did not hear the answer

    def tell(self, event: str, pid: str, name: str, code: str = "AA", prior: str = "") -> None:
        mrg = f"{prior}^^^HOSPITAL^MR" if prior else None
        kind = f"ADT^{event}^ADT_A39" if prior else ""
        self.say(adt(event, pid=f"{pid}^^^HOSPITAL^MR", name=name, mrg=mrg, kind=kind), code)

    def new_pid(self) -> str:
        self.issued += 1
        return f"E{self.number}N{self.issued}"

    def admission(self) -> None:
        """One thing that happens at a desk."""
        roll, living = self.random.random(), self.living()
        name = f"Née{self.random.randrange(500)}^Élodie"
        if roll < 0.35 or len(living) < 5:
            pid = self.new_pid()
            self.names[pid] = name
            self.tell(self.random.choice(["A01", "A04", "A05", "A28"]), pid, name)
        elif roll < 0.65:
            pid = self.random.choice(living)
            self.names[pid] = name
            self.tell(self.random.choice(["A08", "A31", "A02", "A03"]), pid, name)
        elif roll < 0.75:
            self.tell(self.random.choice(["A11", "A13", "A38"]), self.random.choice(living), name)
        elif roll < 0.80 and self.merged:
            self.tell("A08", self.random.choice(sorted(self.merged)), name, "AE")
        elif roll < 0.84:
            pid, prior = self.random.choice(living), self.new_pid()
            self.names[prior], self.merged[prior] = name, pid
            self.tell("A40", pid, name, prior=prior)
        elif roll < 0.88:
            prior, pid = self.random.choice(living), self.new_pid()
            self.names[pid], self.merged[prior] = self.names[prior], pid
            self.tell("A47", pid, name, prior=prior)
        elif roll < 0.92 and self.merged:
            prior = self.random.choice(sorted(self.merged))
            self.tell("A40", self.merged[prior], name, prior=prior)
        elif roll < 0.95 and self.merged:
            prior = self.random.choice(sorted(self.merged))
            into = self.merged[prior]
            if self.root(prior) == into:
                self.tell("A40", prior, name, "AE", prior=into)  # the other way round: refused
        else:
            pid, prior = self.random.sample(living, 2)
            self.merged[prior] = pid
            self.tell("A40", pid, name, prior=prior)

    def order(self) -> None:
        """An order is placed, changed, cancelled or begun elsewhere."""
        fresh = [placer for placer, (_pid, state) in self.orders.items() if state == "requested"]
        roll = self.random.random()
        if roll < 0.7 or not fresh:
            placer, pid = f"PON{self.number}-{len(self.orders)}", self.random.choice(self.living())
            self.orders[placer] = (pid, "requested")
            self.say(order(placer=placer, obr={18: self.accession(placer)}, pid=f"{pid}^^^HOSPITAL^MR"))
            return
        placer = self.random.choice(fresh)
        pid = self.root(self.orders[placer][0])
        if roll < 0.85:
            self.say(order("XO", placer=placer, obr={31: f"^Question {roll}"}, pid=f"{pid}^^^HOSPITAL^MR"))
        else:
            self.orders[placer] = (pid, "cancelled")
            self.say(order("CA", placer=placer, pid=f"{pid}^^^HOSPITAL^MR"))

    def accession(self, placer: str) -> str:
        return placer.replace("PON", "A").replace("-", "X")

    def report(self, placer: str) -> None:
        """A report of the images of an order, in one to four messages."""
        pid, words = self.root(self.orders[placer][0]), self.reports.setdefault(placer, [])
        status = "C" if words and words[-1] != "P" else self.random.choice(["P", "F"])
        if words and self.random.random() < 0.1:
            status = "X"
        text = f"Words {len(words)} of {placer}."
        words.append(status)
        self.say(
            oru(
                f"OBX|1|TX|1^Report||{text}||||||{status}",
                status=status,
                accession=self.accession(placer),
                pid=f"{pid}^^^HOSPITAL^MR",
            )
        )

    def states(self, placer: str) -> list[str]:
        """The versions that a report should have."""
        found: list[str] = []
        for status in self.reports[placer]:
            has_final = any(each != "preliminary" for each in found)
            kinds = {"P": "preliminary", "X": "withdrawal"}
            found.append(kinds.get(status, "correction" if has_final else "final"))
        return found


@pytest.fixture
def listening(data_dir: Path, register: Hl7Peer, emergency: Department) -> Iterator[int]:
    """The port of a real listener, whose sender may do everything."""
    radiology = DepartmentFactory.create(code="rad-dept", name="Radiology", site=emergency.site)
    procedure(code="CT1", department=radiology)
    register.may_order = register.may_report = True
    register.requesting_department = emergency
    register.most_merges = 0
    register.save()
    port = free_port()
    command = [sys.executable, "manage.py", "hl7", "--port", str(port), "--address", "127.0.0.1"]
    with subprocess.Popen(command, cwd=processes.ROOT, env=processes.environment(data_dir)) as process:
        try:
            assert processes.eventually(lambda: _listens(port))
            yield port
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _send(port: int, messages: list[tuple[bytes, str]]) -> list[str]:
    """Send one after the other; what was answered otherwise than it should be."""
    wrong = []
    blocks = Blocks(10_000)
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        for raw, code in messages:
            connection.sendall(framed(raw))
            found: list[bytes] = []
            while not found:
                found = blocks.feed(connection.recv(65536))
            if b"\rMSA|" + code.encode() not in found[0]:
                wrong.append(f"{raw.decode()} -> {found[0].decode()}")
    return wrong


def _day(port: int, engines: list[Engine]) -> None:
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        wrong = [line for found in threads.map(lambda each: _send(port, each.sent), engines) for line in found]
    assert not wrong, wrong[:3]
    for engine in engines:
        engine.sent.clear()


def test_after_a_day_the_archive_knows_what_the_engine_told(
    listening: int, archive: Archive, emergency: Department, register: Hl7Peer
) -> None:
    engines = [Engine(number) for number in range(CONNECTIONS)]
    for engine in engines:
        for number in range(ADMISSIONS):
            engine.admission()
            if number % 4 == 0:
                engine.order()
        while len(engine.orders) < ORDERS:
            engine.order()
    _day(listening, engines)

    reported = {engine.number: _reported(engine) for engine in engines}
    awaited = 0
    for engine in engines:
        for placer in reported[engine.number][: REPORTS // 10]:
            engine.report(placer)
            awaited += 1
    _day(listening, engines)
    assert AwaitedReport.objects.count() == awaited

    _images(archive, engines, reported)
    for engine in engines:
        _afternoon(engine, reported[engine.number])
    _day(listening, engines)

    _compare_patients(engines)
    _compare_orders(engines)
    _compare_reports(engines, reported)
    assert not Hl7Message.objects.exclude(state__in=["applied", "refused"]).exists()


def _afternoon(engine: Engine, reported: list[str]) -> None:
    """Reports, corrected and withdrawn; then patients are merged whose images were reported."""
    for placer in reported:
        for _times in range(engine.random.randrange(1, 4)):
            if engine.reports.get(placer, [""])[-1] != "X":
                engine.report(placer)
    for _late in range(20):
        engine.admission()


def _reported(engine: Engine) -> list[str]:
    open_ones = [placer for placer, (_pid, state) in engine.orders.items() if state == "requested"]
    return open_ones[:REPORTS]


def _images(archive: Archive, engines: list[Engine], reported: dict[int, list[str]]) -> None:
    """The images of the orders, and the demo's studies among them, arrive and are followed by the pipeline's steps."""
    made = []
    for engine in engines:
        for placer in reported[engine.number]:
            pid = engine.root(engine.orders[placer][0])
            number, name = engine.accession(placer), engine.names[pid]
            made.append(arrivals.dataset(PatientID=pid, PatientName=name, AccessionNumber=number))
    demo = sorted((DATA / "radiographs").rglob("*.dcm"))
    archive.receive(*made, *demo)
    for uid in Study.objects.order_by("pk").values_list("study_instance_uid", flat=True):
        matching.match_study(uid)
        services.images_arrived(uid)


def _compare_patients(engines: list[Engine]) -> None:
    rows = {row.patient_id: row for row in Patient.objects.filter(patient_id__startswith="E")}
    for engine in engines:
        for pid, name in engine.names.items():
            assert survivor(rows[pid]).patient_id == engine.root(pid), pid
            assert rows[pid].patient_name == name, pid
    assert set(rows) == {pid for engine in engines for pid in engine.names}


def _compare_orders(engines: list[Engine]) -> None:
    rows = {row.placer_order_number: row for row in ExamRequest.objects.select_related("patient")}
    assert set(rows) == {placer for engine in engines for placer in engine.orders}
    linked = set(StudyLink.objects.filter(ended_at=None).values_list("request__placer_order_number", flat=True))
    for engine in engines:
        for placer, (pid, state) in engine.orders.items():
            row = rows[placer]
            assert (row.state == "cancelled") == (state == "cancelled"), placer
            assert row.patient is not None
            assert survivor(row.patient).patient_id == engine.root(pid), placer
            if placer in engine.reports:
                assert placer in linked


def _compare_reports(engines: list[Engine], reported: dict[int, list[str]]) -> None:
    assert sum(len(found) for found in reported.values()) == CONNECTIONS * REPORTS == Report.objects.count()
    for engine in engines:
        for placer in reported[engine.number]:
            report = Report.objects.select_related("study__patient").get(
                study__accession_number=engine.accession(placer)
            )
            assert report.study.patient.patient_id == engine.root(engine.orders[placer][0]), placer
            versions = list(ReportVersion.objects.filter(report=report).order_by("number"))
            assert [row.kind for row in versions] == engine.states(placer), placer
            words = canonical.read(versions[-1].content)
            if versions[-1].kind != "withdrawal":
                assert words.sections[0].text == f"Words {len(versions) - 1} of {placer}."
