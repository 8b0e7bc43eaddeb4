"""Decisions with real bytes: released through the real way in, corrected, rejected, taken back; each one on record."""

from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.audit.models import AuditEvent
from accounts.models import Department
from accounts.scope import system_scope
from imaging import queues
from imaging.ingest.desk import releasing, selectors, services
from imaging.ingest.desk.policies import Person, Renewal
from imaging.ingest.desk.services import Kind, Wish
from imaging.ingest.models import QuarantineDecision, QuarantinedObject
from imaging.pipeline import steps
from imaging.studies.models import Correction, Instance, InstanceVersion, Placement, Series, Study
from tests.factories import arrivals
from tests.imaging.ingest.desk.conftest import Receive, Staff, at_desk

pytestmark = pytest.mark.django_db(transaction=True)

ALL = system_scope("test")


def release(**more: Any) -> Wish:
    return Wish(kind=Kind.RELEASE, **more)


def actions(subject: str = "quarantined_object") -> list[str]:
    return list(AuditEvent.objects.filter(subject_type=subject).order_by("pk").values_list("action", flat=True))


@pytest.fixture
def same_id_other_name(receive: Receive, emergency: Department) -> QuarantinedObject:
    """An object whose patient ID is known with another name."""
    receive(arrivals.dataset(PatientID="P9", PatientName="Known^Anna"), departments=[emergency])
    (waiting,) = receive(
        arrivals.dataset(PatientID="P9", PatientName="Strange^Zoe", PatientBirthDate="19991231"),
        departments=[emergency],
    )
    assert waiting.reason == "identity_conflict"
    return waiting


class TestRelease:
    def test_a_judged_identity_is_registered_as_it_is(self, same_id_other_name: QuarantinedObject, staff: Staff):
        answer = services.decide(at_desk(staff.emergency), [same_id_other_name.pk], release(note="married"))
        assert answer.taken == 1
        waiting = QuarantinedObject.objects.get()
        assert (waiting.state, waiting.outcome) == ("released", "new")
        assert waiting.version.instance.sop_instance_uid == waiting.sop_instance_uid
        assert waiting.decision.decided_by == staff.emergency
        assert waiting.decision.note == "married"
        assert Study.objects.count() == 2

    def test_the_version_names_sender_door_and_time_of_the_original(
        self, same_id_other_name: QuarantinedObject, staff: Staff
    ):
        received = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        QuarantinedObject.objects.update(received_at=received)
        services.decide(at_desk(staff.emergency), [same_id_other_name.pk], release())
        version = QuarantinedObject.objects.get().version
        assert (version.sender, version.door, version.address) == ("CT1", "dimse", "10.0.0.7")
        assert version.received_at == received

    def test_the_audit_names_the_person_for_decision_and_registration(
        self, same_id_other_name: QuarantinedObject, staff: Staff
    ):
        services.decide(at_desk(staff.emergency), [same_id_other_name.pk], release())
        assert actions() == ["quarantine.released"]
        received = AuditEvent.objects.filter(action="instances.received").latest("pk")
        assert received.actor_name == "rosa"

    def test_the_study_goes_where_the_person_says(
        self, receive: Receive, staff: Staff, orthopaedics: Department, emergency: Department
    ):
        (waiting,) = receive(arrivals.dataset())
        assert waiting.reason == "cannot_register"
        answer = services.decide(at_desk(staff.both), [waiting.pk], release())
        assert answer.taken == 1
        waiting.refresh_from_db()
        assert (waiting.state, waiting.reason, waiting.decision) == ("open", "cannot_register", None)
        services.decide(at_desk(staff.both), [waiting.pk], release(place_in=orthopaedics.pk))
        assert Placement.objects.get().department == orthopaedics
        waiting.refresh_from_db()
        assert waiting.state == "released"
        assert [decision.place_in for decision in selectors.decisions_of(waiting)] == [orthopaedics, None]

    def test_joins_the_study_of_another_department_by_a_person_of_both(
        self, receive: Receive, staff: Staff, emergency: Department, orthopaedics: Department
    ):
        first = arrivals.dataset()
        receive(first, departments=[emergency])
        added = arrivals.dataset(StudyInstanceUID=first.StudyInstanceUID)
        (waiting,) = receive(added, sender="OR1", departments=[orthopaedics])
        assert waiting.reason == "joins_another_study"
        refused = services.decide(at_desk(staff.orthopaedics), [waiting.pk], release())
        assert (refused.taken, refused.foreign) == (0, 1)
        assert Instance.objects.count() == 1
        assert not QuarantineDecision.objects.exists()
        services.decide(at_desk(staff.both), [waiting.pk], release())
        assert Study.objects.get().instance_count == 2
        assert Placement.objects.get().department == emergency

    def test_releasing_twice_changes_nothing(self, same_id_other_name: QuarantinedObject, staff: Staff):
        rosa = at_desk(staff.emergency)
        services.decide(rosa, [same_id_other_name.pk], release())
        again = services.decide(at_desk(staff.both), [same_id_other_name.pk], release())
        assert again.taken == 0
        assert again.decided_by == {"rosa": 1}
        assert InstanceVersion.objects.count() == 2

    def test_a_release_whose_process_died_is_carried_out_later(
        self, same_id_other_name: QuarantinedObject, staff: Staff, monkeypatch: Any
    ):
        with monkeypatch.context() as patched:
            patched.setattr(services, "carry_out", lambda _decision: None)
            services.decide(at_desk(staff.emergency), [same_id_other_name.pk], release())
        assert QuarantinedObject.objects.get().state == "releasing"
        assert releasing.resume() == 0
        QuarantineDecision.objects.update(decided_at=datetime(2026, 1, 1, tzinfo=UTC))
        assert releasing.resume() == 1
        assert steps.run_next(queues.LONG)
        assert QuarantinedObject.objects.get().state == "released"


