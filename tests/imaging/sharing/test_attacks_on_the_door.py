"""A hostile visitor at the door of a share: answers that are no answers, texts that are none, and what an address may be."""

from typing import Any

import pytest
from django.test import Client

from accounts.audit.models import AuditEvent
from imaging.sharing.models import Share, ShareEvent, ShareVisit
from imaging.sharing.models.choices import Factor
from imaging.studies.models import Study
from tests.imaging.sharing.health_link.conftest import Wallet, inside, made, wallet, wallet_of
from tests.shared_links import Made, Sharing, open_link, share_policy

__all__ = ["inside", "made", "share_policy", "wallet", "wallet_of"]

pytestmark = pytest.mark.django_db(transaction=True)


def come_in(browser: Client, link: Made) -> str:
    open_link(browser, link)
    browser.post(f"/s/{link.share.key}/proof", {"answer": link.handed.proof})
    return f"/s/{link.share.key}"


@pytest.mark.parametrize("answer", ["é1962-03-14", "١٩٦٢-٠٣-١٤", "\x00", "1962-03-1\u0664"])
def test_a_date_of_birth_in_no_letters_of_ours_is_a_wrong_one(
    sharing: Sharing, chest: Study, outside: Client, share_policy: Any, answer: str
) -> None:
    share_policy(factors=["birth_date"])
    link = sharing(chest, factor=Factor.BIRTH_DATE)
    open_link(outside, link)
    assert outside.post(f"/s/{link.share.key}/proof", {"answer": answer}).status_code == 403
    assert Share.objects.get().wrong == 1


@pytest.mark.parametrize("words", ["a\x00b", "\x00", "<script>alert(1)</script>\r\nBcc: all@hospital.example"])
def test_who_asks_for_earlier_images_breaks_nothing_by_what_they_write(
    sharing: Sharing, chest: Study, outside: Client, words: str
) -> None:
    root = come_in(outside, sharing(chest, factor=Factor.PRINTED))
    assert outside.post(f"{root}/earlier", {"words": words}).status_code == 303
    said = ShareEvent.objects.get(kind="asked").words
    assert not any(char in said for char in "\x00\r\n")


@pytest.mark.parametrize(
    "changes",
    [
        {"recipient": "\ud800"},
        {"recipient": "a\x00b"},
        {"recipient": "\x00"},
        {"passcode": "\udfff" * 12},
        {"passcode": "\x00"},
        {"embeddedLengthMax": 10**400},
        {"embeddedLengthMax": -1},
    ],
)
def test_a_wallet_that_sends_no_text_is_refused_and_breaks_nothing(wallet: Wallet, changes: dict[str, Any]) -> None:
    assert wallet.ask(**changes).status_code in {200, 400, 401}


def test_a_question_that_goes_ever_deeper_is_no_question(wallet: Wallet) -> None:
    deep = "[" * 2000 + "]" * 2000
    assert wallet.client.post(wallet.path, deep, content_type="application/json").status_code == 400


def test_a_name_of_a_wallet_stays_text(wallet: Wallet, made: Made, alice: Any, client: Client) -> None:
    assert wallet.ask(recipient="<img src=x onerror=alert(1)>").status_code == 200
    client.force_login(alice)
    page = client.get(f"/shared/{made.share.key}/").content.decode()
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


@pytest.mark.parametrize(
    "path",
    [
        "//dicom-web/studies",
        "/../../dicom-web/studies",
        "/./dicom-web/studies",
        "/dicom-web/studies/",
        "/dicom-web%2Fstudies%00",
        "/admin/",
        "/shared/",
        "/api/v1/patients/",
        "/accounts/login/",
        "/dicom-web/studies;jsessionid=1",
        "/s/{key}/dicom-web/studies",
        "/dicom-web/studies%0A",
    ],
)
def test_no_trick_of_an_address_leads_out_of_a_share(
    sharing: Sharing, chest: Study, outside: Client, path: str
) -> None:
    link = sharing(chest, factor=Factor.PRINTED)
    root = come_in(outside, link)
    answer = outside.get(root + path.format(key=link.share.key))
    assert answer.status_code in {400, 404}
    assert chest.study_instance_uid not in answer.content.decode()


