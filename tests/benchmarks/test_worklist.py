"""The modality worklist of 50,000 booked steps, asked over a real association: how long a station waits for its first patient.

`BOOKED_STEPS` names another number. Half the patients of a request are in the index, one in fifty was only typed.
"""

import gc
import os
import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from django.utils import timezone
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pynetdicom import AE, build_context
from pynetdicom.association import Association

from imaging.dicom.matching import Key, parse
from imaging.dimse import listener
from imaging.dimse.admission import Admission
from imaging.dimse.server import Server
from imaging.dimse.worklist import MODALITY_WORKLIST
from imaging.orders.models import Room
from imaging.orders.performing import worklist
from imaging.orders.performing.stations import Station
from tests import large_archive
from tests.benchmarks.large_database import copied, using
from tests.benchmarks.timing import Spent, line
from tests.factories.accounts import DepartmentFactory
from tests.factories.booked_steps import PARIS, at, patient, room, station, step

pytestmark = pytest.mark.django_db(transaction=True)

#: Seconds until the first answer, 95th percentile.
FIRST: Final = 0.1
STEPS: Final = int(os.environ.get("BOOKED_STEPS", "50000"))
ROOMS: Final = 20
_ROUNDS: Final = 22

# Copies of one patient, one request and one step: every room is booked quarter of an hour by quarter of an hour, from today on.
_MANY: Final = """
    WITH patients AS (
        INSERT INTO imaging_patient
        SELECT (jsonb_populate_record(pattern, jsonb_build_object(
            'id', pattern.id + n, 'patient_id', 'MANY' || n,
            'patient_name', initcap(name) || '^' || initcap(given), 'name_norm', name || ' ' || given))).*
        FROM imaging_patient pattern,
             (SELECT n, substr(md5(n::text), 1, 8) AS name, substr(md5('g' || n), 1, 6) AS given
              FROM generate_series(1, %(steps)s) n) made
        WHERE pattern.id = %(patient)s
    ), requests AS (
        INSERT INTO imaging_examrequest
        SELECT (jsonb_populate_record(pattern, jsonb_build_object(
            'id', pattern.id + n, 'key', gen_random_uuid(), 'accession_number', 'M' || n, 'requested_procedure_id', 'R' || n,
            'study_instance_uid', '2.25.' || n, 'patient_id', CASE WHEN n %% 50 > 0 THEN %(patient)s + n END,
            'typed_name', CASE WHEN n %% 50 = 0 THEN 'Typed' || n || '^Anna' ELSE '' END))).*
        FROM imaging_examrequest pattern, generate_series(1, %(steps)s) n WHERE pattern.id = %(request)s
    )
    INSERT INTO imaging_scheduledstep
    SELECT (jsonb_populate_record(pattern, jsonb_build_object(
        'id', pattern.id + n, 'step_id', 'M' || n, 'request_id', %(request)s + n, 'room_id', (%(rooms)s::bigint[])[1 + n %% %(count)s],
        'station_ae_title', 'STATION' || (n %% %(count)s), 'modality', (ARRAY['CT','MR','DX','US'])[1 + n %% 4],
        'starts_at', date_trunc('day', now()) + (n / %(count)s) * interval '15 minutes',
        'ends_at', date_trunc('day', now()) + (n / %(count)s + 1) * interval '15 minutes'))).*
    FROM imaging_scheduledstep pattern, generate_series(1, %(steps)s) n WHERE pattern.id = %(step)s
"""


