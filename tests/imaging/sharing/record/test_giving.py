"""Giving a link: who may, what is asked, what is sent and printed, and what is seen of it at the desk."""

import datetime as dt
import re

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from accounts.audit.models import AuditEvent
from accounts.models import Department, User
from accounts.roles import Role
from imaging.sharing import tending
from imaging.sharing.letters import content
from imaging.sharing.making import services as making
from imaging.sharing.making.services import NotShared
from imaging.sharing.models import RecordPolicy, Share, ShareVisit
from imaging.sharing.models.choices import Factor
from imaging.sharing.models.records import Ground, Relation
from imaging.sharing.record import policies
from imaging.studies.models import Patient, Study
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.imaging.sharing.record.conftest import Giving, Rules, come_in
from tests.imaging.sharing.record.test_what_a_record_shows import ALICE, oppose, text_of
from tests.shared_links import Letters, code_in, open_link, share_policy

__all__ = ["share_policy"]

pytestmark = pytest.mark.django_db(transaction=True)

NEW = "/shared/record/new"


def filled(study: Study, **changes: object) -> dict[str, object]:
    return {
        "study": study.study_instance_uid,
        "relation": "self",
        "identity": "card",
        "email": "jeanne@home.example",
        "language": "en",
        "factor": "email",
        "until_date": "2027-01-15",
        **changes,
    }


@pytest.fixture
def alices(client: Client, alice: User) -> Client:
    """Alice's browser."""
    client.force_login(alice)
    return client


def test_a_link_is_given_from_the_page_of_a_study_and_mailed(
    alices: Client, rules: Rules, chest: Study, letters: Letters, outside: Client
) -> None:
    page = alices.get(f"/studies/{chest.study_instance_uid}/").content.decode()
    assert f"{NEW}?study={chest.study_instance_uid}" in page
    assert alices.get(NEW, {"study": chest.study_instance_uid}).status_code == 200
    answer = alices.post(NEW, filled(chest))
    assert "The link to the record is made" in answer.content.decode()
    [mail] = letters()
    assert mail.subject.startswith("Your link to the imaging record")
    assert "Durand" not in mail.subject + str(mail.body)
    found = re.search(r"/s/(\S+)/#(\S+)", str(mail.body))
    assert found
    outside.post(f"/s/{found[1]}/open", {"secret": found[2]})
    outside.post(f"/s/{found[1]}/proof", {"answer": code_in(letters()[-1])})
    assert "Chest PA" in text_of(outside, f"/s/{found[1]}/")
    share = Share.objects.get()
    assert (share.kind, share.recipient_name, share.record.identity) == ("record", "Durand, Jeanne", "card")
    detail = AuditEvent.objects.get(action="share.made").detail
    assert (detail["kind"], detail["relation"], detail["identity"]) == ("record", "self", "card")
    assert found[2] not in str(detail)


def test_the_same_form_sent_twice_gives_one_link(alices: Client, rules: Rules, chest: Study) -> None:
    token = making.new_token()
    alices.post(NEW, filled(chest, token=token))
    again = alices.post(NEW, filled(chest, token=token))
    assert again.status_code == 303
    assert Share.objects.count() == 1


