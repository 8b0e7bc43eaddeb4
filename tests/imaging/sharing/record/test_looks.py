"""Who looked, as the patient reads it: staff by what they do, proxies by name, nothing about what the record does not show."""

import pytest
from django.test import Client

from accounts.audit.models import AuditEvent
from accounts.labels import Label
from accounts.models import Department, User
from accounts.roles import Role
from imaging.privacy.looking.grounds import Ground as LookGround
from imaging.privacy.looking.grounds import Grounds, Told
from imaging.sharing.models.choices import Factor
from imaging.sharing.models.records import Ground, Relation
from imaging.studies import protecting
from imaging.studies.models import Study
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.imaging.sharing.record.conftest import Giving, Rules, come_in
from tests.imaging.sharing.record.test_what_a_record_shows import ALICE, study_of, text_of
from tests.shared_links import Sharing, open_link
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bruno(emergency: Department) -> User:
    """A physician of the department who looks at images."""
    user = UserFactory.create(display_name="Bruno Blanc")
    MembershipFactory.create(user=user, department=emergency, role=Role.CLINICIAN)
    return user


def look(user: User, study: Study) -> None:
    browser = Client()
    browser.force_login(user)
    assert browser.get(f"/viewer/{study.study_instance_uid}/").status_code == 200


def test_staff_are_told_by_their_role_and_named_where_the_rules_say_so(
    give: Giving, rules: Rules, chest: Study, bruno: User, outside: Client, emergency: Department
) -> None:
    look(bruno, chest)
    root = come_in(outside, give(chest))
    page = text_of(outside, f"{root}record/looks")
    assert "Clinician" in page
    assert emergency.label in page
    assert "opened an examination" in page
    assert "Bruno Blanc" not in page
    assert "Alice Martin" not in page
    rules(names_staff=True)
    page = text_of(outside, f"{root}record/looks")
    assert "Bruno Blanc" in page


def test_the_patients_own_visits_and_those_of_proxies_are_told_apart(
    give: Giving, chest: Study, outside: Client
) -> None:
    own = give(chest)
    friend = give(chest, relation=Relation.PARTNER, ground=Ground.WISH, name="Paul Roche")
    elsewhere = Client()
    theirs = come_in(elsewhere, friend)
    elsewhere.get(f"{theirs}viewer/{chest.study_instance_uid}/")
    root = come_in(outside, own)
    page = text_of(outside, f"{root}record/looks")
    assert "You, by this link" in page
    assert "Paul Roche (the husband, wife or partner), by their own link" in page


def test_what_is_about_a_protected_examination_is_not_told(
    give: Giving, chest: Study, archive: Archive, outside: Client, emergency: Department, bruno: User
) -> None:
    kept = study_of(archive, StudyDescription="Kept apart")
    nurse = UserFactory.create(display_name="Nina Noir")
    MembershipFactory.create(user=nurse, department=emergency, role=Role.RADIOLOGIST)
    look(nurse, kept)
    look(bruno, chest)
    protecting.protect(kept, Label.PROTECTED, reason="a patient's wish", actor=ALICE)
    root = come_in(outside, give(chest))
    page = text_of(outside, f"{root}record/looks")
    assert "Clinician" in page
    assert "Radiologist" not in page


def test_with_whom_images_were_shared_is_told_without_the_names_of_staff(
    give: Giving, rules: Rules, sharing: Sharing, chest: Study, outside: Client, emergency: Department
) -> None:
    made = sharing(chest, factor=Factor.PRINTED)
    come_in(Client(), made)
    root = come_in(outside, give(chest))
    page = text_of(outside, root)
    assert "Dr Paul Mercier" in page
    assert "Alice Martin" not in page
    assert "Dr Paul Mercier" in text_of(outside, f"{root}record/looks")
    rules(names_recipients=False)
    page = text_of(outside, root)
    assert "Dr Paul Mercier" not in page
    assert "a colleague elsewhere" in page
    assert "Dr Paul Mercier" not in text_of(outside, f"{root}record/looks")
    rules(shows_shares=False)
    assert "a colleague elsewhere" not in text_of(outside, root)


def test_shares_of_what_the_record_does_not_show_are_not_told(
    give: Giving, sharing: Sharing, chest: Study, archive: Archive, outside: Client
) -> None:
    kept = study_of(archive, StudyDescription="Kept apart")
    sharing(kept, name="Dr Secret", factor=Factor.PRINTED)
    protecting.protect(kept, Label.PROTECTED, reason="a patient's wish", actor=ALICE)
    root = come_in(outside, give(chest))
    assert "Dr Secret" not in text_of(outside, root)
    assert "Dr Secret" not in text_of(outside, f"{root}record/looks")


def test_reading_it_is_on_record(give: Giving, chest: Study, outside: Client) -> None:
    made = give(chest)
    root = come_in(outside, made)
    outside.get(root)
    outside.get(f"{root}record/looks?months=12")
    done = AuditEvent.objects.filter(actor_kind="share", subject_uid=made.share.key)
    assert {"share.opened", "share.proved", "shares.read", "audit.read"} <= set(done.values_list("action", flat=True))
    assert set(done.values_list("patient_id", flat=True)) == {chest.patient.patient_id}


def test_who_looked_is_not_there_where_the_rules_do_not_show_it(
    give: Giving, rules: Rules, chest: Study, outside: Client
) -> None:
    rules(shows_looks=False)
    root = come_in(outside, give(chest))
    assert "Who looked" not in text_of(outside, root)
    assert outside.get(f"{root}record/looks").status_code == 404


def test_no_page_of_the_patients_names_who_gave_the_link(give: Giving, chest: Study, outside: Client) -> None:
    made = give(chest)
    open_link(outside, made)
    root = f"/s/{made.share.key}/"
    assert "Alice Martin" not in text_of(outside, root)
    outside.post(f"{root}proof", {"answer": made.handed.proof})
    assert "Alice Martin" not in text_of(outside, root)
    download = outside.get(f"{root}studies/{chest.study_instance_uid}/download")
    assert b"Alice Martin" not in b"".join(download.streaming_content)  # type: ignore[attr-defined]
    ended = outside.post(f"{root}record/close", follow=True)
    assert "Alice Martin" not in ended.content.decode()


def test_what_staff_wrote_to_each_other_is_not_told(
    give: Giving, chest: Study, outside: Client, monkeypatch: pytest.MonkeyPatch, bruno: User
) -> None:
    look(bruno, chest)
    monkeypatch.setattr(Grounds, "of", lambda self, line: (Told(LookGround.EMERGENCY, "suspicion about the father"),))
    root = come_in(outside, give(chest))
    page = text_of(outside, f"{root}record/looks")
    assert "emergency access" in page
    assert "the father" not in page
