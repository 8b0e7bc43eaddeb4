"""The door of a share: what lies behind it, and what does not."""

import pytest
from django.test import Client

from imaging.sharing.models import Share
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
