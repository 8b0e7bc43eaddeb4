"""The bell, the list and the preferences: one's own alone, live by conditional requests."""

from collections.abc import Mapping, Sequence

import pytest
from django.test import Client

from accounts.actor import SYSTEM
from accounts.models import Notification, User
from accounts.notifications import services, subjects
from accounts.scope import Scope
from accounts.signing_in import notices
from imaging.access.requests import notices as access
from imaging.ingest import notices as ingest
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
BELL, LIST, CHOICES = "/notifications/bell", "/notifications/", "/account/notifications/"
PART = {"HX-Request": "true"}


@pytest.fixture
def ana(client: Client) -> User:
    """Somebody, signed in."""
    person = UserFactory.create(email="ana@hospital.example")
    client.force_login(person)
    return person


def tell(person: User, uid: str = "7") -> Notification:
    """Tell a person that their request was decided."""
    services.notify(
        [person], access.DECIDED, path=f"/access/requests/{uid}/", subject=("access_request", uid), actor=SYSTEM
    )
    return Notification.objects.latest("pk")


@pytest.mark.usefixtures("early_clock")
def test_the_bell_counts_and_answers_304_while_nothing_is_new(ana: User, client: Client) -> None:
    first = client.get(BELL, headers=PART)
    assert "unread" not in first.content.decode()
    assert client.get(BELL, headers={**PART, "If-None-Match": first["ETag"]}).status_code == 304
    tell(ana)
    second = client.get(BELL, headers={**PART, "If-None-Match": first["ETag"]})
    assert second.status_code == 200
    assert "Notifications, 1 unread" in second.content.decode()
    assert "Notifications, 1 unread" in client.get("/").content.decode()


def test_strangers_have_no_bell(client: Client) -> None:
    assert client.get(BELL, headers=PART).status_code == 401
    assert client.get(LIST).status_code == 302


def test_opening_reads_it_and_leads_to_its_page(ana: User, client: Client) -> None:
    row = tell(ana)
    page = client.get(LIST).content.decode()
    assert "Your access request was decided" in page
    assert f'href="/notifications/{row.pk}/"' in page
    answer = client.get(f"/notifications/{row.pk}/")
    assert (answer.status_code, answer["Location"]) == (302, "/access/requests/7/")
    assert "Read before" in client.get(LIST).content.decode()


def test_the_page_that_shows_it_already_reads_it_but_not_what_is_urgent(ana: User, client: Client) -> None:
    tell(ana)
    here = {**PART, "HX-Current-URL": "http://testserver/access/requests/7/?from=mail"}
    assert "unread" not in client.get(BELL, headers=here).content.decode()
    urgent = tell(ana)
    Notification.objects.filter(pk=urgent.pk).update(is_urgent=True)
    assert "data-toast=" in client.get(BELL, headers=here).content.decode()
    elsewhere = {**PART, "HX-Current-URL": "http://evil.example/access/requests/7/"}
    tell(ana, "8")
    assert "2 unread" in client.get(BELL, headers=elsewhere).content.decode()


def test_anothers_is_neither_opened_nor_read(ana: User, client: Client) -> None:
    row = tell(UserFactory.create())
    assert client.get(f"/notifications/{row.pk + 1}/").status_code == 404
    assert client.get(f"/notifications/{row.pk}/").status_code == 404
    client.post("/notifications/read", {"which": str(row.pk)})
    client.post("/notifications/read", {"which": "all"})
    row.refresh_from_db()
    assert row.read_at is None
    for odd in ("", "-1", "1e3", "٣", "9" * 30):
        assert client.post("/notifications/read", {"which": odd}).status_code == 404, odd
    assert client.get(f"/notifications/{'9' * 30}/").status_code == 404
    assert client.get(LIST, {"before": "9" * 30}).status_code == 200


def test_all_are_read_at_once(ana: User, client: Client) -> None:
    for uid in "123":
        tell(ana, uid)
    client.post("/notifications/read", {"which": "all"})
    assert not Notification.objects.filter(read_at=None).exists()


def test_what_was_read_is_paged(ana: User, client: Client) -> None:
    for uid in range(60):
        tell(ana, str(uid))
    services.mark_read(ana)
    page = client.get(LIST).content.decode()
    assert page.count('class="notice"') == 50
    older = page.split('rel="next" href="')[1].split('"')[0]
    assert client.get(LIST + older).content.decode().count('class="notice"') == 10


def test_whom_it_is_about_is_told_as_far_as_the_scope_shows_it(
    ana: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def describe(scope: Scope, uids: Sequence[str]) -> Mapping[str, str]:
        assert scope.principal.id == str(ana.pk)
        return {uid: "Susan <b>Secret</b>" for uid in uids if uid == "7"}

    monkeypatch.setattr(subjects, "_REGISTRY", {"access_request": describe})
    tell(ana)
    tell(ana, "8")
    page = client.get(LIST).content.decode()
    assert page.count("Susan &lt;b&gt;Secret&lt;/b&gt;") == 1


def test_people_choose_among_what_may_concern_them(ana: User, client: Client) -> None:
    page = client.get(CHOICES).content.decode()
    assert notices.FACTOR_ADDED.name in page
    assert ingest.SILENT.name not in page
    chosen = {"in_page": [notices.FACTOR_ADDED.name, ingest.SILENT.name]}
    assert client.post(CHOICES, chosen).status_code == 302
    kept = {row.kind: (row.in_page, row.by_mail) for row in ana.notification_preferences.all()}
    assert kept[notices.FACTOR_ADDED.name] == (True, True), "mail about security stays"
    assert ingest.SILENT.name not in kept
