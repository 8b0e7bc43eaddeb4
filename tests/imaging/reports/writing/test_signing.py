"""What is signed is what was seen; from then on it is final, for everybody, in the database too."""

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.audit.models import AuditEvent
from accounts.models import Department, User
from accounts.roles import Role
from imaging.events.models import Event
from imaging.integrity.models import LedgerLeaf
from imaging.reports.documents import canonical
from imaging.reports.models import OvertakenText, Report, ReportDraft, ReportVersion
from imaging.reports.reading import services as reading
from imaging.reports.reading.asked import Asked
from imaging.reports.writing import composing, services, signing
from imaging.reports.writing.policies import Refused, Writing
from imaging.reports.writing.services import Overtaken
from imaging.studies.models import Study
from tests.factories.accounts import MembershipFactory
from tests.imaging.reports.writing.conftest import as_writer, member, saved, wish

pytestmark = pytest.mark.django_db


def test_a_signed_report_is_a_version_with_its_digest_in_the_ledger(study: Study, radiologist: User) -> None:
    revision = saved(radiologist, study)
    made = signing.sign(as_writer(radiologist), study, seen_revision=revision)

    assert made.number == 1
    assert made.digest == canonical.digest(made.content)
    assert LedgerLeaf.objects.filter(kind="signed", file_sha256=made.digest).count() == 1
    assert Report.objects.get().state == "final"
    assert not ReportDraft.objects.exists()
    assert Event.objects.filter(kind="report.changed", subject_uid=str(made.report.key)).exists()
    event = AuditEvent.objects.get(action="report.signed")
    assert event.detail["sha256"] == made.digest
    read = canonical.read(made.content)
    assert [each.person.name for each in read.signatures] == ["Rita Roux"]
    assert read.patient.patient_id == study.patient.patient_id


@pytest.mark.parametrize(
    "statement", ["UPDATE imaging_reportversion SET reason = 'x'", "DELETE FROM imaging_reportversion"]
)
def test_nobody_changes_a_version_in_the_database(study: Study, radiologist: User, statement: str) -> None:
    signing.sign(as_writer(radiologist), study, seen_revision=saved(radiologist, study))

    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert ReportVersion.objects.count() == 1


def test_what_somebody_saved_meanwhile_is_not_signed_unseen(study: Study, radiologist: User, colleague: User) -> None:
    seen = saved(radiologist, study)
    services.save(as_writer(colleague), study, wish("Something else.", seen=seen))

    with pytest.raises(Overtaken):
        signing.sign(as_writer(radiologist), study, seen_revision=seen)
    assert not ReportVersion.objects.exists()


def test_of_two_who_save_the_second_is_told_and_both_texts_stay(
    study: Study, radiologist: User, colleague: User
) -> None:
    seen = saved(radiologist, study)
    services.save(as_writer(colleague), study, wish("The colleague's.", seen=seen))

    with pytest.raises(Overtaken) as told:
        services.save(as_writer(radiologist), study, wish("Mine.", seen=seen))
    assert told.value.draft.sections[1]["text"] == "The colleague's."
    assert OvertakenText.objects.get(typed_by=radiologist).sections[1]["text"] == "Mine."


def test_a_trainee_signs_as_preliminary_for_a_supervisor_who_signs_finally(
    study: Study, trainee: User, radiologist: User
) -> None:
    revision = saved(trainee, study)
    with pytest.raises(Refused, match="cannot_sign"):
        signing.sign(as_writer(trainee), study, seen_revision=revision)
    with pytest.raises(Refused, match="no_supervisor"):
        signing.sign_preliminary(as_writer(trainee), study, seen_revision=revision, supervisor=None)
    signing.sign_preliminary(as_writer(trainee), study, seen_revision=revision, supervisor=radiologist)
    assert not canonical.read(ReportVersion.objects.get().content).is_verified

    changed = services.save(as_writer(radiologist), study, wish("Boxer's fracture.", seen=revision))
    made = signing.sign(as_writer(radiologist), study, seen_revision=changed.revision)

    assert [row.kind for row in ReportVersion.objects.order_by("number")] == ["preliminary", "final"]
    read = canonical.read(made.content)
    assert read.authors[0].name == "Tom Thierry"
    assert read.signatures[0].person.name == "Rita Roux"
    assert read.earlier[0].number == 1


