"""Who waits for the result is told the truth about each object, and nothing can come between."""

import io
import json
from collections.abc import Callable

import pytest
from django.db import OperationalError

from accounts.models import Department
from imaging.ingest import intake, registrar, services
from imaging.ingest.intake import Outcome
from imaging.ingest.models import QuarantinedObject, RoutingRule
from imaging.ingest.registrar import Drained
from imaging.ingest.services import Held
from imaging.ingest.source import Source
from imaging.ingest.spool import Spool
from imaging.studies.models import Correction, Patient, Placement, Study
from tests.factories import arrivals

Drain = Callable[[], Drained]
pytestmark = pytest.mark.django_db


def _source(*departments: Department, **more: object) -> Source:
    ids = tuple(department.pk for department in departments)
    return Source(door="upload", sender="bob", actor_kind="user", actor_id="1", department_ids=ids, **more)  # type: ignore[arg-type]


def _held(source: Source, **changes: object) -> Held:
    return services.hold(io.BytesIO(arrivals.encoded(arrivals.dataset(**changes))), source=source)


def test_each_object_gets_its_own_answer_in_order(spool: Spool, emergency: Department) -> None:
    source = _source(emergency)
    first = arrivals.dataset()
    other = arrivals.dataset(**{name: getattr(first, name) for name in ("SOPInstanceUID", "StudyInstanceUID")})
    other.SeriesInstanceUID = first.SeriesInstanceUID
    other.PixelData = bytes(128)
    stranger = arrivals.dataset(PatientName="Martin^Paul", PatientID="P1")
    held = [
        services.hold(io.BytesIO(arrivals.encoded(made)), source=source) for made in (first, first, other, stranger)
    ]
    results = intake.register(held)
    assert [result.outcome for result in results] == [
        Outcome.NEW,
        Outcome.DUPLICATE,
        Outcome.CONFLICT,
        Outcome.QUARANTINED,
    ]
    assert results[3].reason == "identity_conflict"
    assert results[0].header.instance.sop_instance_uid == first.SOPInstanceUID
    assert not spool.entries()


def test_the_registrar_leaves_alone_what_is_held(spool: Spool, drain: Drain, emergency: Department) -> None:
    held = _held(_source(emergency))
    assert drain().total == 0
    assert len(spool.entries()) == 1
    assert intake.register([held])[0].outcome is Outcome.NEW


def test_the_registrar_takes_over_from_a_process_that_died(spool: Spool, drain: Drain, emergency: Department) -> None:
    held = _held(_source(emergency))
    held.claim.file.close()  # what the kernel does with the descriptors of the dead
    assert drain().registered == 1
    assert not spool.entries()


def test_what_cannot_be_registered_now_waits_for_the_registrar(
    spool: Spool, drain: Drain, emergency: Department, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = _held(_source(emergency))

    def away(*_args: object, **_names: object) -> None:
        raise OperationalError

    with monkeypatch.context() as patched:
        patched.setattr(registrar.studies, "register", away)
        assert intake.register([held])[0].outcome is Outcome.WAITING
    assert drain().registered == 1


def test_what_is_no_dicom_is_refused_and_leaves_nothing(spool: Spool, emergency: Department) -> None:
    with pytest.raises(services.Refused):
        services.hold(io.BytesIO(b"MZ" + bytes(4000)), source=_source(emergency))
    assert not spool.entries()
    assert not list(spool.incoming.iterdir())


def test_a_person_chooses_where_a_new_study_goes_whatever_the_rules_say(
    spool: Spool, emergency: Department, orthopaedics: Department
) -> None:
    RoutingRule.objects.create(name="rest", owner=orthopaedics)
    intake.register([_held(_source(emergency, place_in=(emergency.pk,)))])
    assert Placement.objects.get().department == emergency


def test_a_correction_gives_the_study_to_our_patient_and_is_written_down(spool: Spool, emergency: Department) -> None:
    intake.register([_held(_source(emergency), PatientID="OURS")])
    ours = Patient.objects.get()
    attributes = {
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Durand^Hélène"}]},
        "00100020": {"vr": "LO", "Value": ["OURS"]},
    }
    source = _source(emergency, corrections=json.dumps(attributes), identity_decided=True, correction_reason="disc")
    result = intake.register([_held(source, PatientID="THEIRS", PatientName="DURAND^HELENE")])[0]
    assert result.outcome is Outcome.NEW
    assert Study.objects.filter(patient=ours).count() == 2
    written = Correction.objects.get()
    assert (written.attributes, written.reason, written.made_by) == (attributes, "disc", "bob")


def test_a_decided_identity_is_not_questioned(spool: Spool, emergency: Department) -> None:
    intake.register([_held(_source(emergency))])
    held = _held(_source(emergency, identity_decided=True), PatientName="Maiden^Name")
    assert intake.register([held])[0].outcome is Outcome.NEW
    assert not QuarantinedObject.objects.exists()


def test_a_broken_private_element_does_not_stand_in_the_way_of_a_correction(
    spool: Spool, emergency: Department
) -> None:
    made = arrivals.dataset()
    made.add_new(0x00091001, "OB", bytes(6))
    content = arrivals.encoded(made).replace(b"\x09\x00\x01\x10OB\0\0\6\0\0\0", b"\x09\x00\x01\x10SL\x0a\0\0\0\0\0")
    source = _source(emergency, corrections='{"00100020": {"vr": "LO", "Value": ["OURS"]}}', identity_decided=True)
    held = services.hold(io.BytesIO(content), source=source)
    assert intake.register([held])[0].outcome is Outcome.NEW
    assert Patient.objects.get().patient_id == "OURS"
