"""Who looked at a patient, on what ground, under every number the patient had; and the letter about it."""

import datetime as dt
from collections.abc import Callable
from unittest import mock

import pytest
from django.test import Client
from django.utils import timezone

from accounts import audit
from accounts import services as accounts
from accounts.actor import SYSTEM, Actor
from accounts.audit.models import AuditEvent
from accounts.models import Department, User
from accounts.roles import Role
from imaging.privacy.looking import identities, letters, selectors
from imaging.privacy.looking.grounds import Ground
from imaging.privacy.looking.identities import identity_of
from imaging.privacy.looking.selectors import Looks, Period
from imaging.privacy.models import AccessLetter, Letterhead
from imaging.studies import services as studies
from imaging.studies.models import Grant, Patient, Study
from tests.factories.accounts import MembershipFactory

pytestmark = pytest.mark.django_db

Look = Callable[..., None]


def today() -> Period:
    return Period(timezone.localdate(), timezone.localdate())


def looks_of(patient: Patient) -> Looks:
    return selectors.looks_at(identity_of(patient), today())


def test_a_line_says_who_with_which_role_in_which_department_what_and_why(
    alice: User, patient: Patient, study: Study, look: Look
) -> None:
    look(alice, study)
    (group,) = looks_of(patient).groups
    assert (group.name, group.account) == ("Alice Martin", "alice")
    assert group.roles == ("Clinician",)
    assert group.departments == ("Emergency",)
    assert group.done == (("opened an examination", 1),)
    assert [told.ground for told in group.grounds] == [Ground.TREATING]
    assert group.studies == (study.study_instance_uid,)


def test_who_was_granted_access_stands_with_the_reason_of_the_grant(
    bob: User, orthopaedics: Department, patient: Patient, study: Study, look: Look
) -> None:
    place = accounts.own_place_of(bob, site=orthopaedics.site)
    terms = {"gives": Grant.Gives.VIEW, "basis": Grant.Basis.REQUEST, "until": None}
    studies.grant(patient, holder=place, actor=SYSTEM, reason="second opinion", **terms)
    look(User.objects.get(pk=bob.pk), study)
    (group,) = looks_of(patient).groups
    assert [(told.ground, told.reason) for told in group.grounds] == [(Ground.GRANT, "second opinion")]


def test_an_emergency_is_told_as_one(
    bob: User, orthopaedics: Department, patient: Patient, study: Study, look: Look
) -> None:
    place = accounts.own_place_of(bob, site=orthopaedics.site)
    terms = {"gives": Grant.Gives.EMERGENCY, "basis": Grant.Basis.EMERGENCY, "until": None}
    studies.grant(patient, holder=place, actor=SYSTEM, reason="ETREAT", **terms)
    look(User.objects.get(pk=bob.pk), study)
    (group,) = looks_of(patient).groups
    assert group.is_emergency
    assert group.grounds[0].words == "emergency access: “emergency treatment”"


def test_who_reads_with_the_viewer_is_on_our_pages_and_not_in_another_program(
    bob: User, patient: Patient, study: Study
) -> None:
    for kind, identity in (("user", str(bob.pk)), ("machine", "7")):
        actor = Actor(kind=kind, id=identity, name=kind, door="dicomweb")  # type: ignore[arg-type]
        uid = study.study_instance_uid
        audit.record(
            audit.Action.METADATA_READ,
            actor=actor,
            subject_type="study",
            subject_uid=uid,
            patient_id=patient.patient_id,
        )
    told = {group.kind: group.doors for group in looks_of(patient).groups}
    assert told == {
        "user": ("on the hospital's own pages",),
        "machine": ("from another program of the hospital",),
    }


def test_a_look_that_nothing_explains_is_marked(bob: User, patient: Patient, study: Study) -> None:
    actor = Actor(kind="user", id=str(bob.pk), name="bob", door="page")
    audit.record(
        audit.Action.STUDY_OPENED,
        actor=actor,
        subject_type="study",
        subject_uid=study.study_instance_uid,
        patient_id=patient.patient_id,
    )
    (group,) = looks_of(patient).groups
    assert group.has_no_ground


