import pytest

from accounts.actor import SYSTEM, Actor
from accounts.audit.models import AuditEvent
from accounts.labels import Label
from accounts.roles import Right, Role
from accounts.scope import EMPTY, Scope, scope_of_user
from imaging.studies import access
from imaging.studies import services as studies
from imaging.studies.access import Purpose
from imaging.studies.models import Instance, InstanceVersion, Study
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.factories.arrivals import dataset, incoming, uid

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(data_dir, emergency):
    """A study of emergency with one instance."""
    made = dataset()
    studies.register([incoming(made, data_dir / "spool", emergency)], actor=SYSTEM)
    return made


def actor_of(user) -> Actor:
    return Actor(kind="user", id=str(user.pk), name=user.username, door="page")


def opened(user, made, **options):
    values = {"purpose": Purpose.OPEN, **options}
    return access.open_study(scope_of_user(user), made.StudyInstanceUID, actor=actor_of(user), **values)


def test_a_member_opens_the_study_and_it_is_on_record_once(made, alice):
    study = opened(alice, made)
    assert study.study_instance_uid == made.StudyInstanceUID
    opened(alice, made)
    event = AuditEvent.objects.get(action="study.opened")
    assert (event.actor_id, event.subject_uid, event.patient_id) == (str(alice.pk), made.StudyInstanceUID, "P1")


def test_a_stranger_and_an_unknown_uid_are_the_same_answer(made, bob, charlie):
    answers = []
    for user in (bob, charlie):
        for study_uid in (made.StudyInstanceUID, uid(), "", "x" * 500, "1.2\x00.3", "<script>"):
            with pytest.raises(access.StudyNotVisible) as refused:
                access.open_study(scope_of_user(user), study_uid, actor=actor_of(user), purpose=Purpose.OPEN)
            answers.append(type(refused.value))
    assert set(answers) == {access.StudyNotVisible}
    assert not AuditEvent.objects.filter(action="study.opened").exists()
    assert AuditEvent.objects.filter(action="study.refused", outcome="refused").count() == 12


def test_a_member_without_the_right_is_told_that_the_right_is_missing(made, emergency):
    trainee = UserFactory.create(username="trainee")
    MembershipFactory.create(user=trainee, department=emergency, role=Role.TRAINEE)
    assert opened(trainee, made)
    with pytest.raises(access.RightMissing):
        opened(trainee, made, right=Right.DOWNLOAD)
    assert AuditEvent.objects.get(action="study.refused").detail == {"right": "download"}


def test_a_right_elsewhere_does_not_help_here(made, emergency, orthopaedics):
    user = UserFactory.create(username="both")
    MembershipFactory.create(user=user, department=emergency, role=Role.TRAINEE)
    MembershipFactory.create(user=user, department=orthopaedics, role=Role.RADIOLOGIST)
    with pytest.raises(access.RightMissing):
        opened(user, made, right=Right.DOWNLOAD)


def test_an_empty_scope_opens_nothing(made):
    with pytest.raises(access.StudyNotVisible):
        access.open_study(EMPTY, made.StudyInstanceUID, actor=SYSTEM, purpose=Purpose.OPEN)


def test_an_instance_is_opened_with_all_that_serving_it_needs(made, alice, django_assert_num_queries):
    version = access.open_instance(
        scope_of_user(alice),
        made.StudyInstanceUID,
        made.SeriesInstanceUID,
        made.SOPInstanceUID,
        actor=actor_of(alice),
        purpose=Purpose.FRAMES,
    )
    with django_assert_num_queries(0):
        assert version.instance.series.study.patient.patient_id == "P1"
        assert version.stored_object.length > 0
    assert AuditEvent.objects.get(action="frames.read").subject_uid == made.StudyInstanceUID


def test_an_instance_under_the_wrong_series_or_study_does_not_exist(made, alice):
    for names in (
        (uid(), made.SeriesInstanceUID, made.SOPInstanceUID),
        (made.StudyInstanceUID, uid(), made.SOPInstanceUID),
        (made.StudyInstanceUID, made.SeriesInstanceUID, uid()),
    ):
        with pytest.raises(access.StudyNotVisible):
            access.open_instance(scope_of_user(alice), *names, actor=actor_of(alice), purpose=Purpose.FRAMES)
    assert access.open_instance(
        scope_of_user(alice),
        made.StudyInstanceUID,
        None,
        made.SOPInstanceUID,
        actor=actor_of(alice),
        purpose=Purpose.FRAMES,
    )


def test_a_rejected_instance_is_seen_by_nobody(made, alice):
    Instance.objects.update(is_rejected=True)
    with pytest.raises(access.StudyNotVisible):
        access.open_instance(
            scope_of_user(alice),
            made.StudyInstanceUID,
            made.SeriesInstanceUID,
            made.SOPInstanceUID,
            actor=actor_of(alice),
            purpose=Purpose.FRAMES,
        )


def test_a_protected_study_is_seen_by_who_is_cleared(made, alice):
    studies.protect(Study.objects.get(), Label.PROTECTED, reason="asked by the patient", actor=SYSTEM)
    with pytest.raises(access.StudyNotVisible):
        opened(alice, made)
    alice.memberships.update(clears=[Label.PROTECTED])
    assert opened(alice, made).sensitivity == Label.PROTECTED


def test_a_thousand_frames_are_one_event(made, alice):
    for _ in range(20):
        access.open_instance(
            scope_of_user(alice),
            made.StudyInstanceUID,
            made.SeriesInstanceUID,
            made.SOPInstanceUID,
            actor=actor_of(alice),
            purpose=Purpose.FRAMES,
        )
    assert AuditEvent.objects.filter(action="frames.read").count() == 1


def test_every_export_is_on_record(made, alice):
    opened(alice, made, purpose=Purpose.EXPORT, right=Right.DOWNLOAD)
    opened(alice, made, purpose=Purpose.EXPORT, right=Right.DOWNLOAD)
    assert AuditEvent.objects.filter(action="study.exported").count() == 2


def test_a_named_series_opens_itself_and_not_its_neighbour(made, data_dir):
    other = dataset(StudyInstanceUID=made.StudyInstanceUID)
    studies.register([incoming(other, data_dir / "spool")], actor=SYSTEM)
    scope = Scope(
        principal=SYSTEM, series=frozenset({made.SeriesInstanceUID}), rights=frozenset({Right.LIST, Right.VIEW})
    )
    options = {"actor": SYSTEM, "purpose": Purpose.METADATA}
    assert access.open_series(scope, made.StudyInstanceUID, made.SeriesInstanceUID, **options)
    with pytest.raises(access.StudyNotVisible):
        access.open_series(scope, made.StudyInstanceUID, other.SeriesInstanceUID, **options)
    assert InstanceVersion.objects.count() == 2
