"""Who hears of a patient's earlier studies elsewhere, who opens them, and for how long: by the rule, at every reading."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actor import SYSTEM, Actor
from accounts.audit import coalescing
from accounts.audit.models import AuditEvent
from accounts.models import Department, Membership, SharesPriors
from accounts.roles import Right, Role
from accounts.scope import Prior, Scope, scope_of_machine, scope_of_user
from imaging.studies import access, priors
from imaging.studies import services as studies
from imaging.studies.access import Purpose
from imaging.studies.models import Instance, Placement, Series, Study
from imaging.studies.priors import Relevance, Standing
from tests.factories.accounts import DepartmentFactory, MembershipFactory, UserFactory
from tests.factories.arrivals import dataset, incoming

pytestmark = pytest.mark.django_db


@pytest.fixture
def spool(data_dir):
    return data_dir / "spool"


@pytest.fixture
def registered(spool):
    """`registered(department, **changes)` is a study of that department, of patient P1 unless told otherwise."""

    def register(*departments: Department, **changes) -> Study:
        made = dataset(**changes)
        studies.register([incoming(made, spool, *departments)], actor=SYSTEM)
        return Study.objects.select_related("patient").get(study_instance_uid=made.StudyInstanceUID)

    return register


@pytest.fixture
def now(registered, emergency):
    """Today's study, in emergency."""
    return registered(emergency, StudyDate="20260304", BodyPartExamined="CHEST")


@pytest.fixture
def before(registered, orthopaedics):
    """An earlier study of the same patient, in orthopaedics of the same site."""
    return registered(orthopaedics, StudyDate="20240101", StudyDescription="Secret finding", BodyPartExamined="CHEST")


def actor_of(user) -> Actor:
    return Actor(kind="user", id=str(user.pk), name=user.username, door="page")


def opened(user, now: Study, before: Study) -> Scope:
    """The scope of a request after that prior was opened."""
    scope = scope_of_user(user)
    prior = access.open_prior(scope, now.study_instance_uid, before.study_instance_uid, actor=actor_of(user))
    return scope_of_user(user, priors=[prior])


def sees(scope: Scope, study: Study, right: Right = Right.VIEW) -> bool:
    return Study.objects.visible_to(scope, right).filter(pk=study.pk).exists()


def standings(study: Study, scope: Scope) -> dict[str, Standing]:
    return {str(entry.study_at.year): entry.standing for entry in priors.timeline_of(study, scope=scope)}


def test_of_an_earlier_study_elsewhere_only_date_modality_and_department_are_told(now, before, alice):
    _this, entry = priors.timeline_of(now, scope=scope_of_user(alice))
    assert (entry.standing, entry.modalities, entry.department) == (Standing.OPENABLE, ("CT",), "Orthopaedics")
    assert entry.study is None
    assert entry.study_at == before.study_at
    # Its body part is not told by its place either.
    assert entry.relevance is Relevance.SAME_MODALITY
    assert "Secret" not in repr(entry)


def test_a_prior_is_opened_and_all_of_it_is_read_and_nothing_else_is_done_with_it(now, before, alice):
    assert not sees(scope_of_user(alice), before)
    scope = opened(alice, now, before)
    assert sees(scope, before)
    assert sees(scope, before, Right.LIST)
    for right in (Right.DOWNLOAD, Right.WRITE, Right.SHARE):
        assert not sees(scope, before, right)
        with pytest.raises(access.RightMissing):
            access.open_study(
                scope, before.study_instance_uid, actor=actor_of(alice), purpose=Purpose.CHANGE, right=right
            )
    assert Series.objects.visible_to(scope, Right.VIEW).filter(study=before).count() == 1
    assert Instance.objects.visible_to(scope, Right.VIEW).filter(study=before).count() == 1
    assert not Placement.objects.visible_to(scope).filter(study=before).exists()
    assert standings(now, scope) == {"2026": Standing.THIS, "2024": Standing.OPEN}


def test_nothing_is_put_on_a_prior(now, before, alice):
    scope = opened(alice, now, before)
    with pytest.raises(access.RightMissing):
        access.open_study(scope, before.study_instance_uid, actor=actor_of(alice), purpose=Purpose.CHANGE)
    image = Instance.objects.get(study=before)
    with pytest.raises(access.RightMissing):
        access.open_instance(
            scope,
            before.study_instance_uid,
            None,
            image.sop_instance_uid,
            actor=actor_of(alice),
            purpose=Purpose.CHANGE,
        )
    # Its own study, opened as a prior of another or not, stays one's own.
    access.open_study(scope, now.study_instance_uid, actor=actor_of(alice), purpose=Purpose.CHANGE)