def test_the_same_number_of_another_issuer_is_another_person(bob: User, patient: Patient) -> None:
    actor = Actor(kind="user", id=str(bob.pk), name="bob", door="page")
    audit.record(
        audit.Action.STUDY_OPENED, actor=actor, patient_id=patient.patient_id, issuer_of_patient_id="ANOTHER HOUSE"
    )
    assert looks_of(patient).groups == ()


def test_looks_under_the_number_before_a_correction_are_counted(alice: User, study: Study, look: Look) -> None:
    look(alice, study)
    studies.correct(study, {"00100020": {"vr": "LO", "Value": ["P2"]}}, reason="wrong number", actor=SYSTEM)
    study.refresh_from_db()
    now = Patient.objects.get(pk=study.patient_id)
    assert now.patient_id == "P2"
    identity = identity_of(now)
    assert identity.earlier_ids == ("P1",)
    assert [group.account for group in selectors.looks_at(identity, today()).groups if group.kind == "user"] == [
        "alice"
    ]
    assert identities.by_number("P1") == [now], "found by the old number too"


def test_looks_at_a_study_while_it_was_somebody_elses_by_mistake_are_counted(
    alice: User, study: Study, look: Look, registered: Callable[..., Study]
) -> None:
    other = registered(PatientName="Autre^Paul")
    look(alice, study)
    look(alice, other)
    studies.correct(study, {"00100020": {"vr": "LO", "Value": ["P2"]}}, reason="wrong number", actor=SYSTEM)
    now = Patient.objects.get(patient_id="P2")
    identity = identity_of(now)
    assert identity.mistaken_ids == ("P1",)
    (group,) = [group for group in selectors.looks_at(identity, today()).groups if group.kind == "user"]
    assert group.studies == (study.study_instance_uid,)


def test_a_patient_without_a_number_is_followed_by_the_studies(
    alice: User, registered: Callable[..., Study], look: Look
) -> None:
    study = registered(PatientID="")
    look(alice, study)
    assert [group.account for group in looks_of(study.patient).groups] == ["alice"]


@pytest.mark.parametrize(
    "typed", [{"number": "P1"}, {"name": "durand helene", "born": "1970-01-02"}, {"study": "its uid"}]
)
def test_a_patient_is_found_by_exact_identifiers_and_that_is_on_record(
    desk: Client, study: Study, typed: dict[str, str]
) -> None:
    sent = {name: study.study_instance_uid if name == "study" else value for name, value in typed.items()}
    response = desk.post("/privacy/find", sent)
    assert response.status_code == 302
    assert response["Location"] == f"/privacy/patients/{study.patient_id}/"
    event = AuditEvent.objects.filter(action="audit.read", detail__asked="find").get()
    assert event.patient_id == "P1"
    assert event.detail["by"] == next(iter(typed))


@pytest.mark.parametrize("typed", [{}, {"name": "Durand"}, {"number": "P"}, {"name": "Dur", "born": "1970-01-02"}])
def test_half_an_identifier_finds_nobody(desk: Client, study: Study, typed: dict[str, str]) -> None:
    response = desk.post("/privacy/find", typed)
    assert response.status_code in {200, 422}
    assert b"Durand" not in response.content.replace(b'value="Durand"', b"")
    told = AuditEvent.objects.filter(action="audit.read", detail__asked="find", detail__found=0, patient_id="")
    assert told.exists() == (response.status_code == 200), "a question that was asked is on record"


def test_the_page_shows_no_image_and_no_clinical_word(
    desk: Client, patient: Patient, alice: User, study: Study, look: Look
) -> None:
    look(alice, study)
    page = desk.get(f"/privacy/patients/{patient.pk}/").content.decode()
    assert "Alice Martin" in page
    assert "DURAND" in page
    assert "CT thorax" not in page
    assert "Axial" not in page
    assert "/thumbnail" not in page


