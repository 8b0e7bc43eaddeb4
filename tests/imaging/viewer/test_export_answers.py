"""Downloads for whoever may have them, without a session: a link's scope, its name, and its end in the middle of an object."""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.http import Http404
from django.test import RequestFactory

from accounts.actor import Actor
from accounts.audit.models import AuditEvent
from accounts.roles import Right
from accounts.scope import Scope
from imaging.studies import access
from imaging.studies.export import services as exports
from imaging.viewer import download_turns, downloads, export_answers, picture_downloads
from imaging.viewer.export_answers import NoLongerAllowed, Package
from tests.imaging.rendering.conftest import Pool
from tests.imaging.viewer.test_export_page import a_study, body_of, leave, share_of
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_places_taken() -> None:
    cache.clear()


def zip_of(scope: Scope, study: str, headers: dict[str, str] | None = None, **options: Any) -> Any:
    return export_answers.zip_answer(
        RequestFactory().get("/", headers=headers), scope=scope, actor=scope.principal, study_uids=[study], **options
    )


class Clock:
    """A clock that moves on a little whenever it is looked at."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        self.now += 0.01
        return self.now


def test_every_file_has_the_digest_of_the_receipt(archive: Archive) -> None:
    made = a_study(3)
    archive.receive(*made)
    body = body_of(zip_of(share_of(*made), made[0].StudyInstanceUID))
    with zipfile.ZipFile(io.BytesIO(body)) as found:
        told = json.loads(found.read("receipt.json"))
        assert {entry["name"] for entry in told["files"]} == set(found.namelist()) - {"RECEIPT.TXT", "receipt.json"}
        for entry in told["files"]:
            content = found.read(entry["name"])
            assert (hashlib.sha256(content).hexdigest(), len(content)) == (entry["sha256"], entry["length"])
    assert {entry.get("sop_instance_uid") for entry in told["files"]} - {None} == {one.SOPInstanceUID for one in made}
    assert AuditEvent.objects.get(action="study.exported").actor_kind == "share"


def test_a_download_that_goes_on_ends_with_the_same_receipt(archive: Archive) -> None:
    made = a_study(3)
    archive.receive(*made)
    whole = zip_of(share_of(*made), made[0].StudyInstanceUID)
    body = body_of(whole)
    for start in (1, len(body) // 2, len(body) - 700):
        headers = {"Range": f"bytes={start}-", "If-Range": whole["ETag"]}
        rest = zip_of(share_of(*made), made[0].StudyInstanceUID, headers)
        assert rest.status_code == 206
        assert body_of(rest) == body[start:]


def test_it_is_called_what_people_called_it(archive: Archive) -> None:
    made = a_study(1)
    archive.receive(*made)
    answer = zip_of(share_of(*made), made[0].StudyInstanceUID, package=Package(file_name="Réunion d’été"))
    assert "filename*=UTF-8''R%C3%A9union%20d%E2%80%99%C3%A9t%C3%A9.zip" in answer["Content-Disposition"]
    body_of(answer)


def test_some_series_of_a_study_come_alone(archive: Archive) -> None:
    made = a_study(3)
    archive.receive(*made)
    wanted = [str(made[0].SeriesInstanceUID), str(made[2].SeriesInstanceUID)]
    body = body_of(zip_of(share_of(*made), made[0].StudyInstanceUID, series_uids=wanted))
    with zipfile.ZipFile(io.BytesIO(body)) as found:
        told = json.loads(found.read("receipt.json"))
    uids = {entry.get("sop_instance_uid") for entry in told["files"]} - {None}
    assert uids == {made[0].SOPInstanceUID, made[2].SOPInstanceUID}
    assert told["studies"] == [made[0].StudyInstanceUID]


def test_a_link_gives_nothing_that_it_does_not_name(archive: Archive) -> None:
    mine, other = a_study(1), a_study(1)
    archive.receive(*mine, *other)
    with pytest.raises(access.StudyNotVisible):
        zip_of(share_of(*mine), other[0].StudyInstanceUID)
    looks = Scope(
        principal=Actor(kind="share", id="8", name="looks"),
        studies=frozenset({str(mine[0].StudyInstanceUID)}),
        rights=frozenset({Right.LIST, Right.VIEW}),
        reason="share",
    )
    with pytest.raises(access.RightMissing):
        zip_of(looks, mine[0].StudyInstanceUID)
    for _ in range(download_turns.MOST_OF_ONE + 1):
        with pytest.raises(access.StudyNotVisible):
            zip_of(share_of(*mine), other[0].StudyInstanceUID)
    body_of(zip_of(share_of(*mine), mine[0].StudyInstanceUID))


def test_a_link_without_identities_gives_no_object_that_has_one(archive: Archive) -> None:
    made = a_study(1)
    archive.receive(*made)
    with pytest.raises(exports.IdentityKept):
        zip_of(share_of(*made, deidentified=True), made[0].StudyInstanceUID)
    assert not AuditEvent.objects.filter(action="study.exported").exists()


def test_it_ends_in_the_middle_of_an_object_once_it_is_no_longer_allowed(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = a_study(1, Rows=2000, Columns=2000, PixelData=bytes(2000 * 2000 * 2))
    archive.receive(*made)
    clock = Clock()
    monkeypatch.setattr(export_answers, "time", clock)
    asked: list[float] = []

    def still_allowed() -> bool:
        asked.append(clock.now)
        return len(asked) < 2

    answer = zip_of(share_of(*made), made[0].StudyInstanceUID, still_allowed=still_allowed)
    assert answer["X-Accel-Buffering"] == "no"
    pieces: Iterator[bytes] = iter(answer.streaming_content)
    sent: list[int] = []
    with pytest.raises(NoLongerAllowed):
        sent.extend(len(piece) for piece in pieces)
    assert max(sent) <= 64 * 1024
    assert 0 < sum(sent) < 8_000_000 < int(answer["Content-Length"])
    assert asked[1] - asked[0] < 1
    event = AuditEvent.objects.get(action="export.interrupted")
    assert event.detail["bytes"] < event.detail["of"]
    assert (event.detail["reason"], event.actor_kind) == ("no longer allowed", "share")
    leave(answer)
    assert AuditEvent.objects.filter(action="export.interrupted").count() == 1


def test_it_goes_on_while_it_is_allowed(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    made = a_study(1, Rows=2000, Columns=2000, PixelData=bytes(2000 * 2000 * 2))
    archive.receive(*made)
    monkeypatch.setattr(export_answers, "time", Clock())
    asked: list[bool] = []
    answer = zip_of(share_of(*made), made[0].StudyInstanceUID, still_allowed=lambda: not asked.append(True))
    whole = zip_of(share_of(*made), made[0].StudyInstanceUID)
    assert body_of(answer) == body_of(whole)
    assert len(asked) > 1
    assert not AuditEvent.objects.filter(action="export.interrupted").exists()


def test_one_image_for_a_link(archive: Archive, decoders: Pool) -> None:
    made = a_study(1, Rows=64, Columns=96, PixelData=bytes(64 * 96 * 2))[0]
    archive.receive(made)

    def picture(scope: Scope, query: dict[str, str]) -> Any:
        return picture_downloads.picture_answer(
            RequestFactory().get("/", query),
            scope=scope,
            actor=scope.principal,
            study_uid=made.StudyInstanceUID,
            series_uid=made.SeriesInstanceUID,
            sop_uid=made.SOPInstanceUID,
        )

    named = picture(share_of(made), {"as": "png", "words": "1"})
    unnamed = picture(share_of(made, deidentified=True), {"as": "png", "words": "1"})
    plain = picture(share_of(made), {"as": "png"})
    assert unnamed.content == plain.content != named.content
    assert picture(share_of(made), {}).content.startswith(b"\xff\xd8")
    with pytest.raises(Http404):
        picture(share_of(made), {"as": "exe"})
    with pytest.raises(access.StudyNotVisible):
        picture(share_of(), {})


def test_what_is_in_the_way_is_said_on_the_page_of_whoever_asks(rf: RequestFactory) -> None:
    def view(_request: Any) -> Any:
        raise downloads.Refused(406, "There is none <b>", "Ask again", retry_after=3)

    request = rf.get("/")
    request.user = request.actor = request.scope = None  # type: ignore[assignment, attr-defined]
    answer: Any = downloads.explained(view, page="404.html")(request)
    assert (answer.status_code, answer["Retry-After"], answer["Cache-Control"]) == (406, "3", "private, no-store")
