"""From the spool into the archive: everything that was acknowledged is found again, in the lists or in quarantine."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, ProgrammingError

from accounts.models import AuditEvent, Department
from imaging.ingest import registrar
from imaging.ingest.models import QuarantinedObject, Receipt, RoutingRule
from imaging.ingest.registrar import Drained
from imaging.ingest.source import Source
from imaging.ingest.spool import Spool
from imaging.storage import services as storage
from imaging.storage.models import StoredObject
from imaging.studies import services as studies
from imaging.studies.models import Instance, InstanceVersion, Patient, Placement, Study
from tests.factories import arrivals
from tests.imaging.ingest.conftest import Send

Drain = Callable[[], Drained]
pytestmark = pytest.mark.django_db


def quarantined() -> list[tuple[str, str]]:
    return [(row.reason, row.detail) for row in QuarantinedObject.objects.order_by("pk")]


def test_an_object_is_registered_placed_and_leaves_the_spool(
    send: Send, drain: Drain, spool: Spool, emergency: Department
) -> None:
    made = arrivals.dataset()
    content = arrivals.encoded(made)
    send(content, "CT1", emergency)
    assert drain() == Drained(registered=1)
    assert not spool.entries()
    placement = Placement.objects.get()
    assert (placement.department, placement.kind) == (emergency, "owner")
    assert (placement.reason_code, placement.reason_detail) == ("sender", "CT1")
    version = InstanceVersion.objects.get()
    assert (version.door, version.sender, version.address) == ("dimse", "CT1", "10.0.0.7")
    assert storage.read(version.stored_object) == content
    assert Patient.objects.get().issuer_of_patient_id == emergency.site.issuer_of_patient_id


def test_a_routing_rule_says_where_and_why(
    send: Send, drain: Drain, emergency: Department, orthopaedics: Department
) -> None:
    rule = RoutingRule.objects.create(name="CT to orthopaedics", modality="CT", owner=orthopaedics)
    rule.also.set([emergency])
    send(arrivals.dataset(), "CT1", emergency)
    drain()
    found = Placement.objects.order_by("kind").values_list("department__code", "kind", "reason_code", "reason_detail")
    assert list(found) == [
        ("orthopaedics", "owner", "rule", "CT to orthopaedics"),
        ("emergency", "requesting", "rule", "CT to orthopaedics"),
    ]


def test_objects_of_one_study_go_where_its_first_object_went(
    send: Send, drain: Drain, emergency: Department, orthopaedics: Department
) -> None:
    RoutingRule.objects.create(name="CT", modality="CT", owner=emergency)
    RoutingRule.objects.create(name="rest", owner=orthopaedics)
    first = arrivals.dataset()
    send(first)
    send(arrivals.dataset(StudyInstanceUID=first.StudyInstanceUID, Modality="SR", PixelData=None))
    assert drain().registered == 2
    assert Placement.objects.get().department == emergency


def test_the_same_object_sent_again_is_kept_once(send: Send, drain: Drain, emergency: Department) -> None:
    made = arrivals.dataset()
    send(made, "CT1", emergency)
    send(made, "CT1", emergency)
    assert drain().registered == 2
    send(made, "CT1", emergency)
    assert drain().registered == 1
    assert InstanceVersion.objects.count() == 1


def test_success_for_an_object_sent_again_means_that_it_is_kept_even_if_it_was_lost(
    send: Send, drain: Drain, data_dir: Path, emergency: Department
) -> None:
    made = arrivals.dataset()
    send(made, "CT1", emergency)
    drain()
    content = InstanceVersion.objects.get().stored_object
    (data_dir / "tiers" / "online" / content.copies.get().location).unlink()
    send(made, "CT1", emergency)
    assert drain().registered == 1
    assert storage.read(StoredObject.objects.get(pk=content.pk)) == arrivals.encoded(made)


def test_the_same_uid_with_other_bytes_is_kept_as_a_conflicting_version(
    send: Send, drain: Drain, emergency: Department
) -> None:
    made = arrivals.dataset()
    send(made, "CT1", emergency)
    drain()
    made.SeriesDescription = "changed"
    send(made, "CT1", emergency)
    assert drain().registered == 1
    assert sorted(InstanceVersion.objects.values_list("state", flat=True)) == ["conflicting", "current"]
    assert AuditEvent.objects.filter(action="instance.conflicted").count() == 1


class TestJoining:
    def test_a_stranger_to_the_study_changes_nothing(
        self, send: Send, drain: Drain, emergency: Department, orthopaedics: Department
    ) -> None:
        mine = arrivals.dataset()
        send(mine, "EMERGENCY_CT", emergency)
        drain()
        before = list(Study.objects.values())
        theirs = arrivals.dataset(StudyInstanceUID=mine.StudyInstanceUID)
        send(theirs, "ORTHO_DX", orthopaedics)
        assert drain() == Drained(quarantined=1)
        assert list(Study.objects.values()) == before
        assert Instance.objects.count() == 1
        row = QuarantinedObject.objects.get()
        assert (row.reason, row.sender, row.sop_instance_uid) == (
            "joins_another_study",
            "ORTHO_DX",
            theirs.SOPInstanceUID,
        )
        assert list(row.departments.all()) == [orthopaedics]
        assert storage.read(row.stored_object) == arrivals.encoded(theirs)
        assert AuditEvent.objects.filter(action="instance.quarantined", actor_name="ORTHO_DX").count() == 1

    def test_a_stranger_who_repeats_what_is_known_learns_and_changes_nothing(
        self, send: Send, drain: Drain, emergency: Department, orthopaedics: Department
    ) -> None:
        made = arrivals.dataset()
        send(made, "EMERGENCY_CT", emergency)
        drain()
        send(made, "ORTHO_DX", orthopaedics)
        assert drain().registered == 1
        assert InstanceVersion.objects.count() == 1
        assert Placement.objects.get().department == emergency

    def test_a_sender_of_the_same_department_joins(self, send: Send, drain: Drain, emergency: Department) -> None:
        first = arrivals.dataset()
        send(first, "EMERGENCY_CT", emergency)
        drain()
        send(arrivals.dataset(StudyInstanceUID=first.StudyInstanceUID), "EMERGENCY_CR", emergency)
        assert drain().registered == 1
        assert Study.objects.get().instance_count == 2

    def test_who_began_a_study_goes_on_with_it_wherever_it_was_placed(
        self, send: Send, drain: Drain, emergency: Department, orthopaedics: Department
    ) -> None:
        RoutingRule.objects.create(name="all", owner=orthopaedics)
        first = arrivals.dataset()
        send(first, "EMERGENCY_CT", emergency)
        drain()
        send(arrivals.dataset(StudyInstanceUID=first.StudyInstanceUID), "EMERGENCY_CT", emergency)
        assert drain().registered == 1
        assert not QuarantinedObject.objects.exists()

    def test_two_senders_that_begin_one_study_at_once_are_told_apart(
        self, send: Send, drain: Drain, emergency: Department, orthopaedics: Department
    ) -> None:
        first = arrivals.dataset()
        send(first, "EMERGENCY_CT", emergency)
        send(arrivals.dataset(StudyInstanceUID=first.StudyInstanceUID), "ORTHO_DX", orthopaedics)
        assert drain() == Drained(registered=1, quarantined=1)
        assert Placement.objects.get().department == emergency


class TestIdentity:
    def test_another_person_behind_a_known_identifier_waits(
        self, send: Send, drain: Drain, emergency: Department
    ) -> None:
        send(arrivals.dataset(), "CT1", emergency)
        drain()
        send(arrivals.dataset(PatientName="LEROY^PAUL", PatientSex="M"), "CT1", emergency)
        assert drain() == Drained(quarantined=1)
        assert quarantined() == [("identity_conflict", "the name differs, the sex differs")]
        assert Study.objects.count() == 1

    def test_two_people_behind_one_identifier_in_one_batch_are_noticed(
        self, send: Send, drain: Drain, emergency: Department
    ) -> None:
        send(arrivals.dataset(PatientID="N7"), "CT1", emergency)
        send(arrivals.dataset(PatientID="N7", PatientBirthDate="19500505"), "CT1", emergency)
        assert drain() == Drained(registered=1, quarantined=1)

    def test_another_identifier_in_a_known_study_waits(self, send: Send, drain: Drain, emergency: Department) -> None:
        first = arrivals.dataset()
        send(first, "CT1", emergency)
        drain()
        send(arrivals.dataset(StudyInstanceUID=first.StudyInstanceUID, PatientID="OTHER"), "CT1", emergency)
        assert drain() == Drained(quarantined=1)
        assert quarantined() == [("identity_conflict", "the patient ID differs")]

    def test_the_same_person_written_differently_is_one(self, send: Send, drain: Drain, emergency: Department) -> None:
        send(arrivals.dataset(), "CT1", emergency)
        send(arrivals.dataset(PatientName="DURAND HELENE", PatientBirthDate="", PatientSex=""), "CT1", emergency)
        assert drain().registered == 2
        assert Patient.objects.count() == 1


class TestQuarantine:
    def test_a_study_that_nobody_may_have_waits(self, send: Send, drain: Drain, db: None) -> None:
        send(arrivals.dataset(), "UNKNOWN")
        assert drain() == Drained(quarantined=1)
        assert quarantined() == [("cannot_register", "no routing rule matches, and the sender acts for no department")]

    def test_pixels_that_are_not_all_there_wait_with_their_header(
        self, send: Send, drain: Drain, emergency: Department
    ) -> None:
        send(arrivals.dataset(Rows=4096, Columns=4096), "CT1", emergency)
        assert drain() == Drained(quarantined=1)
        row = QuarantinedObject.objects.get()
        assert row.reason == "unreadable"
        assert row.detail.startswith("truncated_pixels")
        assert row.header["patient"]["patient_id"] == "P1"

    def test_a_series_of_another_study_waits(self, send: Send, drain: Drain, emergency: Department) -> None:
        first = arrivals.dataset()
        send(first, "CT1", emergency)
        drain()
        send(arrivals.dataset(SeriesInstanceUID=first.SeriesInstanceUID), "CT1", emergency)
        assert drain() == Drained(quarantined=1)
        assert quarantined()[0][0] == "hierarchy_conflict"

    def test_the_same_refused_bytes_wait_once_however_often_they_come(
        self, send: Send, drain: Drain, emergency: Department
    ) -> None:
        made = arrivals.dataset(Rows=4096, Columns=4096)
        for _ in range(3):
            send(made, "CT1", emergency)
            drain()
        assert QuarantinedObject.objects.count() == 1

    def test_markup_and_control_characters_are_kept_as_text(
        self, send: Send, drain: Drain, emergency: Department
    ) -> None:
        send(
            arrivals.dataset(PatientName="<script>alert(1)</script>", Rows=4096, Columns=4096, StudyDescription="a\0b"),
            "<b>CT1</b>",
            emergency,
        )
        assert drain() == Drained(quarantined=1)
        assert QuarantinedObject.objects.get().header["patient"]["patient_name"].startswith("<script>")


class TestFailures:
    def test_one_object_that_cannot_be_registered_does_not_hold_up_the_others(
        self, send: Send, drain: Drain, emergency: Department, monkeypatch: Any
    ) -> None:
        made = [arrivals.dataset() for _ in range(9)]
        for item in made:
            send(item, "CT1", emergency)
        register = studies.register

        def fails_for_one(batch: Any, *, actor: Any) -> Any:
            if any(item.header.instance.sop_instance_uid == made[4].SOPInstanceUID for item in batch):
                raise ValueError("cannot")
            return register(batch, actor=actor)

        monkeypatch.setattr(studies, "register", fails_for_one)
        assert drain() == Drained(registered=8, quarantined=1)
        assert quarantined() == [("cannot_register", "ValueError")]

    def test_what_is_set_aside_beside_one_that_cannot_be_registered_is_set_aside_once(
        self, send: Send, drain: Drain, spool: Spool, emergency: Department, monkeypatch: Any
    ) -> None:
        send(arrivals.dataset(PatientID="P9"), "CT1", emergency)
        drain()
        send(
            arrivals.dataset(PatientID="P9", PatientName="Somebody^Else", PatientBirthDate="19300101"), "CT1", emergency
        )
        poison = arrivals.dataset()
        send(poison, "CT1", emergency)
        send(arrivals.dataset(), "CT1", emergency)
        register = studies.register

        def fails_for_one(batch: Any, *, actor: Any) -> Any:
            if any(item.header.instance.sop_instance_uid == poison.SOPInstanceUID for item in batch):
                raise ValueError("cannot")
            return register(batch, actor=actor)

        monkeypatch.setattr(studies, "register", fails_for_one)
        assert drain() == Drained(registered=1, quarantined=2)
        assert AuditEvent.objects.filter(action="instance.quarantined").count() == 2
        assert Receipt.objects.get().quarantined == 2
        assert not spool.entries()

    def test_while_the_database_is_away_everything_stays_in_the_spool(
        self, send: Send, drain: Drain, spool: Spool, emergency: Department, monkeypatch: Any
    ) -> None:
        send(arrivals.dataset(), "CT1", emergency)

        def away(*_args: Any, **_options: Any) -> Any:
            raise OperationalError("away")

        with monkeypatch.context() as patch:
            patch.setattr(studies, "register", away)
            with pytest.raises(OperationalError):
                drain()
        assert len(spool.entries()) == 1
        assert drain().registered == 1

    @pytest.mark.parametrize("fault", [ProgrammingError("no such column"), OSError("no such folder")])
    def test_a_fault_of_ours_is_not_blamed_on_the_object(
        self, send: Send, spool: Spool, emergency: Department, monkeypatch: Any, fault: Exception
    ) -> None:
        send(arrivals.dataset(), "CT1", emergency)

        def faulty(*_args: Any, **_options: Any) -> Any:
            raise fault

        ours = registrar.Registrar(spool)
        with monkeypatch.context() as patch:
            patch.setattr(studies, "register", faulty)
            assert ours.drain() == Drained()
        assert not QuarantinedObject.objects.exists()
        # Not again at once by the same registrar, but by another one, or later.
        assert ours.drain() == Drained()
        assert registrar.drain(spool).registered == 1

    def test_a_damaged_record_of_the_sender_loses_nothing(
        self, send: Send, drain: Drain, spool: Spool, emergency: Department
    ) -> None:
        send(arrivals.dataset(), "CT1", emergency)
        for record in spool.sources.iterdir():
            record.write_bytes(b"\0")
        assert drain() == Drained(quarantined=1)
        assert QuarantinedObject.objects.get().door == "unknown"

    def test_an_entry_that_the_disk_cannot_read_does_not_hold_up_the_others(
        self, send: Send, drain: Drain, spool: Spool, emergency: Department
    ) -> None:
        send(arrivals.dataset(), "CT1", emergency)
        send(arrivals.dataset(), "CT1", emergency)
        damaged, locked = spool.entries()
        damaged.path.unlink()
        # Opened without fault and read with an input error, like a bad sector.
        damaged.path.symlink_to("/proc/self/mem")
        locked.path.unlink()
        locked.path.mkdir()
        send(arrivals.dataset(), "CT1", emergency)
        assert drain() == Drained(registered=1)
        assert [entry.name for entry in spool.entries()] == [damaged.name, locked.name]

    def test_a_decision_that_cannot_be_carried_out_does_not_hold_up_the_others(
        self, drain: Drain, spool: Spool, emergency: Department
    ) -> None:
        source = Source(door="upload", sender="bob", department_ids=(emergency.pk,))
        for corrections in ('{"not a tag": 1}', "not JSON", ""):
            arrivals.hand_over(arrivals.encoded(arrivals.dataset()), replace(source, corrections=corrections))
        # The first waits for a person; what cannot even be set aside stays where it is.
        assert drain() == Drained(registered=1, quarantined=1)
        assert quarantined() == [("cannot_register", "ValueError")]
        assert len(spool.entries()) == 1

    @pytest.mark.django_db(transaction=True)
    def test_an_object_for_a_department_that_is_no_more_waits_for_a_person(self, drain: Drain, spool: Spool) -> None:
        source = Source(door="dicomweb", sender="RIS", department_ids=(123_456_789,))
        arrivals.hand_over(arrivals.encoded(arrivals.dataset()), source)
        assert drain() == Drained(quarantined=1)
        assert not spool.entries()
