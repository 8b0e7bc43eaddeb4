"""The door of a share: what lies behind it, and what does not."""

from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Department, Site
from imaging.sharing.models import Share
from imaging.sharing.models.choices import Factor
from imaging.studies.models import Study
from tests.shared_links import Letters, Sharing, code_in, open_link

pytestmark = pytest.mark.django_db(transaction=True)


def test_looking_at_a_link_opens_nothing(sharing: Sharing, chest: Study, outside: Client) -> None:
    made = sharing(chest)
    answer = outside.get(f"/s/{made.share.key}/")
    assert answer.status_code == 200
    assert "Chest" not in answer.content.decode()
    assert "DURAND" not in answer.content.decode()
    assert Share.objects.get().opens == 0


def test_a_link_that_never_was_looks_the_same(sharing: Sharing, chest: Study, outside: Client) -> None:
    made = sharing(chest)
    there = outside.get(f"/s/{made.share.key}/").content.decode().replace(made.share.key, "K")
    nowhere = outside.get("/s/AAAAbbbbCCCC/").content.decode().replace("AAAAbbbbCCCC", "K")
    strip = lambda text: [line for line in text.splitlines() if "csrf" not in line]  # noqa: E731
    assert strip(there) == strip(nowhere)


def test_the_link_then_the_code_show_the_images(
    sharing: Sharing, chest: Study, outside: Client, letters: Letters
) -> None:
    made = sharing(chest)
    answer = open_link(outside, made)
    assert (answer.status_code, answer["Location"]) == (303, f"/s/{made.share.key}/")
    page = outside.get(f"/s/{made.share.key}/")
    assert "DURAND" not in page.content.decode()
    assert outside.get(f"/s/{made.share.key}/dicom-web/studies").status_code == 401
    code = code_in(letters()[-1])
    assert outside.post(f"/s/{made.share.key}/proof", {"answer": code}).status_code == 303
    page = outside.get(f"/s/{made.share.key}/").content.decode()
    assert "DURAND" in page
    assert f"/s/{made.share.key}/viewer/{chest.study_instance_uid}/" in page
    assert outside.get(f"/s/{made.share.key}/viewer/{chest.study_instance_uid}/").status_code == 200
    found = outside.get(f"/s/{made.share.key}/dicom-web/studies").json()
    assert [row["0020000D"]["Value"][0] for row in found] == [chest.study_instance_uid]


def test_an_open_page_hears_that_its_link_stands_and_then_that_it_does_not(
    sharing: Sharing, chest: Study, outside: Client
) -> None:
    made = sharing(chest, factor=Factor.PRINTED)
    address = f"/s/{made.share.key}/standing"
    assert outside.get(address).status_code == 404
    open_link(outside, made)
    assert outside.get(address).status_code == 404
    outside.post(f"/s/{made.share.key}/proof", {"answer": made.handed.proof})
    assert f'data-standing="{address}"' in outside.get(f"/s/{made.share.key}/").content.decode()
    answer = outside.get(address)
    assert (answer.status_code, answer.content) == (204, b"")
    assert "no-store" in answer["Cache-Control"]
    Share.objects.filter(pk=made.share.pk).update(state=Share.State.REVOKED)
    assert outside.get(address).status_code == 404


def test_the_address_without_its_last_stroke_leads_to_the_link(sharing: Sharing, chest: Study, outside: Client) -> None:
    made = sharing(chest)
    answer = outside.get(f"/s/{made.share.key}")
    assert (answer.status_code, answer["Location"]) == (302, f"/s/{made.share.key}/")


def test_times_are_those_of_the_hospital(
    sharing: Sharing, chest: Study, outside: Client, emergency: Department
) -> None:
    Site.objects.update(time_zone="Pacific/Noumea")
    made = sharing(chest, factor=Factor.PRINTED)
    open_link(outside, made)
    outside.post(f"/s/{made.share.key}/proof", {"answer": made.handed.proof})
    there = timezone.localtime(chest.study_at, ZoneInfo("Pacific/Noumea"))
    assert f"{there:%H:%M}" in outside.get(f"/s/{made.share.key}/").content.decode()
