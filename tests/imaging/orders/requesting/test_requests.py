"""Requests without their pages: drafts, sending, numbers, whose they are, what is warned of, who is told."""

import datetime as dt
from io import BytesIO

import pytest
from django.utils import timezone

from accounts.actor import SYSTEM
from accounts.models import Department, Notification, User
from imaging.orders import transitions
from imaging.orders.models import AccessionNumbering, ExamRequest, Priority, Procedure, RequestAttachment, StudyLink
from imaging.orders.requesting import attachments, notices, patients, selectors, services, warnings
from imaging.orders.requesting.attachments import NotKept
from imaging.orders.requesting.policies import NotComplete
from imaging.orders.transitions import By, ChangedMeanwhile, NotAllowed
from imaging.orders.workflow import ReasonMissing, State, Step, TransitionRefused
from imaging.studies.models import Study
from tests.imaging.orders.requesting.conftest import TYPED, Register, asker, draft, sent

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogued")]


def test_a_request_that_is_sent_has_its_numbers_and_waits_where_the_exam_is_done(
    ines: User, radiology: Department
) -> None:
    first, second = sent(ines), sent(ines)

    assert first.state == State.REQUESTED
    assert first.performing_department == radiology
    assert first.accession_number == f"{timezone.localdate():%y%m%d}0001"
    assert second.accession_number == f"{timezone.localdate():%y%m%d}0002"
    assert first.issuer_of_accession_number == "SLUC"
    assert first.study_instance_uid != second.study_instance_uid
    assert [row.name for row in first.transitions.all()] == ["begin", "send"]


def test_numbers_have_the_prefix_of_their_site_begin_anew_each_day_and_step_over_those_that_are_taken(
    ines: User, emergency: Department
) -> None:
    AccessionNumbering.objects.create(site=emergency.site, prefix="SL", day=dt.date(2020, 1, 1), last=812)
    taken = sent(ines)
    assert taken.accession_number == f"SL{timezone.localdate():%y%m%d}0001"
    ExamRequest.objects.filter(pk=taken.pk).update(accession_number=f"SL{timezone.localdate():%y%m%d}0002")

    assert sent(ines).accession_number == f"SL{timezone.localdate():%y%m%d}0003"


@pytest.mark.parametrize(
    ("code", "changes", "field"),
    [
        ("DX-HAND", {"laterality": ""}, "laterality"),
        ("DX-FINGER", {"laterality": "B"}, "laterality"),
        ("DX-HAND", {"clinical_question": "  ?  "}, "clinical_question"),
        ("DX-HAND", {"priority": Priority.STAT}, "priority_reason"),
        ("DX-HAND", {"procedure": None}, "procedure"),
        ("MR-KNEE", {}, "q-pacemaker"),
        ("CT-ABDPEL-C", {}, "q-iodine-allergy"),
    ],
)
def test_what_a_request_lacks_is_told_field_by_field_and_nothing_is_lost(
    ines: User, code: str, changes: dict[str, object], field: str
) -> None:
    made = draft(ines, code, **changes)

    with pytest.raises(NotComplete) as refused:
        services.send(asker(ines), made.key, seen_version=None)

    assert field in [one.field for one in refused.value.missing]
    made.refresh_from_db()
    assert made.state == State.DRAFT
    assert not AccessionNumbering.objects.exists()


def test_an_alarming_answer_must_be_explained_and_goes_with_the_request_in_the_words_of_the_day(ines: User) -> None:
    from imaging.orders.catalogue import questions
    from imaging.orders.requesting import forms

    made = draft(ines, "CT-ABDPEL-C")
    posted = {"q-iodine-allergy": "yes", "q-metformin": "no", "q-thyroid": "no", "q-egfr-iodine": "28,5"}
    answers = forms.answers(posted, services.asked(made))
    services.save(asker(ines), made.key, {}, answers, seen_version=None)
    with pytest.raises(NotComplete) as refused:
        services.send(asker(ines), made.key, seen_version=None)
    assert {one.field for one in refused.value.missing} == {"more-iodine-allergy", "more-egfr-iodine"}

    posted |= {"more-iodine-allergy": "Urticaria 2019", "more-egfr-iodine": "Dialysis"}
    services.save(asker(ines), made.key, {}, forms.answers(posted, services.asked(made)), seen_version=None)
    request = services.send(asker(ines), made.key, seen_version=None)
    told = questions.answered(request.safety)
    assert [(line.answer, line.more) for line in told if line.is_alarming] == [
        ("Yes", "Urticaria 2019"),
        ("28,5 mL/min/1.73 m²", "Dialysis"),
    ]


def test_of_two_tabs_the_second_is_told_and_nothing_of_the_first_is_lost(ines: User) -> None:
    made = draft(ines)
    services.save(asker(ines), made.key, {"clinical_question": "from the first tab"}, {}, seen_version=made.version)

    with pytest.raises(ChangedMeanwhile) as changed:
        services.save(asker(ines), made.key, {"clinical_question": "from the second"}, {}, seen_version=made.version)

    assert changed.value.request.clinical_question == "from the first tab"