def test_a_supervisor_who_left_cannot_be_named(study: Study, trainee: User, radiologist: User) -> None:
    revision = saved(trainee, study)
    radiologist.memberships.all().delete()

    with pytest.raises(Refused, match="cannot_supervise"):
        signing.sign_preliminary(as_writer(trainee), study, seen_revision=revision, supervisor=radiologist)


def test_an_addendum_and_a_correction_keep_every_version(study: Study, radiologist: User) -> None:
    person = as_writer(radiologist)
    signing.sign(person, study, seen_revision=saved(radiologist, study))

    services.begin(person, study, Writing.ADDENDUM)
    addendum = [{"code": "addendum", "title": "Addendum", "text": "Seen by the surgeon."}]
    draft = services.save(person, study, services.Wish(addendum, 1, "en"))
    second = signing.sign(person, study, seen_revision=draft.revision)
    assert Report.objects.get().state == "appended"
    assert canonical.read(second.content).earlier[0].sections[1].code == "impression"

    draft = services.begin(person, study, Writing.CORRECTION)
    assert [each["code"] for each in draft.sections] == ["findings", "impression", "addendum"]
    with pytest.raises(Refused, match="no_reason"):
        signing.sign(person, study, seen_revision=draft.revision)
    with pytest.raises(Refused, match="nothing_changed"):
        signing.sign(person, study, seen_revision=draft.revision, reason="wrong side")
    draft.sections[1]["text"] = "Fracture of the fourth metacarpal."
    draft = services.save(person, study, services.Wish([dict(each) for each in draft.sections], 1, "en"))
    third = signing.sign(person, study, seen_revision=draft.revision, reason="wrong bone")
    assert [row.number for row in ReportVersion.objects.order_by("number")] == [1, 2, 3]
    assert third.reason == "wrong bone"
    assert Report.objects.get().state == "amended"


def test_a_withdrawn_report_says_why_and_can_be_written_anew(study: Study, radiologist: User) -> None:
    person = as_writer(radiologist)
    made = signing.sign(person, study, seen_revision=saved(radiologist, study))

    signing.withdraw(person, study, seen_number=made.number, reason="wrong patient")
    assert Report.objects.get().state == "withdrawn"
    draft = services.begin(person, study, Writing.CORRECTION)
    assert draft.sections == [dict(each) for each in composing.sections_of(made)]


def test_fields_that_wait_are_not_signed_and_broken_ones_are_only_text(study: Study, radiologist: User) -> None:
    revision = saved(radiologist, study, findings="Nodule of [[size|number mm]].")
    with pytest.raises(Refused) as refused:
        signing.sign(as_writer(radiologist), study, seen_revision=revision)
    assert refused.value.more["fields"] == "size"

    draft = services.save(as_writer(radiologist), study, wish(seen=revision, findings="Nodule of [[size|numb"))
    signing.sign(as_writer(radiologist), study, seen_revision=draft.revision)
    assert "[[size|numb" in ReportVersion.objects.get().content["sections"][0]["text"]


def test_a_report_knows_that_its_study_was_given_to_another_patient(study: Study, radiologist: User) -> None:
    made = signing.sign(as_writer(radiologist), study, seen_revision=saved(radiologist, study))
    assert composing.is_of(made, study)

    study.patient.patient_id = "ANOTHER"
    assert not composing.is_of(made, study)


def test_who_neither_made_nor_reads_the_study_cannot_write(study: Study, orthopaedics: Department) -> None:
    stranger = member(orthopaedics, Role.RADIOLOGIST, "Otto Orban")
    MembershipFactory.create(user=stranger, department=study.placements.get().department, role=Role.CLINICIAN)

    with pytest.raises(Refused, match="not_yours"):
        services.save(as_writer(stranger), study, wish())


def test_the_side_that_was_asked_for_stands_in_the_title(study: Study, radiologist: User) -> None:
    asked = Asked(procedure_code="DX-HAND", procedure_name="Hand, 2 views", laterality="R")
    reading.offer(study.study_instance_uid, asked=asked)
    made = signing.sign(as_writer(radiologist), study, seen_revision=saved(radiologist, study))
    assert canonical.read(made.content).title == "Hand, 2 views, right"
