"""Erasure where the law allows it: a former employee's own data goes, the care record and the audit stay."""

from collections.abc import Callable
from unittest import mock

import pytest
from allauth.usersessions.models import UserSession
from django.test import Client
from django.utils import timezone

from accounts import audit, erasable
from accounts.actor import Actor
from accounts.audit.models import AuditEvent
from accounts.models import User
from imaging.privacy.erasing import services
from imaging.privacy.models import DataSubjectRequest
from imaging.privacy.requests import services as requests
from imaging.studies.models import SavedList, Study

pytestmark = pytest.mark.django_db

ALL = {"account.profile", "account.factors", "account.sessions", "lists.saved", "lists.layouts"}


@pytest.fixture
def leaver(bob: User, acting: Actor, look: Callable[..., None]) -> DataSubjectRequest:
    """Bob, who has left, asks for the erasure of his data."""
    User.objects.filter(pk=bob.pk).update(is_active=False, first_name="Bob", last_name="Leroy")
    SavedList.objects.create(name="My night shifts", owner=bob)
    UserSession.objects.create(user=bob, ip="10.0.0.8", user_agent="a browser", session_key="k" * 20)
    return requests.record_request(
        User.objects.get(pk=bob.pk),
        kind="erasure",
        asked_by="self",
        identity_checked="by letter",
        wish="",
        received_on=timezone.localdate(),
        actor=acting,
    )


def test_a_former_employees_own_data_goes_and_what_was_done_stays_under_the_name_of_that_time(
    desk: Client, leaver: DataSubjectRequest, bob: User, study: Study
) -> None:
    actor = Actor(kind="user", id=str(bob.pk), name="bob")
    audit.record(audit.Action.STUDY_OPENED, actor=actor, patient_id="P1")
    desk.post(f"/privacy/requests/{leaver.pk}/erase", {"what": sorted(ALL)})
    bob.refresh_from_db()
    assert bob.username == f"former-{bob.pk}"
    assert (bob.first_name, bob.last_name, bob.display_name, bob.email) == ("", "", "", "")
    assert not bob.has_usable_password()
    assert not SavedList.objects.filter(owner=bob).exists()
    assert not UserSession.objects.filter(user=bob).exists()
    assert AuditEvent.objects.get(action="study.opened", actor_id=str(bob.pk)).actor_name == "bob"
    event = AuditEvent.objects.get(action="personal_data.erased")
    assert event.detail["gone"]["lists.saved"] == 1


def test_only_what_is_ticked_goes(leaver: DataSubjectRequest, bob: User, acting: Actor) -> None:
    services.erase(leaver, {"lists.saved"}, actor=acting)
    bob.refresh_from_db()
    assert bob.username == "bob"
    assert UserSession.objects.filter(user=bob).exists()


def test_an_account_that_can_sign_in_keeps_everything(leaver: DataSubjectRequest, bob: User, acting: Actor) -> None:
    User.objects.filter(pk=bob.pk).update(is_active=True)
    with pytest.raises(services.StillActive):
        services.erase(DataSubjectRequest.objects.get(pk=leaver.pk), ALL, actor=acting)
    assert SavedList.objects.filter(owner=bob).exists()


def test_nothing_is_erased_that_cannot_be_put_on_record(leaver: DataSubjectRequest, bob: User, acting: Actor) -> None:
    with mock.patch("accounts.audit.table.write", return_value="23514"), pytest.raises(audit.AuditUnavailable):
        services.erase(leaver, {"lists.saved"}, actor=acting)
    assert SavedList.objects.filter(owner=bob).exists()


def test_the_care_record_is_refused_with_the_reason_in_words(
    desk: Client, asked: Callable[..., DataSubjectRequest], study: Study
) -> None:
    request = asked("erasure")
    page = desk.get(f"/privacy/requests/{request.pk}/").content.decode()
    assert "art. 17(3)" in page
    assert "care record" in page
    desk.post(f"/privacy/requests/{request.pk}/erase", {"what": ["images", "study", "account.profile"]})
    assert Study.objects.filter(pk=study.pk).exists()


def test_a_package_of_a_later_day_adds_its_own_data_to_the_registry(leaver: DataSubjectRequest, acting: Actor) -> None:
    gone: list[object] = []
    entry = erasable.Erasable(
        "test.diary",
        "Diary",
        erasable.About.ACCOUNT,
        lambda _subject: 3,
        lambda subject, _actor: len([gone.append(subject)]),
    )
    with mock.patch.dict(erasable._REGISTRY, {entry.key: entry}):
        assert ("test.diary", 3) in [(found.key, found.count) for found in services.erasables_of(leaver)]
        services.erase(leaver, {"test.diary"}, actor=acting)
    assert gone == [leaver.account]
