"""What is done about a share: by whom, within which rules, and at once."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.audit.models import AuditEvent
from accounts.models import Notification, User
from imaging.sharing.models import Share, ShareEvent, SharePolicy
from imaging.sharing.models.choices import Factor
from imaging.studies.models import Instance, Study
from tests.imaging.sharing.desk.conftest import signed_in
from tests.shared_links import Made, Sharing, open_link

pytestmark = pytest.mark.django_db(transaction=True)

Rules = Callable[..., SharePolicy]


def come_in(browser: Client, made: Made) -> str:
    open_link(browser, made)
    browser.post(f"/s/{made.share.key}/proof", {"answer": made.handed.proof})
    return f"/s/{made.share.key}"


def limits(share: Share, **changes: Any) -> dict[str, Any]:
    until = timezone.localdate(share.valid_until).isoformat()
    return {"valid_until": until, "most_opens": share.most_opens, **changes}


@pytest.mark.parametrize("who", ["alice", "manager", "administrator", "officer"])
def test_who_looks_after_a_share_revokes_it(made: Made, request: Any, who: str) -> None:
    user = request.getfixturevalue(who)
    answer = signed_in(user).post(f"/shared/{made.share.key}/revoke", {"words": "wrong address"})
    assert answer.status_code == 302
    share = Share.objects.get()
    assert (share.state, share.ended_by, share.ended_because) == ("revoked", user, "wrong address")
    assert AuditEvent.objects.get(action="share.revoked").actor_name == user.username
    told = Notification.objects.filter(user=made.share.created_by, kind="share.revoked").count()
    assert told == (0 if who == "alice" else 1)


@pytest.mark.parametrize("act", ["revoke", "change", "link", "decide"])
@pytest.mark.parametrize("who", ["colleague", "bob", "other_manager"])
def test_for_others_there_is_nothing_to_act_upon(made: Made, request: Any, who: str, act: str) -> None:
    answer = signed_in(request.getfixturevalue(who)).post(f"/shared/{made.share.key}/{act}", limits(made.share))
    assert answer.status_code == 404
    assert Share.objects.get().version == made.share.version


@pytest.mark.parametrize("act", ["revoke", "change", "link", "decide", "find"])
def test_nothing_is_done_by_a_link_or_without_the_page(made: Made, alice: User, act: str) -> None:
    address = "/shared/find" if act == "find" else f"/shared/{made.share.key}/{act}"
    assert signed_in(alice).get(address).status_code == 405
    guarded = Client(enforce_csrf_checks=True)
    guarded.force_login(alice)
    assert guarded.post(address, {"words": "x"}).status_code == 403
    assert Share.objects.get().version == made.share.version


def test_a_revoked_share_is_closed_at_every_door_at_once(
    sharing: Sharing, chest: Study, alice: User, outside: Client
) -> None:
    made = sharing(chest, factor=Factor.PRINTED, may_download=True)
    root, uid = come_in(outside, made), chest.study_instance_uid
    instance = Instance.objects.get(series__study=chest)
    series = instance.series.series_instance_uid
    doors = {
        f"{root}/viewer/{uid}/": 404,
        f"{root}/viewer/{uid}/manifest.json": 404,
        f"{root}/dicom-web/studies": 401,
        f"{root}/dicom-web/studies/{uid}/metadata": 401,
        f"{root}/dicom-web/studies/{uid}/series/{series}/instances/{instance.sop_instance_uid}": 401,
        f"{root}/dicom-web/studies/{uid}": 401,
        f"{root}/studies/{uid}/download": 404,
    }
    for door in doors:
        answer = outside.get(door)
        assert answer.status_code in {200, 202}, (door, answer.status_code)
        answer.close()
    signed_in(alice).post(f"/shared/{made.share.key}/revoke")
    for door, closed in doors.items():
        assert outside.get(door).status_code == closed, door
    page = outside.get(f"{root}/")
    assert page.status_code == 410
    assert "revoked" in page.content.decode()
    assert "DURAND" not in page.content.decode()


def test_somebody_else_says_why_they_revoke_and_the_owner_need_not(made: Made, officer: User, alice: User) -> None:
    assert signed_in(officer).post(f"/shared/{made.share.key}/revoke").status_code == 422
    assert Share.objects.get().state == "open"
    assert signed_in(alice).post(f"/shared/{made.share.key}/revoke").status_code == 302
    assert Share.objects.get().state == "revoked"


def test_revoking_twice_says_so_and_changes_nothing(made: Made, alice: User) -> None:
    client = signed_in(alice)
    client.post(f"/shared/{made.share.key}/revoke", {"words": "first"})
    answer = client.post(f"/shared/{made.share.key}/revoke", {"words": "second"}, follow=True)
    assert "ended already" in answer.content.decode()
    assert Share.objects.get().ended_because == "first"


def test_the_owner_extends_within_the_rules(made: Made, alice: User, share_policy: Rules) -> None:
    share_policy(most_days=60, most_opens=20)
    client = signed_in(alice)
    day = timezone.localdate() + dt.timedelta(days=50)
    client.post(f"/shared/{made.share.key}/change", limits(made.share, valid_until=day.isoformat(), most_opens=9))
    share = Share.objects.get()
    assert (timezone.localdate(share.valid_until), share.most_opens) == (day, 9)
    assert ShareEvent.objects.filter(kind=ShareEvent.Kind.EXTENDED, person=alice).exists()
    far = timezone.localdate() + dt.timedelta(days=80)
    answer = client.post(f"/shared/{made.share.key}/change", limits(share, valid_until=far.isoformat()))
    assert answer.status_code == 422
    assert "60 days" in answer.content.decode()
    assert Share.objects.get().version == share.version


def test_saving_the_form_as_it_is_moves_nothing(made: Made, alice: User) -> None:
    signed_in(alice).post(f"/shared/{made.share.key}/change", limits(made.share))
    share = Share.objects.get()
    assert (share.valid_until, share.most_opens) == (made.share.valid_until, made.share.most_opens)


@pytest.mark.parametrize(
    "sent",
    [
        {"valid_until": "yesterday"},
        {"valid_until": "2020-01-01"},
        {"valid_until": "9999-12-31"},
        {"valid_until": "0001-01-01"},
        {"most_opens": "0"},
        {"most_opens": "-4"},
        {"most_opens": "9" * 30},
        {"most_opens": "<b>"},
    ],
)
def test_limits_that_are_none_are_refused(made: Made, alice: User, sent: dict[str, str]) -> None:
    answer = signed_in(alice).post(f"/shared/{made.share.key}/change", limits(made.share, **sent))
    assert answer.status_code == 422
    assert Share.objects.get().version == made.share.version


def test_a_download_that_is_taken_away_is_gone_for_who_is_in(
    sharing: Sharing, chest: Study, alice: User, outside: Client
) -> None:
    made = sharing(chest, factor=Factor.PRINTED, may_download=True)
    root = come_in(outside, made)
    address = f"{root}/dicom-web/studies/{chest.study_instance_uid}"
    answer = outside.get(address)
    assert answer.status_code == 200
    answer.close()
    signed_in(alice).post(f"/shared/{made.share.key}/change", limits(made.share))
    assert outside.get(address).status_code in {403, 404}
    assert outside.get(f"{root}/viewer/{chest.study_instance_uid}/").status_code == 200


def test_where_nobody_shares_any_more_a_share_can_be_made_narrower_only(
    made: Made, alice: User, share_policy: Rules
) -> None:
    share_policy(is_allowed=False)
    client = signed_in(alice)
    assert client.post(f"/shared/{made.share.key}/change", limits(made.share, most_opens=6)).status_code == 422
    assert client.post(f"/shared/{made.share.key}/change", limits(made.share, most_opens=4)).status_code == 302
    assert Share.objects.get().most_opens == 4


def test_the_officer_changes_no_limits(made: Made, officer: User) -> None:
    signed_in(officer).post(f"/shared/{made.share.key}/change", limits(made.share, most_opens=6))
    signed_in(officer).post(f"/shared/{made.share.key}/link")
    assert Share.objects.get().version == made.share.version


def test_what_a_second_person_allows_is_widened_by_a_second_person_alone(
    made: Made, alice: User, manager: User, share_policy: Rules
) -> None:
    share_policy(approval=SharePolicy.Approval.DOWNLOADS)
    wider = limits(made.share, may_download="on")
    answer = signed_in(alice).post(f"/shared/{made.share.key}/change", wider)
    assert answer.status_code == 422
    assert "second person" in answer.content.decode()
    assert not Share.objects.get().may_download
    assert signed_in(manager).post(f"/shared/{made.share.key}/change", wider).status_code == 302
    assert Share.objects.get().may_download


def test_a_new_link_is_shown_once_and_the_old_one_opens_nothing(made: Made, alice: User, outside: Client) -> None:
    root = come_in(outside, made)
    answer = signed_in(alice).post(f"/shared/{made.share.key}/link")
    page = answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    secret = page.split(f"/s/{made.share.key}/#", 1)[1][:43]
    assert outside.get(f"{root}/dicom-web/studies").status_code == 401
    assert open_link(Client(), made).status_code == 403
    assert Client().post(f"{root}/open", {"secret": secret}).status_code == 303
    again = signed_in(alice).get(f"/shared/{made.share.key}/").content.decode()
    assert secret not in again
    assert "A new link was made" in again


def test_a_second_person_agrees_and_the_link_opens(
    sharing: Sharing, chest: Study, alice: User, manager: User, share_policy: Rules, officer: User
) -> None:
    share_policy(approval=SharePolicy.Approval.ALL)
    share = sharing(chest).share
    address = f"/shared/{share.key}/decide"
    assert "Dr Paul Mercier" in signed_in(manager).get("/shared/?of=department&show=waiting").content.decode()
    for nobody in (alice, officer):
        signed_in(nobody).post(address, {"verdict": "allow"})
        assert Share.objects.get().state == Share.State.WAITING
    assert signed_in(manager).post(address, {"verdict": "allow"}).status_code == 302
    found = Share.objects.get()
    assert (found.state, found.decided_by) == (Share.State.OPEN, manager)
    assert AuditEvent.objects.get(action="share.decided").actor_name == "marc"


def test_a_refusal_says_why(sharing: Sharing, chest: Study, alice: User, manager: User, share_policy: Rules) -> None:
    share_policy(approval=SharePolicy.Approval.ALL)
    share = sharing(chest).share
    client = signed_in(manager)
    assert client.post(f"/shared/{share.key}/decide", {"verdict": "refuse"}).status_code == 422
    assert client.post(f"/shared/{share.key}/decide", {"verdict": "maybe", "words": "?"}).status_code == 422
    client.post(f"/shared/{share.key}/decide", {"verdict": "refuse", "words": "Ask the patient first."})
    assert Share.objects.get().state == Share.State.REFUSED
    assert "Ask the patient first." in signed_in(alice).get(f"/shared/{share.key}/").content.decode()


def test_a_managers_own_share_waits_for_somebody_else(
    sharing: Sharing, chest: Study, manager: User, share_policy: Rules
) -> None:
    share_policy(approval=SharePolicy.Approval.ALL)
    share = sharing(chest).share
    Share.objects.update(created_by=manager)
    signed_in(manager).post(f"/shared/{share.key}/decide", {"verdict": "allow"})
    assert Share.objects.get().state == Share.State.WAITING
