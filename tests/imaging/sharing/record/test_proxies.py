"""Who acts for a patient has a link of their own: given on a ground, seen by the patient, ended alone, over when a child is of age."""

import datetime as dt

import pytest
from django.test import Client
from django.utils import timezone

from accounts.audit.models import AuditEvent
from accounts.models import Notification, User
from imaging.sharing.making.services import Made, NotShared
from imaging.sharing.models import Share
from imaging.sharing.models.records import Ground, Relation
from imaging.sharing.record import policies
from imaging.studies.models import Patient, Study
from tests.imaging.sharing.record.conftest import Giving, Rules, come_in
from tests.imaging.sharing.record.test_what_a_record_shows import text_of

pytestmark = pytest.mark.django_db(transaction=True)

PARENT = {"relation": Relation.PARENT, "ground": Ground.PARENTAL, "name": "Léa Durand"}
FRIEND = {"relation": Relation.OTHER, "ground": Ground.WISH, "name": "Paul Roche", "ground_words": "letter of 2 May"}


def years_ago(years: int, *, days: int = 0) -> dt.date:
    """The day so many years ago, and some days before it."""
    return policies.birthday(timezone.localdate(), -years) - dt.timedelta(days=days)


def born(chest: Study, day: dt.date | None) -> None:
    Patient.objects.filter(pk=chest.patient_id).update(birth_date=day)
    chest.patient.refresh_from_db()


def refusals(give: Giving, chest: Study, **wish: object) -> list[str]:
    with pytest.raises(NotShared) as refused:
        give(chest, **wish)
    return [problem.why for problem in refused.value.problems]


def test_a_birthday_of_the_29th_of_february_is_the_day_after_where_there_is_none() -> None:
    assert policies.birthday(dt.date(2008, 2, 29), 18) == dt.date(2026, 3, 1)
    assert policies.birthday(dt.date(2008, 2, 29), 20) == dt.date(2028, 2, 29)


def test_a_proxy_sees_the_record_by_their_own_link_and_is_told_as_whom(
    give: Giving, chest: Study, outside: Client
) -> None:
    page = text_of(outside, come_in(outside, give(chest, **FRIEND)))
    assert "Chest PA" in page
    assert "You look as Paul Roche" in page
    assert "Imaging record of" in page


def test_a_ground_and_a_name_are_needed(give: Giving, chest: Study, rules: Rules) -> None:
    found = refusals(give, chest, relation=Relation.RELATIVE)
    assert {"ground_needed", "name_needed"} <= set(found)
    rules(gives_proxies=False)
    assert "no_proxies" in refusals(give, chest, **FRIEND)
    assert not Share.objects.exists()


def test_a_parents_link_ends_on_the_birthday(give: Giving, chest: Study) -> None:
    born(chest, years_ago(17, days=300))
    share = give(chest, **PARENT).share
    eighteen = policies.birthday(chest.patient.birth_date, 18)  # type: ignore[arg-type]
    assert timezone.localdate(share.valid_until, share.department.site.zone) == eighteen
    share.refresh_from_db()
    assert timezone.localdate(share.valid_until, share.department.site.zone) == eighteen


def test_a_parent_of_somebody_of_age_gets_none(give: Giving, chest: Study) -> None:
    born(chest, years_ago(18))
    assert "is_of_age" in refusals(give, chest, **PARENT)
    assert give(chest, **{**PARENT, "ground": Ground.WISH}).share.pk


def test_a_parent_is_out_the_moment_the_child_is_of_age(give: Giving, chest: Study, outside: Client) -> None:
    born(chest, years_ago(10))
    made = give(chest, **PARENT)
    root = come_in(outside, made)
    assert "Chest PA" in text_of(outside, root)
    # Corrected: nobody touches the link, and no job runs.
    born(chest, years_ago(18))
    answer = outside.get(root)
    assert answer.status_code == 410
    assert "the patient is of age now" in answer.content.decode()
    assert outside.get(f"{root}viewer/{chest.study_instance_uid}/manifest.json").status_code == 404
    again = Client()
    said = again.post(f"/s/{made.share.key}/open", {"secret": made.handed.secret})
    assert "the patient is of age now" in said.content.decode()


def test_the_age_is_the_departments_rule(give: Giving, rules: Rules, chest: Study, outside: Client) -> None:
    born(chest, years_ago(16))
    root = come_in(outside, give(chest, **PARENT))
    assert outside.get(root).status_code == 200
    rules(of_age=16)
    assert outside.get(root).status_code == 410


