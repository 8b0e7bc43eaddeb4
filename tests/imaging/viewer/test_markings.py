"""Marks on images: each reader's own to change, everybody's to see who may see the image, and no shape that is none."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from pydicom.dataset import Dataset

from accounts.audit.models import AuditEvent
from accounts.models import Department, User
from accounts.roles import Role
from imaging.studies import markings
from imaging.studies.models import Annotation, KeyImage, Placement
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db

LINE = {
    "space": "patient",
    "points": [[0, 0, 0], [30.5, 0, 0]],
    "text": "",
    "text_at": None,
    "frame_of_reference": "1.2",
}


@pytest.fixture
def image(archive: Archive) -> Dataset:
    """One image of emergency."""
    made = arrivals.dataset()
    archive.receive(made)
    return made


@pytest.fixture
def member(emergency: Department) -> Any:
    """`member(role)` is somebody of emergency."""

    def made(role: Role, name: str) -> User:
        user = UserFactory.create(display_name=name)
        MembershipFactory.create(user=user, department=emergency, role=role)
        return user

    return made


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def marks(client: Client, image: Dataset) -> dict[str, Any]:
    answer = client.get(f"/viewer/{image.StudyInstanceUID}/markings.json")
    assert answer.status_code == 200
    return dict(answer.json())


def drawn(image: Dataset, **changes: Any) -> dict[str, Any]:
    return {
        "sop_instance_uid": image.SOPInstanceUID,
        "frame": 1,
        "tool": "length",
        "shape": LINE,
        "seen": None,
        **changes,
    }


def put(client: Client, image: Dataset, key: UUID, body: Any) -> Any:
    content = body if isinstance(body, bytes | str) else json.dumps(body)
    return client.put(f"/viewer/{image.StudyInstanceUID}/annotations/{key}", content, "application/json")


def delete(client: Client, image: Dataset, key: UUID) -> Any:
    return client.delete(f"/viewer/{image.StudyInstanceUID}/annotations/{key}")


def flag_address(image: Dataset, frame: int = 1) -> str:
    return f"/viewer/{image.StudyInstanceUID}/key-images/{image.SOPInstanceUID}/{frame}"


def test_an_annotation_is_seen_by_others_with_its_author(image: Dataset, alice: User, member: Any) -> None:
    key = uuid4()
    assert put(signed_in(alice), image, key, drawn(image)).status_code == 200
    [mine] = marks(signed_in(alice), image)["annotations"]
    assert (mine["key"], mine["own"], mine["shape"]["points"]) == (str(key), True, [[0, 0, 0], [30.5, 0, 0]])
    [theirs] = marks(signed_in(member(Role.TRAINEE, "Tom")), image)["annotations"]
    assert (theirs["author"], theirs["own"]) == ("Alice Martin", False)


def test_a_trainee_marks_an_image_too(image: Dataset, member: Any) -> None:
    assert put(signed_in(member(Role.TRAINEE, "Tom")), image, uuid4(), drawn(image)).status_code == 200


def test_nobody_changes_or_removes_what_another_drew(image: Dataset, alice: User, member: Any) -> None:
    key = uuid4()
    put(signed_in(alice), image, key, drawn(image))
    chief = signed_in(member(Role.RADIOLOGIST, "Ruth"))
    assert put(chief, image, key, drawn(image, shape={**LINE, "points": [[1, 1, 1], [2, 2, 2]]})).status_code == 403
    assert delete(chief, image, key).status_code == 403
    assert Annotation.objects.get().shape["points"][1][0] == 30.5


def test_the_same_request_twice_is_one_annotation_and_one_line_of_audit(image: Dataset, alice: User) -> None:
    client, key = signed_in(alice), uuid4()
    first = put(client, image, key, drawn(image)).json()
    assert put(client, image, key, drawn(image)).json() == first
    assert Annotation.objects.count() == 1
    assert AuditEvent.objects.filter(action="annotation.saved").count() == 1


def test_an_older_page_does_not_overwrite_a_newer_one(image: Dataset, alice: User) -> None:
    client, key = signed_in(alice), uuid4()
    first = put(client, image, key, drawn(image)).json()["version"]
    moved = {**LINE, "points": [[5, 0, 0], [30.5, 0, 0]]}
    assert put(client, image, key, drawn(image, shape=moved, seen=first)).status_code == 200
    late = put(client, image, key, drawn(image, shape={**LINE, "points": [[9, 0, 0], [30.5, 0, 0]]}, seen=first))
    assert late.status_code == 409
    assert late.json()["error"] == "changed"
    assert Annotation.objects.get().shape["points"][0][0] == 5


def test_what_was_taken_away_can_be_put_back(image: Dataset, alice: User) -> None:
    client, key = signed_in(alice), uuid4()
    put(client, image, key, drawn(image))
    gone = delete(client, image, key)
    assert gone.status_code == 200
    assert marks(client, image)["annotations"] == []
    assert delete(client, image, key).json() == gone.json()
    assert put(client, image, key, drawn(image, seen=gone.json()["version"])).status_code == 200
    assert len(marks(client, image)["annotations"]) == 1
    actions = list(AuditEvent.objects.filter(action__startswith="annotation").values_list("action", flat=True))
    assert sorted(actions) == ["annotation.removed", "annotation.saved", "annotation.saved"]


def test_marks_are_absent_for_who_may_not_see_the_study(image: Dataset, alice: User, bob: User) -> None:
    key = uuid4()
    put(signed_in(alice), image, key, drawn(image))
    stranger = signed_in(bob)
    assert stranger.get(f"/viewer/{image.StudyInstanceUID}/markings.json").status_code == 404
    assert put(stranger, image, key, drawn(image)).status_code == 404
    assert delete(stranger, image, key).status_code == 404
    assert stranger.put(flag_address(image)).status_code == 404
    assert KeyImage.objects.count() == 0


def test_a_key_of_another_study_is_no_key_here(
    image: Dataset, archive: Archive, alice: User, bob: User, orthopaedics: Department
) -> None:
    other = arrivals.dataset(PatientID="P2")
    archive.receive(other, department=orthopaedics)
    key = uuid4()
    assert put(signed_in(bob), other, key, drawn(other)).status_code == 200
    assert put(signed_in(alice), image, key, drawn(image)).status_code == 404
    assert put(signed_in(alice), image, uuid4(), drawn(other)).status_code == 404
    assert Annotation.objects.count() == 1


DEEP = "[" * 100_000
BAD: dict[str, Any] = {
    "no JSON": b"\xff\xfe",
    "a list": [],
    "deeply nested": DEEP,
    "too long": json.dumps({"x": "y" * 40_000}),
    "NaN": '{"tool": "length", "frame": 1, "shape": {"points": [[NaN, 0, 0], [0, 0, 0]]}}',
    "an unknown tool": {"tool": "laser"},
    "a tool that is none": {"tool": {"length": 1}},
    "a frame as text": {"frame": "1"},
    "a frame that is true": {"frame": True},
    "a frame that is not there": {"frame": 2},
    "a frame before the first": {"frame": 0},
    "a shape that is none": {"shape": "length"},
    "too few points": {"shape": {**LINE, "points": [[0, 0, 0]]}},
    "too many points": {"shape": {**LINE, "points": [[0, 0, 0]] * 5000}},
    "flat points in a patient": {"shape": {**LINE, "points": [[0, 0], [1, 1]]}},
    "points of text": {"shape": {**LINE, "points": [["0", "0", "0"], [1, 1, 1]]}},
    "points that are true": {"shape": {**LINE, "points": [[True, 0, 0], [1, 1, 1]]}},
    "points beyond all images": {"shape": {**LINE, "points": [[1e300, 0, 0], [1, 1, 1]]}},
    "whole numbers beyond all floats": {"shape": {**LINE, "points": [[10**400, 0, 0], [1, 1, 1]]}},
    "an unknown space": {"shape": {**LINE, "space": "moon"}},
    "a space that is none": {"shape": {**LINE, "space": ["patient"]}},
    "a frame of reference of markup": {"shape": {**LINE, "frame_of_reference": "<b>"}},
    "words without end": {"shape": {**LINE, "text": "x" * 201}},
    "words that are none": {"shape": {**LINE, "text": 7}},
    "a text without words": {"tool": "text", "shape": {**LINE, "points": [[0, 0, 0]], "text": " \u202e "}},
    "a text box nowhere": {"shape": {**LINE, "text_at": [1, None, 2]}},
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_shape_is_refused_in_words_and_not_kept(name: str, image: Dataset, alice: User) -> None:
    body = BAD[name]
    sent = drawn(image, **body) if isinstance(body, dict) else body
    answer = put(signed_in(alice), image, uuid4(), sent)
    assert answer.status_code == 400, answer.content[:200]
    assert answer.json()["message"]
    assert Annotation.objects.count() == 0


def test_words_are_kept_as_words(image: Dataset, alice: User) -> None:
    words = "<img src=x onerror=alert(1)>\u202e\x00 \ud83d نص"
    shape = {**LINE, "points": [[0, 0, 0]], "text": words}
    assert put(signed_in(alice), image, uuid4(), drawn(image, tool="text", shape=shape)).status_code == 200
    [kept] = marks(signed_in(alice), image)["annotations"]
    assert kept["shape"]["text"] == "<img src=x onerror=alert(1)> نص"


def test_nothing_that_the_shape_does_not_name_is_kept(image: Dataset, alice: User) -> None:
    put(signed_in(alice), image, uuid4(), drawn(image, shape={**LINE, "cachedStats": {"a": 1}, "__proto__": {}}))
    assert set(Annotation.objects.get().shape) == {"space", "points", "text_at", "text", "frame_of_reference"}


def test_a_reader_cannot_fill_the_study_with_marks(
    image: Dataset, alice: User, member: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(markings, "MOST_OF_ONE_READER", 2)
    client = signed_in(alice)
    for _mark in range(2):
        assert put(client, image, uuid4(), drawn(image)).status_code == 200
    full = put(client, image, uuid4(), drawn(image))
    assert (full.status_code, full.json()["error"]) == (409, "too_many")
    assert put(signed_in(member(Role.TRAINEE, "Tom")), image, uuid4(), drawn(image)).status_code == 200


def test_a_flag_is_everybodys_and_taken_away_by_its_reader_or_who_may_change_the_study(
    image: Dataset, alice: User, member: Any
) -> None:
    own, trainee, radiologist = (
        signed_in(alice),
        signed_in(member(Role.TRAINEE, "Tom")),
        signed_in(member(Role.RADIOLOGIST, "Ruth")),
    )
    assert own.put(flag_address(image), '{"note": "here"}', "application/json").status_code == 200
    assert trainee.put(flag_address(image)).status_code == 200
    [seen] = marks(trainee, image)["key_images"]
    assert (seen["by"], seen["own"], seen["may_unflag"], seen["note"]) == ("Alice Martin", False, False, "here")
    assert trainee.delete(flag_address(image)).status_code == 403
    assert marks(radiologist, image)["key_images"][0]["may_unflag"] is True
    assert radiologist.delete(flag_address(image)).status_code == 204
    assert own.delete(flag_address(image)).status_code == 204
    assert KeyImage.objects.count() == 0
    assert own.put(flag_address(image)).status_code == 200
    assert own.delete(flag_address(image)).status_code == 204
    assert AuditEvent.objects.filter(action="key_image.flagged").count() == 2


@pytest.mark.parametrize("body", [b"\xff", "[]", '{"note": 7}', json.dumps({"note": "x" * 201})])
def test_a_flag_with_a_note_that_is_none_is_refused(body: Any, image: Dataset, alice: User) -> None:
    assert signed_in(alice).put(flag_address(image), body, "application/json").status_code == 400
    assert signed_in(alice).put(flag_address(image, frame=2)).status_code == 400
    assert KeyImage.objects.count() == 0


def test_marks_ask_for_the_token_of_the_session(image: Dataset, alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert put(client, image, uuid4(), drawn(image)).status_code == 403
    token = client.get(f"/viewer/{image.StudyInstanceUID}/markings.json").json()["csrf"]
    address = f"/viewer/{image.StudyInstanceUID}/annotations/{uuid4()}"
    answer = client.put(address, json.dumps(drawn(image)), "application/json", headers={"X-CSRFToken": token})
    assert answer.status_code == 200


def test_marks_that_did_not_change_are_not_sent_again(image: Dataset, alice: User) -> None:
    client = signed_in(alice)
    address = f"/viewer/{image.StudyInstanceUID}/markings.json"
    etag = client.get(address)["ETag"]
    assert client.get(address, headers={"If-None-Match": etag}).status_code == 304
    put(client, image, uuid4(), drawn(image))
    assert client.get(address, headers={"If-None-Match": etag}).status_code == 200


def test_an_image_that_arrives_changes_the_version_that_an_open_viewer_asks_for(
    image: Dataset, archive: Archive, alice: User
) -> None:
    client = signed_in(alice)
    before = marks(client, image)["study_version"]
    archive.receive(
        arrivals.dataset(StudyInstanceUID=image.StudyInstanceUID, SeriesInstanceUID=image.SeriesInstanceUID)
    )
    assert marks(client, image)["study_version"] != before


def test_marks_of_a_rejected_image_go_with_it(image: Dataset, archive: Archive, alice: User) -> None:
    archive.receive(
        arrivals.dataset(StudyInstanceUID=image.StudyInstanceUID, SeriesInstanceUID=image.SeriesInstanceUID)
    )
    put(signed_in(alice), image, uuid4(), drawn(image))
    row = Annotation.objects.select_related("instance").get()
    row.instance.is_rejected = True
    row.instance.save()
    assert marks(signed_in(alice), image)["annotations"] == []


def test_an_opened_prior_shows_its_marks_and_takes_none(
    archive: Archive, emergency: Department, orthopaedics: Department, alice: User
) -> None:
    before, now = arrivals.dataset(StudyDate="20240101"), arrivals.dataset(StudyDate="20260304")
    for made, department in ((before, orthopaedics), (now, emergency)):
        archive.receive(made)
        Placement.objects.filter(study__study_instance_uid=made.StudyInstanceUID).update(department=department)
    reader = signed_in(alice)
    opener = f"/studies/{now.StudyInstanceUID}/priors/{before.StudyInstanceUID}/open"
    assert reader.post(opener).status_code == 302
    assert marks(reader, before)["annotations"] == []
    root = f"/viewer/{before.StudyInstanceUID}"
    put = reader.put(f"{root}/annotations/{uuid4()}", drawn(before), "application/json")
    flag = reader.put(f"{root}/key-images/{before.SOPInstanceUID}/1", {}, "application/json")
    assert (put.status_code, flag.status_code) == (403, 403)
    assert put.json()["error"] == flag.json()["error"] == "view_only"
    assert not Annotation.objects.exists()
    assert not KeyImage.objects.exists()


def test_an_image_whose_uid_is_no_text_is_not_there(image: Dataset, alice: User) -> None:
    for uid in ("\\ud800", "\\u0000", "", "1.2.x", "9" * 65):
        sent = json.dumps(drawn(image)).replace(image.SOPInstanceUID, uid)
        assert put(signed_in(alice), image, uuid4(), sent).status_code == 404, uid


def test_a_flag_that_is_there_stays_however_many_there_are(
    image: Dataset, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(alice)
    assert client.put(flag_address(image), "{}", "application/json").status_code == 200
    monkeypatch.setattr(markings, "MOST_KEY_IMAGES", 1)
    assert client.put(flag_address(image), "{}", "application/json").status_code == 200
