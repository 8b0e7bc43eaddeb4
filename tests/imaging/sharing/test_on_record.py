"""Shares on record: in the rules of departments, in the audit's formats, and for the patient who asks who looked."""

import pytest
from django.test import Client
from django.utils import timezone, translation

from accounts import audit
from accounts.audit import actors
from accounts.audit.dicom_codes import CODES, SECURITY_ALERT, USER_AUTHENTICATION
from accounts.audit.models import AuditEvent
from accounts.models import Department, User
from accounts.roles import Role
from imaging.privacy.looking import letters, selectors
from imaging.privacy.looking.grounds import Ground
from imaging.privacy.looking.identities import identity_of
from imaging.privacy.looking.selectors import Group, Period
from imaging.sharing.models import SharePolicy
from imaging.sharing.models.choices import Factor
from imaging.studies.models import Study
from tests import memories
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.shared_links import Made, Sharing, open_link

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nobody_tried_before() -> None:
    """Tries of an address are counted for all shares."""
    memories.forget()


@pytest.fixture
def visited(sharing: Sharing, chest: Study, outside: Client) -> Made:
    """A share of which the images were looked at."""
    made = sharing(chest, factor=Factor.PRINTED)
    open_link(outside, made)
    outside.post(f"/s/{made.share.key}/proof", {"answer": made.handed.proof})
    outside.get(f"/s/{made.share.key}/viewer/{chest.study_instance_uid}/")
    return made


def groups(study: Study) -> dict[str, Group]:
    today = Period(timezone.localdate(), timezone.localdate())
    return {group.kind: group for group in selectors.looks_at(identity_of(study.patient), today).groups}


def test_who_looked_by_a_link_is_named_with_who_gave_it(visited: Made, chest: Study) -> None:
    found = groups(chest)["share"]
    assert found.name == "Dr Paul Mercier, by the link that Alice Martin shared"
    said = [words for words, _number in found.done]
    assert "opened a link to your images" in said
    assert "opened an examination" in said
    assert found.doors == ("by a link that was given to somebody",)


def test_who_gave_the_link_did_so_for_the_department(visited: Made, chest: Study) -> None:
    found = groups(chest)["user"]
    assert found.name == "Alice Martin"
    assert "gave somebody a link to your images" in [words for words, _number in found.done]
    assert Ground.SHARING in {told.ground for told in found.grounds}
    assert not found.has_no_ground


@pytest.mark.parametrize("names_staff", [True, False])
def test_the_letter_names_who_gave_the_link_where_it_names_the_staff(
    visited: Made, chest: Study, names_staff: bool
) -> None:
    lines = letters.lines_of(groups(chest).values(), names_staff=names_staff)
    told = " ".join(line["who"] for line in lines)
    assert ("Alice Martin" in told) is names_staff
    assert ("Somebody who was given a link" in told) is not names_staff


def test_an_actor_that_is_gone_or_no_number_is_told_by_its_own_name(db: None) -> None:
    assert actors.described([("share", "999999"), ("share", "x"), ("share", "9" * 40), ("machine", "1")]) == {}


def test_the_words_are_the_readers_own(visited: Made) -> None:
    with translation.override("fr"):
        assert actors.described([("share", str(visited.share.pk))])


def test_every_act_about_a_share_has_its_code() -> None:
    acts = {action for action in audit.Action if action.value.startswith(("share.", "shares."))}
    assert acts <= set(CODES)
    assert CODES[audit.Action.SHARE_MADE].event == SECURITY_ALERT
    assert CODES[audit.Action.SHARE_OPENED].event == USER_AUTHENTICATION


@pytest.fixture
def administration(client: Client, emergency: Department) -> Client:
    """The administration, for somebody who runs the portal."""
    user = UserFactory.create(username="root", is_staff=True, is_superuser=True)
    MembershipFactory.create(user=user, department=emergency, role=Role.ADMINISTRATOR)
    client.force_login(user)
    return client


def rules(department: Department, **changes: object) -> dict[str, object]:
    return {
        "department": department.pk,
        "is_allowed": "on",
        "roles": ["clinician"],
        "approval": "none",
        "default_days": 10,
        "most_days": 20,
        "most_opens": 5,
        "most_wrong": 5,
        "most_upload_megabytes": 2000,
        "most_upload_files": 5000,
        "factor_required": "on",
        "factors": ["printed"],
        "report_hours": 0,
        **changes,
    }


def test_rules_are_kept_with_a_line_in_the_audit(administration: Client, emergency: Department) -> None:
    answer = administration.post("/admin/imaging/sharepolicy/add/", rules(emergency))
    assert answer.status_code == 302, answer.context["errors"]
    kept = SharePolicy.objects.get()
    assert (kept.roles, kept.factors, kept.most_days) == (["clinician"], ["printed"], 20)
    assert AuditEvent.objects.filter(action="setting.changed", subject_type="sharepolicy").count() == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"default_days": 30},
        {"factors": []},
        {"factors": ["none"]},
        {"roles": ["archivist"]},
        {"offers_download": "on"},
        {"most_wrong": 1},
        {"most_days": 99999},
        {"refused_recipients": ["everybody"]},
    ],
)
def test_rules_that_contradict_themselves_are_refused(
    administration: Client, emergency: Department, wrong: dict[str, object]
) -> None:
    assert administration.post("/admin/imaging/sharepolicy/add/", rules(emergency, **wrong)).status_code == 200
    assert not SharePolicy.objects.exists()


def test_new_rules_begin_with_what_holds_without_any(administration: Client) -> None:
    page = administration.get("/admin/imaging/sharepolicy/add/").content.decode()
    for name, value in (("roles", "clinician"), ("factors", "email")):
        field = page.split(f'name="{name}" value="{value}"', 1)[1].split(">", 1)[0]
        assert "checked" in field, name


def test_shares_themselves_stand_in_no_page_of_the_administration(
    administration: Client, visited: Made, alice: User
) -> None:
    assert administration.get("/admin/imaging/share/").status_code == 404
    assert "Mercier" not in administration.get("/admin/").content.decode()