def test_every_reading_of_a_prior_is_on_record_as_prior_of_that_study(now, before, alice):
    scope = opened(alice, now, before)
    event = AuditEvent.objects.get(action="prior.opened")
    assert (event.actor_id, event.subject_uid, event.patient_id) == (str(alice.pk), before.study_instance_uid, "P1")
    assert event.detail == {"purpose": "prior", "prior_of": now.study_instance_uid}
    access.open_study(scope, before.study_instance_uid, actor=actor_of(alice), purpose=Purpose.FRAMES)
    assert AuditEvent.objects.get(action="frames.read").detail["prior_of"] == now.study_instance_uid
    coalescing.forget_all()
    access.open_study(scope, before.study_instance_uid, actor=actor_of(alice), purpose=Purpose.OPEN)
    assert not AuditEvent.objects.filter(action="study.opened", subject_uid=before.study_instance_uid).exists()


def refused(user, now: Study, before: Study) -> bool:
    try:
        opened(user, now, before)
    except access.StudyNotVisible:
        return True
    return False


def test_the_department_that_made_it_decides_who_may_open_it(registered, now, before, orthopaedics, alice):
    Department.objects.update(shares_priors=SharesPriors.NOBODY)
    assert standings(now, scope_of_user(alice))["2024"] is Standing.KNOWN
    assert refused(alice, now, before)
    abroad = DepartmentFactory.create(code="abroad")
    registered(abroad, StudyDate="20230101")
    far = Study.objects.get(study_at__year=2023)
    for choice, is_refused in (
        (SharesPriors.SITE, True),
        (SharesPriors.EVERYONE, False),
        (SharesPriors.NOBODY, True),
    ):
        Department.objects.filter(pk=abroad.pk).update(shares_priors=choice)
        assert refused(alice, now, far) is is_refused, choice
        Department.objects.filter(pk=orthopaedics.pk).update(shares_priors=choice)
        assert refused(alice, now, before) is (choice == SharesPriors.NOBODY), choice


def test_a_protected_study_is_neither_mentioned_nor_opened(now, before, alice):
    Study.objects.filter(pk=before.pk).update(sensitivity="protected")
    assert standings(now, scope_of_user(alice)) == {"2026": Standing.THIS}
    assert refused(alice, now, before)


def test_what_came_later_elsewhere_is_not_told(now, before, bob):
    assert standings(before, scope_of_user(bob)) == {"2024": Standing.THIS}
    assert refused(bob, before, now)


def test_a_prior_is_no_step_to_the_next(registered, now, before, orthopaedics, emergency, alice):
    other = DepartmentFactory.create(code="cardiology", site=emergency.site)
    oldest = registered(other, StudyDate="20200101")
    scope = opened(alice, now, before)
    assert standings(before, scope) == {"2026": Standing.OPEN, "2024": Standing.THIS}
    with pytest.raises(access.StudyNotVisible):
        access.open_prior(scope, before.study_instance_uid, oldest.study_instance_uid, actor=actor_of(alice))


def test_another_patient_a_stranger_and_an_unknown_uid_are_one_answer(
    registered, now, before, orthopaedics, alice, bob
):
    other = registered(orthopaedics, PatientID="P2", StudyDate="20240101")
    elsewhere = registered(orthopaedics, IssuerOfPatientID="OTHER", StudyDate="20240101")
    nameless = registered(orthopaedics, PatientID=None, StudyDate="20240101")
    assert refused(alice, now, other)
    assert refused(alice, now, elsewhere)
    assert refused(alice, now, nameless)
    assert refused(bob, now, before)
    for strange in ("1.2.3", "", "x" * 300, "1\x002", now.study_instance_uid):
        with pytest.raises(access.StudyNotVisible):
            access.open_prior(scope_of_user(alice), now.study_instance_uid, strange, actor=actor_of(alice))
    assert not AuditEvent.objects.filter(action="prior.opened").exists()