def test_the_key_of_a_share_in_other_letters_is_another_key(sharing: Sharing, chest: Study, outside: Client) -> None:
    link = sharing(chest, factor=Factor.PRINTED)
    come_in(outside, link)
    assert outside.get(f"/s/{link.share.key.swapcase()}/dicom-web/studies").status_code == 401
    assert outside.get(f"/S/{link.share.key}/dicom-web/studies").status_code == 404


@pytest.mark.parametrize(
    "target", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_choosing_a_language_leads_to_no_other_site(
    sharing: Sharing, chest: Study, outside: Client, target: str
) -> None:
    link = sharing(chest, factor=Factor.PRINTED)
    answer = outside.post(f"/s/{link.share.key}/language/", {"language": "fr", "next": target})
    assert "evil" not in answer.get("Location", "")
    assert "script" not in answer.get("Location", "")


def test_a_name_of_another_host_stands_in_no_answer(sharing: Sharing, chest: Study, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    browser = Client(headers={"host": "evil.example", "x-forwarded-host": "evil.example"})
    link = sharing(chest, factor=Factor.PRINTED, may_download=True)
    root = come_in(browser, link)
    for path in ("/", "/archive", "/shl"):
        assert "evil.example" not in browser.get(f"{root}{path}").content.decode()
    assert "evil.example" not in browser.post(f"{root}/shl").content.decode()


@pytest.mark.parametrize("header", ["Basic YWxpY2U6YWxpY2U=", "Bearer x", "Token 00000", "Negotiate YII="])
def test_what_opens_other_doors_opens_no_share(sharing: Sharing, chest: Study, outside: Client, header: str) -> None:
    link = sharing(chest, factor=Factor.PRINTED)
    asked = outside.get(f"/s/{link.share.key}/dicom-web/studies", headers={"authorization": header})
    assert asked.status_code == 401


def test_an_old_answer_is_not_confirmed_after_the_end(sharing: Sharing, chest: Study, outside: Client) -> None:
    link = sharing(chest, factor=Factor.PRINTED, may_download=True)
    root, uid = come_in(outside, link), chest.study_instance_uid
    series = chest.series.get()
    instance = series.instances.get()
    paths = [
        f"/dicom-web/studies/{uid}/metadata",
        f"/dicom-web/studies/{uid}/series/{series.series_instance_uid}/instances/{instance.sop_instance_uid}/frames/1",
        f"/dicom-web/studies/{uid}",
        f"/viewer/{uid}/manifest.json",
    ]
    tags = {path: outside.get(root + path).get("ETag", "") for path in paths}
    assert tags[paths[0]]
    Share.objects.update(state=Share.State.REVOKED)
    for path, tag in tags.items():
        answer = outside.get(root + path, headers={"if-none-match": tag or "*", "range": "bytes=0-9"})
        assert answer.status_code in {401, 404}, path


def test_a_visit_is_no_gift_of_a_stranger(sharing: Sharing, chest: Study) -> None:
    browser = Client(enforce_csrf_checks=True)
    link = sharing(chest, factor=Factor.PRINTED)
    assert open_link(browser, link).status_code == 403
    for path in ("proof", "code", "leave", "earlier", "shl", "shl/open", "archive", "close", "language/"):
        sent = browser.post(f"/s/{link.share.key}/{path}", {"answer": link.handed.proof})
        assert sent.status_code in {403, 404}, path
    assert ShareVisit.objects.count() == 0


def test_a_planted_token_is_replaced_by_opening(sharing: Sharing, chest: Study, outside: Client) -> None:
    link = sharing(chest, factor=Factor.PRINTED)
    stranger = Client()
    open_link(stranger, link)
    name = next(name for name in stranger.cookies if link.share.key in name)
    planted = stranger.cookies[name].value
    outside.cookies[name] = planted
    come_in(outside, link)
    fresh = Client()
    open_link(fresh, link)
    assert fresh.cookies[name].value != planted
    assert fresh.cookies[name]["path"] == f"/s/{link.share.key}/"
    assert fresh.cookies[name]["httponly"]


def test_a_stranger_at_a_closed_link_writes_nothing_anywhere(sharing: Sharing, chest: Study, outside: Client) -> None:
    link = sharing(chest, factor=Factor.PRINTED)
    Share.objects.update(state=Share.State.REVOKED)
    before = ShareEvent.objects.count(), AuditEvent.objects.count()
    for _each in range(5):
        outside.post(f"/s/{link.share.key}/open", {"secret": "x" * 43})
    assert (ShareEvent.objects.count(), AuditEvent.objects.count()) == before