class TestCorrections:
    def test_the_patient_of_another_person_is_put_right(self, same_id_other_name: QuarantinedObject, staff: Staff):
        person = Person(patient_id="P77", issuer_of_patient_id="HOSPITAL0", patient_name="Strange^Zoe")
        wish = Wish(kind=Kind.CORRECT, person=person, note="wrong worklist entry")
        services.decide(at_desk(staff.emergency), [same_id_other_name.pk], wish)
        waiting = QuarantinedObject.objects.get()
        assert waiting.state == "released"
        study = waiting.version.instance.study
        assert (study.patient.patient_id, study.patient.patient_name) == ("P77", "Strange^Zoe")
        correction = Correction.objects.get()
        assert (correction.made_by, correction.origin, correction.reason) == (
            "rosa",
            "quarantine",
            "wrong worklist entry",
        )
        assert correction.attributes["00100020"]["Value"] == ["P77"]

    def test_siblings_of_a_foreign_series_get_one_new_series(
        self, receive: Receive, staff: Staff, emergency: Department
    ):
        known = arrivals.dataset()
        receive(known, departments=[emergency])
        study = arrivals.uid()
        siblings = [
            arrivals.dataset(SeriesInstanceUID=known.SeriesInstanceUID, StudyInstanceUID=study, InstanceNumber=number)
            for number in range(1, 4)
        ]
        waiting = receive(*siblings, departments=[emergency])
        assert {row.reason for row in waiting} == {"hierarchy_conflict"}
        wish = Wish(kind=Kind.CORRECT, renewal=Renewal.SERIES)
        # In two goes: who comes later joins the series of the first.
        for keys in ([waiting[0].pk], [waiting[1].pk, waiting[2].pk]):
            services.decide(at_desk(staff.emergency), keys, wish)
        made = Study.objects.get(study_instance_uid=study)
        assert (made.series_count, made.instance_count) == (1, 3)
        assert Series.objects.get(study=made).series_instance_uid.startswith("2.25.")

    def test_what_joins_a_foreign_study_can_have_a_study_of_its_own(
        self, receive: Receive, staff: Staff, emergency: Department, orthopaedics: Department
    ):
        first = arrivals.dataset()
        receive(first, departments=[emergency])
        (waiting,) = receive(
            arrivals.dataset(StudyInstanceUID=first.StudyInstanceUID), sender="OR1", departments=[orthopaedics]
        )
        wish = Wish(kind=Kind.CORRECT, renewal=Renewal.STUDY)
        services.decide(at_desk(staff.orthopaedics), [waiting.pk], wish)
        assert Study.objects.get(study_instance_uid=first.StudyInstanceUID).instance_count == 1
        made = Study.objects.exclude(study_instance_uid=first.StudyInstanceUID).get()
        assert list(made.placements.values_list("department", flat=True)) == [orthopaedics.pk]


class TestTakingBack:
    def test_a_rejected_object_is_kept_and_waits_again(self, same_id_other_name: QuarantinedObject, staff: Staff):
        rosa = at_desk(staff.emergency)
        services.decide(rosa, [same_id_other_name.pk], Wish(kind=Kind.REJECT, reason_code="test", note="phantom"))
        waiting = QuarantinedObject.objects.get()
        assert waiting.state == "rejected"
        assert selectors.waiting_count(rosa.departments) == 0
        services.undo(rosa, waiting.decision)
        waiting.refresh_from_db()
        assert (waiting.state, waiting.decision) == ("open", None)
        assert actions() == ["quarantine.rejected", "quarantine.reopened"]
        assert [decision.kind for decision in selectors.decisions_of(waiting)] == ["reopen", "reject"]

    def test_an_undone_release_shows_nothing_and_can_be_released_again(
        self, same_id_other_name: QuarantinedObject, staff: Staff
    ):
        rosa = at_desk(staff.emergency)
        services.decide(rosa, [same_id_other_name.pk], release())
        waiting = QuarantinedObject.objects.get()
        study = waiting.version.instance.study
        services.undo(rosa, waiting.decision)
        study.refresh_from_db()
        assert (study.instance_count, study.series_count, study.modalities) == (0, 0, [])
        assert not Study.objects.visible_to(ALL).filter(pk=study.pk).exists()
        waiting.refresh_from_db()
        assert (waiting.state, waiting.version, waiting.outcome) == ("open", None, "")
        services.decide(rosa, [waiting.pk], release())
        study.refresh_from_db()
        assert (study.instance_count, study.series_count, study.modalities) == (1, 1, ["CT"])
        assert Study.objects.visible_to(ALL).filter(pk=study.pk).exists()
        waiting.refresh_from_db()
        assert (waiting.state, waiting.outcome) == ("released", "new")

    def test_undoing_takes_nothing_away_that_was_there_before(
        self, receive: Receive, staff: Staff, emergency: Department
    ):
        made = arrivals.dataset(PatientID="P5")
        (waiting,) = receive(made)
        receive(made, departments=[emergency])
        rosa = at_desk(staff.emergency)
        services.decide(rosa, [waiting.pk], release())
        waiting.refresh_from_db()
        assert waiting.outcome == "duplicate"
        services.undo(rosa, waiting.decision)
        assert Study.objects.get().instance_count == 1
        assert InstanceVersion.objects.get().state == "current"


