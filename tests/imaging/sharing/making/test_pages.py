"""The form with which somebody shares: what it offers, what it refuses in words, and the link that is shown once."""

import uuid
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.audit.models import AuditEvent
from accounts.models import Department, User
from accounts.roles import Role
from imaging.sharing.models import Share, ShareItem
from imaging.studies.models import Study
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory
from tests.shared_links import Letters
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db(transaction=True)

NEW = "/shared/new"


@pytest.fixture
def sender(alice: User, client: Client) -> Client:
    """Alice, signed in."""
    client.force_login(alice)
    return client


def filled(study: Study, **changes: Any) -> dict[str, Any]:
    """The form as most people send it."""
    return {
        "study": study.study_instance_uid,
        "token": str(uuid.uuid4()),
        "recipient": "colleague",
        "name": "Dr Paul Mercier",
        "email": "paul.mercier@cabinet-mercier.example",
        "language": "en",
        "what": "study",
        "until": "7",
        "most_opens": "5",
        "factor": "email",
        "purpose": "care",
        **changes,
    }


def refusal(answer: Any) -> str:
    assert answer.status_code == 422, answer.status_code
    assert not Share.objects.exists()
    return str(answer.content.decode())


def test_it_shares_sends_the_link_and_shows_it_once(sender: Client, chest: Study, letters: Letters) -> None:
    answer = sender.post(NEW, filled(chest))
    share = Share.objects.get()
    link = answer.context["link"]
    assert link in answer.content.decode()
    assert f"/s/{share.key}/#" in link
    [mail] = letters()
    assert mail.to == ["paul.mercier@cabinet-mercier.example"]
    assert link in str(mail.body)
    assert "Durand" not in str(mail.body)
    assert (share.valid_until - timezone.now()).days in {6, 7}
    event = AuditEvent.objects.get(action="share.made")
    assert event.patient_id == chest.patient.patient_id
    assert link.rpartition("#")[2] not in str(event.detail)


def test_pressing_twice_shares_once(sender: Client, chest: Study) -> None:
    sent = filled(chest)
    sender.post(NEW, sent)
    again = sender.post(NEW, sent)
    assert (again.status_code, again["Location"]) == (303, f"/shared/{Share.objects.get().key}/")


def test_handing_it_over_oneself_sends_nothing(sender: Client, chest: Study, letters: Letters) -> None:
    answer = sender.post(NEW, filled(chest, email="", factor="printed", hands_over="on", recipient="anyone"))
    assert "Nothing was sent" in answer.content.decode()
    assert answer.context["handed"].proof in answer.content.decode()
    assert letters() == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"email": ""}, "e-mail address to which the code is sent"),
        ({"email": "nobody"}, ""),
        ({"email": "a@b.example\nBcc: c@d.example"}, ""),
        ({"most_opens": "9999"}, "openings"),
        ({"until": "date", "until_date": "2001-01-01"}, "The end must lie ahead"),
        ({"until": "date", "until_date": ""}, "The end must lie ahead"),
        ({"until": "date", "until_date": "2999-01-01"}, "at the most"),
        ({"what": "series"}, "Nothing is left to be shared"),
        ({"what": "key_images"}, "Nothing is left to be shared"),
        ({"factor": "none"}, ""),
        ({"recipient": "nobody"}, ""),
        ({"may_upload": "on"}, "takes no images back"),
        ({"purpose": "other"}, "what the images are needed for"),
        ({"priors": "1.2.3"}, ""),
        ({"note": "x" * 3000}, ""),
    ],
)
def test_what_is_not_allowed_is_said_and_what_was_typed_stays(
    sender: Client, chest: Study, changes: dict[str, str], said: str
) -> None:
    page = refusal(sender.post(NEW, filled(chest, **changes)))
    assert said in page
    assert "Dr Paul Mercier" in page


def test_the_rules_of_the_department_hold(sender: Client, chest: Study, share_policy: Any) -> None:
    share_policy(may_download=False, refused_recipients=["anyone"], roles=["radiologist"])
    assert "Your role in this department" in refusal(sender.post(NEW, filled(chest)))
    share_policy(roles=["clinician"])
    assert "gives no downloads" in refusal(sender.post(NEW, filled(chest, may_download="on")))
    refusal(sender.post(NEW, filled(chest, recipient="anyone")))
    share_policy(is_allowed=False)
    assert "shares no images by link" in refusal(sender.post(NEW, filled(chest)))