def test_every_look_at_the_page_is_itself_on_record(desk: Client, patient: Patient, officer: User) -> None:
    for _turn in range(2):
        desk.get(f"/privacy/patients/{patient.pk}/")
    rows = AuditEvent.objects.filter(action="audit.read", actor_id=str(officer.pk), detail__asked="who looked")
    assert rows.count() == 2
    assert {row.patient_id for row in rows} == {"P1"}


def test_a_period_the_wrong_way_round_is_sent_back_with_words(desk: Client, patient: Patient) -> None:
    response = desk.get(f"/privacy/patients/{patient.pk}/", {"since": "2026-03-02", "until": "2026-03-01"})
    assert response.status_code == 422
    assert "The end comes before the beginning." in response.content.decode()


def test_the_table_holds_no_formula(desk: Client, patient: Patient, alice: User, study: Study, look: Look) -> None:
    User.objects.filter(pk=alice.pk).update(display_name='=HYPERLINK("http://x")')
    look(alice, study)
    table = desk.post(f"/privacy/patients/{patient.pk}/table").content.decode("utf-8-sig")
    assert "\"'=HYPERLINK" in table
    assert AuditEvent.objects.filter(action="audit.exported", patient_id="P1", detail__form="csv").exists()


def test_nothing_leaves_that_cannot_be_put_on_record(desk: Client, patient: Patient, acting: Actor) -> None:
    with mock.patch("accounts.audit.table.write", return_value="23514"):
        response = desk.post(f"/privacy/patients/{patient.pk}/table")
        assert response.status_code == 302
        with pytest.raises(audit.AuditUnavailable):
            letters.make_letter(patient, today(), language="fr", names_staff=True, actor=acting)
    assert not AccessLetter.objects.exists()


def test_a_letter_is_in_the_patients_language_and_names_functions_only_where_the_hospital_says_so(
    desk: Client, patient: Patient, alice: User, study: Study, look: Look, emergency: Department
) -> None:
    Letterhead.objects.create(site=emergency.site, address="1 rue des Lilas", contact="dpo@hospital.example")
    look(alice, study)
    response = desk.post(f"/privacy/patients/{patient.pk}/letter", {"language": "fr"})
    page = desk.get(response["Location"]).content.decode()
    made = AccessLetter.objects.get()
    assert 'lang="fr"' in page
    assert "1 rue des Lilas" in page
    assert "Alice Martin" not in page
    assert "Urgences" in page
    assert made.reference in page
    event = AuditEvent.objects.get(action="audit.exported", detail__form="letter")
    assert event.detail["digest"] == made.digest


def test_a_kept_letter_stays_as_it_was_made(
    desk: Client, patient: Patient, alice: User, study: Study, look: Look, acting: Actor
) -> None:
    look(alice, study)
    made = letters.make_letter(patient, today(), language="en", names_staff=True, actor=acting)
    User.objects.filter(pk=alice.pk).update(display_name="Somebody Else")
    page = desk.get(f"/privacy/letters/{made.pk}/").content.decode()
    assert "Alice Martin" in page
    assert "not as it was made" not in page
    AccessLetter.objects.filter(pk=made.pk).update(content={**made.content, "people": 99})
    assert "not as it was made" in desk.get(f"/privacy/letters/{made.pk}/").content.decode()


def test_roles_are_those_of_the_day_of_the_look(
    alice: User, emergency: Department, patient: Patient, study: Study, look: Look
) -> None:
    MembershipFactory.create(
        user=alice, department=emergency, role=Role.RADIOLOGIST, valid_from=timezone.now() + dt.timedelta(days=1)
    )
    look(alice, study)
    (group,) = looks_of(patient).groups
    assert group.roles == ("Clinician",)