@pytest.fixture(scope="module")
def booked(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """The name of a database with that many steps."""
    with django_db_blocker.unblock(), copied("worklist") as name:
        with using(name):
            _fill(name)
        yield name


def _fill(name: str) -> None:
    department = DepartmentFactory.create(code="worklist")
    rooms = [room(department, station(f"STATION{number}", department)).pk for number in range(ROOMS)]
    one = step(Room.objects.get(pk=rooms[0]), at(1), of=patient("First^Anna"))
    values = {
        "steps": STEPS,
        "rooms": rooms,
        "count": ROOMS,
        "patient": one.request.patient_id,
        "request": one.request_id,
        "step": one.pk,
    }
    with large_archive.owner_of(name) as owner:
        owner.execute(_MANY, values)
        owner.execute("VACUUM ANALYZE imaging_patient")
        owner.execute("VACUUM ANALYZE imaging_examrequest")
        owner.execute("VACUUM ANALYZE imaging_scheduledstep")


@pytest.fixture
def line_to_us(booked: str, data_dir: Path, settings: Any) -> Iterator[Association]:
    """An association of a station with the listener, before that database."""
    settings.SPOOL_RESERVE = lambda _total: 0
    with using(booked):
        admission = Admission(ae_title="NEGATOSCOPE", is_demo=False)
        admission.start()
        server = Server(listener.bind("127.0.0.1", 0), ae_title="NEGATOSCOPE", admission=admission)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        association = AE("STATION1").associate(
            "127.0.0.1",
            server.server_address[1],
            contexts=[build_context(MODALITY_WORKLIST)],
            ae_title="NEGATOSCOPE",
        )
        assert association.is_established
        # The library writes a question in two pieces, and its system would hold the second back for an acknowledgement.
        association.dul.socket.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield association
        association.release()
        server.stop(timedelta(seconds=5))
        admission.stop()


def _today(days: int = 0) -> str:
    return (timezone.now() + timedelta(days=days)).astimezone(PARIS).strftime("%Y%m%d")


def _questions(number: int) -> dict[str, tuple[dict[str, str], dict[str, str]]]:
    """Keys of the step and of the rest, other ones in every round."""
    day = _today(number % 20)
    return {
        "a station's day": (
            {"ScheduledStationAETitle": f"STATION{number % ROOMS}", "ScheduledProcedureStepStartDate": day},
            {},
        ),
        "a modality's day": ({"Modality": "CT", "ScheduledProcedureStepStartDate": day}, {}),
        "a name's beginning": ({}, {"PatientName": f"{number % 16:x}{number % 7:x}{number % 5:x}*"}),
        "a name's middle": ({}, {"PatientName": f"*{number % 16:x}{number % 13:x}{number % 5:x}{number % 3:x}*"}),
        "a typed name": ({}, {"PatientName": f"typed{50 * (1 + number)}^*"}),
        "a number": ({}, {"AccessionNumber": f"M{1 + number * 997}"}),
        "everything": ({}, {}),
    }


def _dataset(of_step: dict[str, str], of_rest: dict[str, str]) -> Dataset:
    inner, made = Dataset(), Dataset()
    for name in (
        "ScheduledStationAETitle",
        "ScheduledProcedureStepStartDate",
        "ScheduledProcedureStepStartTime",
        "Modality",
    ):
        setattr(inner, name, of_step.get(name, ""))
    made.SpecificCharacterSet = "ISO_IR 100"
    for name in ("PatientName", "PatientID", "AccessionNumber", "StudyInstanceUID", "RequestedProcedureDescription"):
        setattr(made, name, of_rest.get(name, ""))
    made.ScheduledProcedureStepSequence = Sequence([inner])
    return made


def test_the_first_patient_of_the_worklist(line_to_us: Association, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("WARNING")
    times: dict[str, list[Spent]] = {}
    # A serving process does not hold what the tests hold, and would not search all that for garbage.
    gc.collect()
    gc.freeze()
    for number in range(_ROUNDS):
        for name, keys in _questions(number).items():
            started, cpu = time.perf_counter(), time.process_time()
            answers = line_to_us.send_c_find(_dataset(*keys), MODALITY_WORKLIST, msg_id=1)
            status, _item = next(answers)
            times.setdefault(name, []).append(Spent(time.perf_counter() - started, time.process_time() - cpu))
            assert status.Status in {0xFF00, 0x0000}
            if status.Status == 0xFF00:
                line_to_us.send_c_cancel(1, None, MODALITY_WORKLIST)
            assert list(answers) is not None
    print()
    for name, found in times.items():
        print(line(f"worklist of {STEPS} steps, {name}: first answer", found[2:], FIRST))


@pytest.mark.parametrize("name", list(_questions(0)))
def test_how_the_database_finds_them(booked: str, name: str) -> None:
    with using(booked):
        department = DepartmentFactory.create(code="worklist")
        of_step, of_rest = _questions(3)[name]
        keys: list[Key] = [parse(f"ScheduledProcedureStepSequence.{key}", value) for key, value in of_step.items()]
        keys += [parse(key, value) for key, value in of_rest.items()]
        rows = worklist.steps(Station("STATION1", (department.pk,)), keys).values_list("pk")[: worklist.MOST_STEPS + 1]
        plan = rows.explain(analyze=True, buffers=True)
    print(f"\n{name}\n{plan}")
    assert "Seq Scan on imaging_scheduledstep" not in plan