def test_chosen_series_and_earlier_studies_are_what_is_shared(sender: Client, chest: Study, archive: Archive) -> None:
    before = arrivals.dataset(StudyDate="20200101", PatientName="Durand^Jeanne", PatientBirthDate="19620314")
    archive.receive(before)
    earlier = Study.objects.get(study_instance_uid=before.StudyInstanceUID)
    series = chest.series.get().series_instance_uid
    sent = filled(chest, what="series", series=[series], priors=[earlier.study_instance_uid])
    assert earlier.patient_id == chest.patient_id
    assert sender.post(NEW, sent).status_code == 200
    items = {(item.study_id, item.is_prior) for item in ShareItem.objects.all()}
    assert items == {(chest.pk, False), (earlier.pk, True)}


def test_the_study_page_offers_it_to_who_may(
    sender: Client, chest: Study, share_policy: Any, emergency: Department, charlie: User, client: Client
) -> None:
    page = f"/studies/{chest.study_instance_uid}/"
    assert f"{NEW}?study=" in sender.get(page).content.decode()
    share_policy(is_allowed=False)
    assert f"{NEW}?study=" not in sender.get(page).content.decode()
    share_policy(is_allowed=True)
    MembershipFactory.create(user=charlie, department=emergency, role=Role.TRAINEE)
    client.force_login(charlie)
    assert f"{NEW}?study=" not in client.get(page).content.decode()


def test_a_stranger_finds_nothing_and_a_member_without_the_right_is_refused(
    chest: Study, bob: User, charlie: User, emergency: Department, client: Client
) -> None:
    client.force_login(bob)
    assert client.get(f"{NEW}?study={chest.study_instance_uid}").status_code == 404
    assert client.post(NEW, filled(chest)).status_code == 404
    MembershipFactory.create(user=charlie, department=emergency, role=Role.TRAINEE)
    client.force_login(charlie)
    assert client.get(f"{NEW}?study={chest.study_instance_uid}").status_code == 403
    client.logout()
    assert client.get(f"{NEW}?study={chest.study_instance_uid}").status_code == 302
    assert not Share.objects.exists()


@pytest.mark.parametrize("uid", ["", "1.2.3", "x", "1" * 400, "\x00"])
def test_no_study_is_no_page(sender: Client, uid: str) -> None:
    assert sender.get(NEW, {"study": uid}).status_code == 404


def test_the_preview_is_the_recipients_page_and_shares_nothing(sender: Client, chest: Study, letters: Letters) -> None:
    answer = sender.post("/shared/preview", filled(chest, note="<b>As we said</b>", language="fr"))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "DURAND" in page
    assert "&lt;b&gt;As we said" in page
    assert " inert" in page
    assert not Share.objects.exists()
    assert letters() == []
    assert not AuditEvent.objects.filter(action__startswith="share.").exists()
    assert sender.get("/").status_code == 200


def test_a_preview_of_what_is_not_allowed_says_why(sender: Client, chest: Study) -> None:
    assert "openings" in sender.post("/shared/preview", filled(chest, most_opens="9999")).content.decode()


def test_the_page_tells_of_links_that_stand_already(sender: Client, chest: Study) -> None:
    sender.post(NEW, filled(chest))
    page = sender.get(NEW, {"study": chest.study_instance_uid}).content.decode()
    assert "shared already" in page
    assert "Dr Paul Mercier" in page


def test_who_asked_for_the_images_stands_in_the_form(sender: Client, archive: Archive, share_policy: Any) -> None:
    asked, nobody = arrivals.dataset(ReferringPhysicianName="Mercier^Paul^^Dr"), arrivals.dataset()
    archive.receive(asked, nobody)

    def begun(uid: str) -> tuple[object, object]:
        form = sender.get(NEW, {"study": uid}).context["form"]
        return form["recipient"].value(), form["name"].value() or ""

    assert begun(asked.StudyInstanceUID) == ("referrer", "Dr Paul Mercier")
    assert begun(nobody.StudyInstanceUID) == ("colleague", "")
    share_policy(refused_recipients=["referrer"])
    assert begun(asked.StudyInstanceUID) == ("colleague", "")