def test_a_patient_without_an_id_has_no_other_studies(registered, emergency, alice):
    study = registered(emergency, PatientID=None)
    registered(emergency, PatientID=None)
    assert len(priors.timeline_of(study, scope=scope_of_user(alice))) == 1


@pytest.mark.parametrize("role", [Role.ARCHIVIST, Role.QUALITY_OFFICER])
def test_who_does_not_treat_the_patient_hears_of_nothing_elsewhere(now, before, emergency, role):
    user = UserFactory.create()
    MembershipFactory.create(user=user, department=emergency, role=role)
    assert standings(now, scope_of_user(user)) == {"2026": Standing.THIS}
    assert refused(user, now, before)


def test_machines_and_shares_open_no_priors(now, before, machine, alice):
    prior = Prior(before.study_instance_uid, now.study_instance_uid)
    scope = scope_of_machine(machine.key, door="dicomweb")
    link = Scope(SYSTEM, studies=frozenset({now.study_instance_uid}), rights=frozenset(Right))
    for without_care in (scope, link):
        assert sees(without_care, now)
        assert standings(now, without_care) == {"2026": Standing.THIS}
        with pytest.raises(access.StudyNotVisible):
            access.open_prior(without_care, now.study_instance_uid, before.study_instance_uid, actor=SYSTEM)
        # Not even by claiming that it had been opened.
        assert not sees(replace(without_care, priors=frozenset({prior})), before)


def test_an_open_prior_closes_with_what_opened_it(now, before, orthopaedics, emergency, alice):
    scope = opened(alice, now, before)
    assert sees(scope, before)
    Department.objects.filter(pk=orthopaedics.pk).update(shares_priors=SharesPriors.NOBODY)
    assert not sees(scope, before)
    Department.objects.filter(pk=orthopaedics.pk).update(shares_priors=SharesPriors.SITE)
    assert sees(scope, before)
    Study.objects.filter(pk=before.pk).update(sensitivity="protected")
    assert not sees(scope, before)
    Study.objects.filter(pk=before.pk).update(sensitivity="")
    Placement.objects.filter(study=now).update(until=timezone.now() - timedelta(minutes=1))
    assert not sees(scope, before)
    Placement.objects.filter(study=now).update(until=None)
    Study.objects.filter(pk=now.pk).update(instance_count=0)
    assert not sees(scope, before)
    Study.objects.filter(pk=now.pk).update(instance_count=1)
    assert sees(scope, before)
    Membership.objects.update(valid_until=timezone.now())
    assert not sees(scope_of_user(alice, priors=scope.priors), before)


def test_a_prior_whose_patient_is_corrected_is_closed(registered, now, before, alice):
    scope = opened(alice, now, before)
    other = registered(DepartmentFactory.create(code="other"), PatientID="P9")
    Study.objects.filter(pk=now.pk).update(patient=other.patient)
    assert not sees(scope, before)


def test_priors_are_ranked_by_body_part_then_modality_then_time(registered, now, emergency, alice):
    registered(emergency, StudyDate="20250101", Modality="MR", BodyPartExamined="KNEE")
    registered(emergency, StudyDate="20230101", BodyPartExamined="KNEE")
    registered(emergency, StudyDate="20220101", Modality="DX", BodyPartExamined="CHEST")
    registered(emergency, StudyDate="20210101", BodyPartExamined="CHEST")
    entries = priors.timeline_of(now, scope=scope_of_user(alice))
    assert [entry.study_at.year for entry in entries] == [2026, 2025, 2023, 2022, 2021]
    ranked = sorted((entry for entry in entries if entry.rank), key=lambda entry: entry.rank)
    assert [entry.study_at.year for entry in ranked] == [2022, 2021, 2023, 2025]
    assert [entry.relevance for entry in ranked] == [
        Relevance.SAME_BODY_PART,
        Relevance.SAME_BODY_PART,
        Relevance.SAME_MODALITY,
        Relevance.OTHER,
    ]


def test_a_timeline_asks_few_questions(registered, now, before, emergency, alice, django_assert_max_num_queries):
    for year in range(2000, 2010):
        registered(emergency, StudyDate=f"{year}0101")
    scope = scope_of_user(alice)
    with django_assert_max_num_queries(6):
        entries = priors.timeline_of(now, scope=scope)
        assert all(entry.department for entry in entries)
    assert len(entries) == 12