def test_keeping_what_did_not_change_writes_nothing(ines: User) -> None:
    made = draft(ines)
    again = services.save(asker(ines), made.key, {"clinical_question": made.clinical_question}, {}, seen_version=None)
    assert again.version == made.version


def test_a_draft_is_its_writers_alone_and_a_request_its_two_departments(ines: User, paul: User, noe: User) -> None:
    made = draft(ines)
    assert selectors.request_of(asker(ines).scope, made.key) is not None
    assert selectors.request_of(asker(paul).scope, made.key) is None
    services.send(asker(ines), made.key, seen_version=None)
    assert selectors.request_of(asker(paul).scope, made.key) is not None
    assert selectors.request_of(asker(noe).scope, made.key) is None
    with pytest.raises(NotAllowed):
        services.save(asker(noe), made.key, {"contact": "1"}, {}, seen_version=None)
    with pytest.raises(NotAllowed):
        services.cancel(asker(noe), made.key, reason="mine now", seen_version=None)


def test_what_was_sent_can_be_changed_while_allowed_with_its_history_and_stays_complete(ines: User) -> None:
    made = sent(ines)
    with pytest.raises(NotComplete):
        services.save(asker(ines), made.key, {"clinical_question": ""}, {}, seen_version=None)
    services.save(asker(ines), made.key, {"contact": "4417"}, {}, seen_version=made.version)
    assert made.transitions.last().detail == {"changed": ["contact"]}

    ExamRequest.objects.filter(pk=made.pk).update(state=State.SCHEDULED)
    with pytest.raises(TransitionRefused):
        services.save(asker(ines), made.key, {"contact": "1"}, {}, seen_version=None)


def test_cancelling_asks_why_but_not_of_a_draft(ines: User) -> None:
    made = sent(ines)
    with pytest.raises(ReasonMissing):
        services.cancel(asker(ines), made.key, reason=" ", seen_version=None)
    assert services.cancel(asker(ines), made.key, reason="gone home", seen_version=None).ended_reason == "gone home"
    assert services.cancel(asker(ines), draft(ines).key, reason="", seen_version=None).state == State.CANCELLED


def test_a_question_is_answered_and_the_request_goes_on(ines: User, paul: User) -> None:
    made = sent(ines)
    transitions.take(made.key, Step.RETURN, by=asker(paul).by, reason="Which finger?")
    request = services.answer(asker(ines), made.key, text="The third", seen_version=None)
    assert request.state == State.REQUESTED
    assert [note.text for note in request.notes.all()] == ["The third"]


def test_a_copy_asks_safety_and_urgency_anew(ines: User) -> None:
    made = sent(ines, priority=Priority.STAT, priority_reason="now")
    again = services.copy(asker(ines), made)
    assert (again.state, again.priority, again.safety, again.accession_number) == ("draft", Priority.ROUTINE, {}, "")
    assert (again.procedure, again.clinical_question, again.copied_from) == (
        made.procedure,
        made.clinical_question,
        made,
    )


def test_the_requester_is_told_of_each_step_once_and_never_of_what_they_did_themselves(ines: User, paul: User) -> None:
    made = sent(ines)
    transitions.take(made.key, Step.RETURN, by=asker(paul).by, reason="Which finger?")
    for _again in range(2):
        notices.tell_new(str(made.key))
    rows = Notification.objects.filter(user=ines)
    assert [(row.kind, row.count) for row in rows] == [("request.returned", 1)]

    services.answer(asker(ines), made.key, text="The third", seen_version=None)
    transitions.take(made.key, Step.REFUSE, by=asker(paul).by, reason="Not needed")
    notices.tell_new(str(made.key))
    notices.tell_new(str(made.key))
    assert [row.kind for row in rows.order_by("pk")] == ["request.returned", "request.refused"]
    assert not Notification.objects.filter(user=paul).exists()


def test_a_typed_patient_is_joined_when_number_issuer_birth_date_and_family_name_agree(
    ines: User, registered: Register
) -> None:
    typed = {**TYPED, "typed_birth_date": dt.date(1970, 1, 2)}
    person = asker(ines)
    same = services.begin(person, typed=typed)
    other = services.begin(person, typed={**typed, "typed_name": "Lefevre^Paul"})
    born = services.begin(person, typed={**typed, "typed_birth_date": dt.date(1971, 1, 2)})
    study = registered(PatientID="77", IssuerOfPatientID="SLUC", PatientName="Durand^Paul")

    patients.follow(study.study_instance_uid)
    patients.follow(study.study_instance_uid)

    for request in (same, other, born):
        request.refresh_from_db()
    assert same.patient == study.patient
    assert (other.patient, born.patient) == (None, None)
    assert [row.name for row in same.transitions.all()] == ["begin", "join_patient"]


def test_a_seal_of_a_patient_works_for_its_person_alone_and_not_once_the_patient_is_out_of_sight(
    ines: User, noe: User, registered: Register
) -> None:
    study = registered(PatientID="77")
    seal = patients.sealed(asker(ines), study.patient)
    assert patients.opened(asker(ines), seal) == study.patient
    assert patients.opened(asker(noe), seal) is None
    assert patients.opened(asker(ines), seal + "x") is None
    assert patients.opened(asker(noe), patients.sealed(asker(noe), study.patient)) is None