def test_nothing_is_offered_or_given_where_the_rules_do_not_say_so(alices: Client, chest: Study) -> None:
    assert NEW not in alices.get(f"/studies/{chest.study_instance_uid}/").content.decode()
    answer = alices.post(NEW, filled(chest))
    assert answer.status_code == 422
    assert "gives patients no link to their record" in answer.content.decode()
    assert not Share.objects.exists()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"relation": "parent", "name": "Léa"}, "Say on which ground"),
        ({"relation": "parent", "ground": "parental"}, "Give the name of the person"),
        ({"relation": "parent", "ground": "parental", "name": "Léa"}, "The patient is of age"),
        ({"until_date": "2020-01-01"}, "The end must lie ahead"),
        ({"until_date": "2036-01-01"}, "365 days at the most"),
        ({"until_date": ""}, "The end must lie ahead"),
        ({"email": ""}, "Give the e-mail address"),
        ({"factor": "birth_date"}, "birth_date is not one of the available choices"),
        ({"factor": "none"}, "none is not one of the available choices"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_given(
    alices: Client, rules: Rules, chest: Study, changes: dict[str, str], sentence: str
) -> None:
    answer = alices.post(NEW, filled(chest, **changes))
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Share.objects.exists()


def test_who_does_not_see_the_study_or_may_not_share_gives_nothing(
    rules: Rules, chest: Study, bob: User, charlie: User, emergency: Department
) -> None:
    stranger, trainee = Client(), Client()
    stranger.force_login(bob)
    assert stranger.post(NEW, filled(chest)).status_code == 404
    MembershipFactory.create(user=charlie, department=emergency, role=Role.TRAINEE)
    trainee.force_login(charlie)
    assert trainee.post(NEW, filled(chest)).status_code == 403
    assert Client().get(NEW).status_code == 302
    assert not Share.objects.exists()


def test_a_role_that_the_rules_do_not_name_gives_nothing(give: Giving, rules: Rules, chest: Study) -> None:
    rules(roles=["radiologist"])
    with pytest.raises(NotShared) as refused:
        give(chest)
    assert "not_your_role" in [problem.why for problem in refused.value.problems]


def test_where_a_second_person_allows_all_shares_a_record_waits_too(
    give: Giving, chest: Study, outside: Client, share_policy: object, letters: Letters
) -> None:
    share_policy(approval="all")  # type: ignore[operator]
    made = give(chest, email="jeanne@home.example", factor=Factor.EMAIL, sends=True)
    assert made.share.state == Share.State.WAITING
    assert not letters()
    assert "second person" in open_link(outside, made).content.decode()


def test_a_standing_link_is_opened_often_and_a_code_is_sent_each_time(
    give: Giving, chest: Study, letters: Letters
) -> None:
    made = give(chest, email="jeanne@home.example", factor=Factor.EMAIL)
    Share.objects.update(codes_sent=200)
    browser = Client()
    open_link(browser, made)
    browser.post(f"/s/{made.share.key}/proof", {"answer": code_in(letters()[-1])})
    assert "Chest PA" in text_of(browser, f"/s/{made.share.key}/")


def test_wrong_codes_are_told_to_whoever_gave_it_and_lock_it(give: Giving, rules: Rules, chest: Study) -> None:
    rules(most_wrong=3)
    made = give(chest)
    for _number in range(3):
        Client().post(f"/s/{made.share.key}/open", {"secret": "x" * 43})
    made.share.refresh_from_db()
    assert made.share.state == Share.State.LOCKED
    kinds = set(made.share.created_by.notifications.values_list("kind", flat=True))
    assert {"share.wrong", "share.locked"} <= kinds


def test_the_letter_is_about_the_record(alices: Client, give: Giving, chest: Study) -> None:
    made = give(chest)
    told = {"secret": made.handed.secret, "code": made.handed.code, "proof": made.handed.proof}
    words = content.letter(made.share, made.handed)
    assert words.title == "Your link to the imaging record"
    assert "Durand" in words.greeting
    assert any("New examinations show by themselves" in line for line in words.advice)
    answer = alices.post(f"/shared/{made.share.key}/letter", told)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/pdf"


def test_the_desk_shows_what_it_is_and_who_else_has_one(
    alices: Client, give: Giving, chest: Study, outside: Client
) -> None:
    own = give(chest)
    friend = give(chest, relation=Relation.OTHER, ground=Ground.WISH, name="Paul Roche", ground_words="letter of 2 May")
    page = alices.get(f"/shared/{own.share.key}/").content.decode()
    assert "The patient’s own record" in page
    assert "Paul Roche" in page
    page = alices.get(f"/shared/{friend.share.key}/").content.decode()
    assert "letter of 2 May" in page
    assert "the patient’s own record" in alices.get("/shared/").content.decode()
    root = come_in(outside, own)
    outside.post(f"{root}record/close")
    page = alices.get(f"/shared/{own.share.key}/").content.decode()
    assert "Closed by who holds it" in page


def test_a_link_is_extended_by_the_rules_of_records(give: Giving, chest: Study, alice: User) -> None:
    made = give(chest)
    later = made.share.valid_until.replace(hour=12)
    made.share.valid_until = later
    extended = making.change(made.share, user=alice, actor=ALICE, valid_until=later, most_opens=400)
    assert extended.most_opens == 400
    with pytest.raises(NotShared):
        making.change(made.share, user=alice, actor=ALICE, most_opens=600)


def test_there_is_no_health_link_of_a_record(give: Giving, chest: Study, outside: Client) -> None:
    made = give(chest)
    root = come_in(outside, made)
    assert outside.get(f"{root}shl").status_code == 403
    assert ShareVisit.objects.count() == 1


def test_the_page_is_shown_beforehand_and_nothing_is_left_of_it(
    alices: Client, rules: Rules, chest: Study, letters: Letters
) -> None:
    answer = alices.post("/shared/record/preview", filled(chest))
    page = answer.content.decode()
    assert "Preview: your recipient will see this page" in page
    assert "Chest PA" in page
    assert not Share.objects.exists()
    assert not letters()
    assert not AuditEvent.objects.filter(action__startswith="share.").exists()
    rules(is_given=False)
    answer = alices.post("/shared/record/preview", filled(chest))
    assert answer.status_code == 422
    assert "gives patients no link to their record" in answer.content.decode()


def test_what_a_second_person_allows_is_sent_as_a_link_to_a_record(
    give: Giving, chest: Study, outside: Client, share_policy: object, letters: Letters
) -> None:
    share_policy(approval="all")  # type: ignore[operator]
    made = give(chest, email="jeanne@home.example", sends=True)
    allowed = making.decide(made.share, allow=True, words="", user=UserFactory.create(), actor=ALICE)
    assert allowed is not None
    assert letters()[-1].subject.startswith("Your link to the imaging record")
    assert "Chest PA" in text_of(outside, come_in(outside, allowed))


def test_a_parents_link_is_never_extended_beyond_the_birthday(give: Giving, chest: Study, alice: User) -> None:
    Patient.objects.update(birth_date=policies.birthday(timezone.localdate(), -17))
    chest.patient.refresh_from_db()
    soon = timezone.now() + dt.timedelta(days=30)
    made = give(chest, relation=Relation.PARENT, ground=Ground.PARENTAL, name="Léa Durand", valid_until=soon)
    later = timezone.now() + dt.timedelta(days=366)
    extended = making.change(made.share, user=alice, actor=ALICE, valid_until=later)
    eighteen = policies.birthday(chest.patient.birth_date, 18)  # type: ignore[arg-type]
    assert timezone.localdate(extended.valid_until, made.share.department.site.zone) == eighteen


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"factors": ["birth_date"]}, "factors"),
        ({"factors": []}, "factors"),
        ({"critical_report_days": 1}, "critical_report_days"),
    ],
)
def test_rules_that_contradict_themselves_are_refused(
    changes: dict[str, object], field: str, emergency: Department
) -> None:
    policy = RecordPolicy(department=emergency, **{"report_days": 3, **changes})
    with pytest.raises(ValidationError) as refused:
        policy.full_clean()
    assert field in refused.value.error_dict


def test_whoever_gave_it_is_told_once_when_the_patient_opposes(give: Giving, chest: Study, alice: User) -> None:
    give(chest)
    tending.tend()
    assert not alice.notifications.exists()
    oppose(chest.patient)
    tending.tend()
    tending.tend()
    assert [row.kind for row in alice.notifications.all()] == ["share.stopped"]