class TestMany:
    def test_three_hundred_slices_are_one_line_and_one_decision(
        self, receive: Receive, staff: Staff, emergency: Department, orthopaedics: Department
    ):
        study, series = arrivals.uid(), arrivals.uid()
        slices = [
            arrivals.dataset(StudyInstanceUID=study, SeriesInstanceUID=series, InstanceNumber=number)
            for number in range(300)
        ]
        waiting = receive(*slices)
        assert len(waiting) == 300
        bea = at_desk(staff.both)
        ((line,), more) = selectors.groups(bea, selectors.Filters())
        assert (line.count, line.patient_count, more) == (300, 1, False)
        answer = services.decide(bea, selectors.keys_of(bea, [line.chosen]), release(place_in=emergency.pk))
        assert answer.taken == 300
        assert Study.objects.get().instance_count == 300
        assert set(QuarantinedObject.objects.values_list("state", flat=True)) == {"released"}
        assert QuarantineDecision.objects.get().objects_decided.count() == 300
        assert actions() == ["quarantine.released"] * 300

    def test_too_many_for_one_request_go_on_in_the_background(
        self, receive: Receive, staff: Staff, emergency: Department, monkeypatch: Any
    ):
        monkeypatch.setattr(services, "AT_ONCE", 2)
        monkeypatch.setattr(releasing, "_BATCH", 2)
        waiting = receive(*(arrivals.dataset(InstanceNumber=number) for number in range(3)))
        bea = at_desk(staff.both)
        answer = services.decide(bea, [row.pk for row in waiting], release(place_in=emergency.pk))
        assert answer.is_in_background
        assert set(QuarantinedObject.objects.values_list("state", flat=True)) == {"releasing"}
        assert releasing.go_on(str(answer.decision.pk)).value == "again"
        assert releasing.go_on(str(answer.decision.pk)).value == "done"
        assert set(QuarantinedObject.objects.values_list("state", flat=True)) == {"released"}

    def test_what_came_after_the_page_was_made_is_not_decided_with_it(self, receive: Receive, staff: Staff):
        study = arrivals.uid()
        receive(*(arrivals.dataset(StudyInstanceUID=study) for _ in range(2)))
        bea = at_desk(staff.both)
        ((line,), _more) = selectors.groups(bea, selectors.Filters())
        receive(arrivals.dataset(StudyInstanceUID=study))
        assert len(selectors.keys_of(bea, [line.chosen])) == 2


class TestWhoMay:
    def test_a_stranger_s_objects_are_neither_seen_nor_decided(
        self, same_id_other_name: QuarantinedObject, staff: Staff
    ):
        omar = at_desk(staff.orthopaedics)
        assert selectors.object_of(omar, same_id_other_name.pk) is None
        assert selectors.groups(omar, selectors.Filters()) == ([], False)
        answer = services.decide(omar, [same_id_other_name.pk], release())
        assert (answer.taken, answer.decided_by, answer.foreign) == (0, {}, 0)

    def test_objects_of_senders_without_a_department_are_everybody_s_who_decides(self, receive: Receive, staff: Staff):
        (waiting,) = receive(arrivals.dataset())
        for user in (staff.emergency, staff.orthopaedics):
            assert selectors.object_of(at_desk(user), waiting.pk) == waiting

    def test_what_lies_beside_is_shown_only_to_who_may_see_it(
        self, receive: Receive, staff: Staff, emergency: Department, orthopaedics: Department
    ):
        first = arrivals.dataset()
        receive(first, departments=[emergency])
        (waiting,) = receive(
            arrivals.dataset(StudyInstanceUID=first.StudyInstanceUID, PatientID="P2"),
            sender="OR1",
            departments=[orthopaedics],
        )
        hidden = selectors.beside(at_desk(staff.orthopaedics), waiting)
        assert (hidden.study, hidden.version, hidden.patient, hidden.is_hidden) == (None, None, None, True)
        assert selectors.beside(at_desk(staff.both), waiting).study.study_instance_uid == first.StudyInstanceUID