def _of(study: Study, user: User, code: str = "DX-HAND") -> ExamRequest:
    request = services.begin(asker(user), patient=study.patient)
    return services.save(
        asker(user), request.key, {"procedure": Procedure.objects.get(code=code)}, {}, seen_version=None
    )


def _made(days: int) -> dict[str, str]:
    at = timezone.localtime() - dt.timedelta(days=days)
    return {
        "PatientID": "77",
        "Modality": "CR",
        "BodyPartExamined": "HAND",
        "StudyDate": f"{at:%Y%m%d}",
        "StudyTime": f"{at:%H%M%S}",
    }


def test_a_similar_exam_the_same_request_and_the_dose_of_a_year_are_told(ines: User, registered: Register) -> None:
    study = registered(**_made(2))
    request = _of(study, ines)
    told = warnings.advice(request, asker(ines))
    assert told.similar == [study]
    assert told.dose is not None
    assert told.dose.exams == 1

    assert warnings.advice(_of(study, ines, "DX-CHEST"), asker(ines)).similar == []
    assert warnings.advice(_of(study, ines, "CT-HEAD"), asker(ines)).similar == []
    Study.objects.filter(pk=study.pk).update(study_at=timezone.now() - dt.timedelta(days=400))
    late = warnings.advice(request, asker(ines))
    assert (late.similar, late.dose) == ([], None)

    earlier = _of(study, ines, "DX-WRIST")
    ExamRequest.objects.filter(pk=earlier.pk).update(state=State.REQUESTED)
    assert warnings.advice(request, asker(ines)).asked == [earlier]


def test_a_study_linked_to_a_request_is_of_the_region_of_that_request(ines: User, registered: Register) -> None:
    study = registered(PatientID="77", Modality="CR")
    made = _of(study, ines, "DX-WRIST")
    StudyLink.objects.create(request=made, study=study, basis="person", made_by="x")
    Study.objects.filter(pk=study.pk).update(study_at=timezone.now(), body_part_examined="")
    assert warnings.similar(study.patient, Procedure.objects.get(code="DX-HAND"), asker(ines).scope) == [study]
    assert warnings.similar(study.patient, Procedure.objects.get(code="DX-KNEE"), asker(ines).scope) == []


def test_of_a_patient_out_of_scope_nothing_is_warned(ines: User, noe: User, registered: Register) -> None:
    study = registered(**_made(0))
    request = _of(study, ines)
    told = warnings.advice(request, asker(noe))
    assert (told.similar, told.elsewhere, told.asked, told.dose) == ([], [], [], None)


@pytest.mark.parametrize(
    ("content", "name", "kept"),
    [
        (b"%PDF-1.7 ...", "C:\\letters\\a<b>.exe", "a b.pdf"),
        (b"\xff\xd8\xff\xe0", "../../etc/passwd", "passwd.jpg"),
        (b"\x89PNG\r\n\x1a\n", "", "document.png"),
        (b"II*\x00abc", "scan\u202egpj.tif", "scan gpj.tif"),
    ],
)
def test_what_is_attached_is_named_by_its_bytes(
    ines: User, data_dir: object, content: bytes, name: str, kept: str
) -> None:
    row = attachments.attach(asker(ines), draft(ines).key, BytesIO(content), name=name)
    assert row.file_name == kept


def test_what_is_no_letter_is_refused_and_the_same_file_is_kept_once(ines: User, data_dir: object) -> None:
    made = draft(ines)
    for content in (b"<html><script>", b"", b"MZ\x90\x00", b"PK\x03\x04"):
        with pytest.raises(NotKept):
            attachments.attach(asker(ines), made.key, BytesIO(content), name="letter.pdf")
    first = attachments.attach(asker(ines), made.key, BytesIO(b"%PDF-1"), name="a.pdf")
    assert attachments.attach(asker(ines), made.key, BytesIO(b"%PDF-1"), name="b.pdf") == first
    attachments.remove(asker(ines), made.key, first.key)
    assert RequestAttachment.objects.get().removed_at is not None


def test_a_person_in_the_system_s_name_needs_no_capability_and_others_do(ines: User) -> None:
    made = sent(ines)
    with pytest.raises(NotAllowed):
        transitions.take(made.key, Step.VET, by=asker(ines).by)
    assert transitions.take(made.key, Step.VET, by=By(SYSTEM)).state == State.VETTED


def test_what_is_taken_back_is_told_to_nobody_as_if_it_were_new(ines: User, paul: User) -> None:
    made = sent(ines)
    for step in (Step.RETURN, Step.REFUSE, Step.RECONSIDER):
        transitions.take(made.key, step, by=By(SYSTEM), reason="Why?")
    made.refresh_from_db()
    assert made.state == State.RETURNED
    kinds = [notices.kind_of(step) for step in made.transitions.filter(name__in=["return", "refuse", "reconsider"])]
    assert kinds == [notices.RETURNED, notices.REFUSED, None]