def test_the_patients_own_link_and_one_by_their_wish_go_on(give: Giving, chest: Study, outside: Client) -> None:
    born(chest, years_ago(17))
    own, friend = come_in(outside, give(chest)), come_in(outside, give(chest, **FRIEND))
    born(chest, years_ago(30))
    assert outside.get(own).status_code == 200
    assert outside.get(friend).status_code == 200


@pytest.fixture
def both(give: Giving, chest: Study) -> tuple[Made, Made]:
    """The patient's own link, and that of a friend."""
    return give(chest), give(chest, **FRIEND)


def test_the_patient_sees_proxies_and_ends_one(
    both: tuple[Made, Made], chest: Study, outside: Client, alice: User
) -> None:
    own, friend = both
    elsewhere = Client()
    friends = come_in(elsewhere, friend)
    root = come_in(outside, own)
    page = text_of(outside, root)
    assert "Paul Roche" in page
    assert "somebody else whom the patient trusts" in page
    answer = outside.post(f"{root}record/end-proxy", {"proxy": friend.share.key}, follow=True)
    assert "That link is closed" in answer.content.decode()
    assert elsewhere.get(friends).status_code == 410
    assert outside.get(root).status_code == 200
    event = AuditEvent.objects.get(action="share.revoked")
    assert (event.subject_uid, event.actor_kind, event.actor_id) == (friend.share.key, "share", str(own.share.pk))
    assert Notification.objects.filter(user=alice, kind="share.revoked").exists()
    again = outside.post(f"{root}record/end-proxy", {"proxy": friend.share.key}, follow=True)
    assert "That link had ended already" in again.content.decode()


def test_a_proxy_ends_nobody_elses_link_and_reads_of_none(
    both: tuple[Made, Made], outside: Client, give: Giving, chest: Study
) -> None:
    own, friend = both
    third = give(chest, **{**FRIEND, "name": "Anne Petit"})
    root = come_in(outside, friend)
    assert "Anne Petit" not in text_of(outside, root)
    for key in (own.share.key, third.share.key):
        outside.post(f"{root}record/end-proxy", {"proxy": key})
    assert Share.objects.filter(state=Share.State.OPEN).count() == 3


def test_nobody_ends_the_link_of_another_patients_proxy(
    both: tuple[Made, Made], outside: Client, give: Giving, chest: Study
) -> None:
    stranger = Patient.objects.create(patient_id="P9")
    Share.objects.filter(pk=both[1].share.pk).update(patient=stranger)
    root = come_in(outside, both[0])
    outside.post(f"{root}record/end-proxy", {"proxy": both[1].share.key})
    assert Share.objects.get(pk=both[1].share.pk).state == Share.State.OPEN


def test_what_proxies_see_is_the_departments_rule(both: tuple[Made, Made], rules: Rules, outside: Client) -> None:
    own, friend = both
    mine, theirs = come_in(outside, own), come_in(outside, friend)
    assert outside.get(f"{mine}record/looks").status_code == 200
    assert outside.get(f"{theirs}record/looks").status_code == 404
    rules(proxies_see_looks=True)
    assert outside.get(f"{theirs}record/looks").status_code == 200


def test_who_lost_a_phone_signs_out_all_devices_and_the_link_goes_on(both: tuple[Made, Made], outside: Client) -> None:
    made = both[0]
    phone = Client()
    root = come_in(phone, made)
    come_in(outside, made)
    outside.post(f"{root}record/sign-out")
    assert "Chest PA" not in phone.get(root).content.decode()
    assert "Chest PA" not in outside.get(root).content.decode()
    come_in(outside, made)
    assert "Chest PA" in text_of(outside, root)


def test_who_closes_their_link_closes_it_for_good(both: tuple[Made, Made], outside: Client) -> None:
    made = both[0]
    root = come_in(outside, made)
    answer = outside.post(f"{root}record/close", follow=True)
    assert answer.status_code == 410
    assert "This link was closed" in answer.content.decode()
    again = Client().post(f"{root}open", {"secret": made.handed.secret})
    assert "This link was closed" in again.content.decode()


def test_a_share_of_images_has_none_of_it(
    both: tuple[Made, Made], sharing: object, chest: Study, outside: Client
) -> None:
    made = sharing(chest, factor="printed")  # type: ignore[operator]
    root = come_in(outside, made)
    for act in ("close", "sign-out", "end-proxy"):
        assert outside.post(f"{root}record/{act}", {"proxy": both[1].share.key}).status_code == 404
    assert outside.get(f"{root}record/looks").status_code == 404
    assert Share.objects.filter(state=Share.State.OPEN).count() == 3
