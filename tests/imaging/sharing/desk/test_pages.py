"""The desk: who sees which shares, what of the patient, and what has happened to them."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.audit.models import AuditEvent
from accounts.models import Department, Membership, User
from imaging.sharing.models import Share
from imaging.sharing.models.choices import Factor
from imaging.studies.models import Placement, Study
from tests import queries
from tests.factories import arrivals
from tests.imaging.sharing.desk.conftest import signed_in
from tests.shared_links import Made, Sharing, open_link
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db(transaction=True)


def shown(client: Client, address: str = "/shared/", **headers: str) -> str:
    answer = client.get(address, headers=headers)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def test_who_shares_finds_it_with_recipient_patient_end_and_opens(made: Made, alice: User) -> None:
    page = shown(signed_in(alice))
    for word in ("Dr Paul Mercier", "DURAND", "Chest PA", "0 / 5", "never opened"):
        assert word in page, word


def test_the_list_of_somebody_else_has_none_of_it(made: Made, colleague: User) -> None:
    page = shown(signed_in(colleague))
    assert "Mercier" not in page
    assert "DURAND" not in page


def test_who_never_shares_has_no_desk(made: Made, charlie: User) -> None:
    assert signed_in(charlie).get("/shared/").status_code == 403
    assert signed_in(charlie).get(f"/shared/{made.share.key}/").status_code == 403
    assert Client().get("/shared/").status_code == 302


def test_the_managers_tab_has_the_whole_department_and_no_other(made: Made, manager: User, other_manager: User) -> None:
    page = shown(signed_in(manager), "/shared/?of=department")
    assert "Alice Martin" in page
    assert "DURAND" in page
    assert "Mercier" not in shown(signed_in(other_manager), "/shared/?of=department")
    assert "Mercier" not in shown(signed_in(other_manager), "/shared/?of=all")


def test_the_privacy_officer_sees_every_share_and_no_patients_name(made: Made, officer: User) -> None:
    client = signed_in(officer)
    for page in (shown(client, "/shared/?of=all"), shown(client, f"/shared/{made.share.key}/")):
        assert "Dr Paul Mercier" in page
        assert "D••• J." in page
        assert "DURAND" not in page.upper()
        assert "Chest PA" not in page


def test_an_administrator_of_the_department_reads_initials_only(made: Made, administrator: User) -> None:
    page = shown(signed_in(administrator), f"/shared/{made.share.key}/")
    assert "D••• J." in page
    assert "DURAND" not in page


def test_the_owner_reads_initials_once_the_study_has_left(made: Made, chest: Study, alice: User) -> None:
    Placement.objects.filter(study=chest).delete()
    page = shown(signed_in(alice), f"/shared/{made.share.key}/")
    assert "DURAND" not in page
    assert "Chest PA" not in page
    assert "D••• J." in page


@pytest.mark.parametrize("who", ["alice", "manager", "administrator", "officer"])
def test_one_share_is_shown_to_who_looks_after_it(made: Made, request: Any, who: str) -> None:
    assert "Dr Paul Mercier" in shown(signed_in(request.getfixturevalue(who)), f"/shared/{made.share.key}/")


@pytest.mark.parametrize("who", ["colleague", "bob", "other_manager"])
def test_one_share_is_not_there_for_others(made: Made, request: Any, who: str) -> None:
    client = signed_in(request.getfixturevalue(who))
    assert client.get(f"/shared/{made.share.key}/").status_code == 404
    assert client.get("/shared/AAAAbbbbCCCC/").status_code == 404


def test_who_left_the_department_has_lost_its_shares(
    made: Made, alice: User, orthopaedics: Department, bob: User
) -> None:
    Membership.objects.filter(user=alice).update(department=orthopaedics)
    client = signed_in(alice)
    assert "Mercier" not in shown(client)
    assert client.get(f"/shared/{made.share.key}/").status_code == 404
    assert client.post(f"/shared/{made.share.key}/revoke").status_code == 404


def test_each_tab_holds_what_belongs_there(sharing: Sharing, chest: Study, alice: User) -> None:
    now = timezone.now()
    names = {"open": "Dr Open", "waiting": "Dr Waiting", "ending": "Dr Ending", "ended": "Dr Ended"}
    made = {tab: sharing(chest, name=name).share for tab, name in names.items()}
    Share.objects.filter(pk=made["waiting"].pk).update(state=Share.State.WAITING)
    Share.objects.filter(pk=made["ending"].pk).update(valid_until=now + dt.timedelta(hours=30))
    Share.objects.filter(pk=made["ended"].pk).update(state=Share.State.LOCKED)
    client = signed_in(alice)
    for tab, name in names.items():
        page = shown(client, f"/shared/?show={tab}")
        found = {other for other in names.values() if other in page}
        assert found == ({name, "Dr Ending"} if tab == "open" else {name}), tab


def test_a_name_is_looked_for_in_the_body_of_a_request(made: Made, alice: User, officer: User) -> None:
    mine = signed_in(alice)
    assert "Mercier" in mine.post("/shared/find", {"words": "durand", "show": "open"}).content.decode()
    assert "Mercier" in mine.post("/shared/find", {"words": "MERCIER", "show": "open"}).content.decode()
    assert "Mercier" not in mine.post("/shared/find", {"words": "Petit", "show": "open"}).content.decode()
    assert mine.get("/shared/find").status_code == 405
    theirs = signed_in(officer).post("/shared/find", {"words": "durand", "of": "all"})
    assert "Mercier" not in theirs.content.decode()


@pytest.mark.parametrize("address", ["?of=<b>&show='", "?from=-1", "?from=9999999", "?from=²", "?of=all", "?show=%00"])
def test_nonsense_in_the_address_shows_the_first_list(made: Made, alice: User, address: str) -> None:
    assert 'id="share-rows"' in shown(signed_in(alice), f"/shared/{address}")


@pytest.mark.parametrize("words", ["", "\x00", "%", "'" * 100, "x" * 5000, "<script>alert(1)</script>"])
def test_nonsense_that_is_looked_for_does_no_harm(made: Made, alice: User, words: str) -> None:
    answer = signed_in(alice).post("/shared/find", {"words": words}, follow=True)
    assert answer.status_code == 200
    assert b"<script>alert" not in answer.content


def test_what_a_hostile_recipient_is_called_is_escaped(sharing: Sharing, chest: Study, alice: User) -> None:
    made = sharing(chest, name="<script>alert(1)</script>", note="<img src=x onerror=alert(1)>")
    client = signed_in(alice)
    for page in (shown(client), shown(client, f"/shared/{made.share.key}/")):
        assert "<script>alert" not in page
        assert "<img src=x" not in page


@pytest.mark.usefixtures("early_clock")
def test_the_list_is_refreshed_cheaply_until_something_has_changed(made: Made, alice: User, outside: Client) -> None:
    client = signed_in(alice)
    first = client.get("/shared/", headers={"HX-Request": "true"})
    assert "csrf" not in first.content.decode()
    again = {"HX-Request": "true", "If-None-Match": first["ETag"]}
    assert client.get("/shared/", headers=again).status_code == 304
    open_link(outside, made)
    assert "1 / 5" in shown(client, **again)


def test_one_share_tells_when_by_which_device_and_which_study_it_was_opened(
    made: Made, alice: User, outside: Client, chest: Study
) -> None:
    outside.defaults["HTTP_USER_AGENT"] = (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile Safari/604.1"
    )
    outside.post(f"/s/{made.share.key}/open", {"secret": "wrong"})
    open_link(outside, made)
    outside.post(f"/s/{made.share.key}/proof", {"answer": made.handed.proof})
    for _time in range(3):
        assert outside.get(f"/s/{made.share.key}/viewer/{chest.study_instance_uid}/").status_code == 200
    page = shown(signed_in(alice), f"/shared/{made.share.key}/")
    for word in ("wrong code or link was tried", "Images looked at", "× 3", "127.0.0.1", "iPhone", "1 of 10", "1 of 5"):
        assert word in page, word


def test_what_is_not_shown_any_more_is_told_with_its_reason(
    made: Made, chest: Study, manager: User, archive: Archive
) -> None:
    other = arrivals.dataset(PatientID="OTHER")
    archive.receive(other)
    stranger = Study.objects.get(study_instance_uid=other.StudyInstanceUID).patient
    client = signed_in(manager)
    assert "not shown any more" not in shown(client, f"/shared/{made.share.key}/")
    Study.objects.filter(pk=chest.pk).update(patient=stranger)
    page = shown(client, f"/shared/{made.share.key}/")
    assert "It opens nothing any more" in page
    assert "another patient" in page


def test_a_look_at_one_share_is_on_record_with_its_patient(made: Made, officer: User) -> None:
    shown(signed_in(officer), f"/shared/{made.share.key}/")
    event = AuditEvent.objects.get(action="shares.read", subject_uid=made.share.key)
    assert (event.actor_name, event.patient_id) == ("petra", made.share.patient.patient_id)  # type: ignore[union-attr]


def test_a_list_asks_as_much_for_many_shares_as_for_one(sharing: Sharing, chest: Study, alice: User) -> None:
    sharing(chest)
    client = signed_in(alice)
    asked = []
    for _turn in range(2):
        shown(client)
        with CaptureQueriesContext(connection) as context:
            shown(client)
        asked.append(queries.of_the_page(context))
        for number in range(8):
            sharing(chest, name=f"Dr {number}", factor=Factor.PRINTED)
    assert len(asked[1]) <= len(asked[0]), asked[1]


def test_one_share_asks_as_much_after_many_visits_as_before(made: Made, alice: User) -> None:
    client = signed_in(alice)
    address = f"/shared/{made.share.key}/"
    asked = []
    for _turn in range(2):
        shown(client, address)
        with CaptureQueriesContext(connection) as context:
            shown(client, address)
        asked.append(queries.of_the_page(context))
        for _visit in range(4):
            open_link(Client(), made)
    assert "5 of 5" in shown(client, address)
    assert len(asked[1]) <= len(asked[0]), asked[1]


def test_the_bar_offers_the_desk_to_who_shares_alone(made: Made, alice: User, charlie: User) -> None:
    assert 'href="/shared/"' in shown(signed_in(alice), "/")
    assert 'href="/shared/"' not in shown(signed_in(charlie), "/")
