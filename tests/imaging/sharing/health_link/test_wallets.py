"""A wallet reads a SMART Health Link: the manifest, its files, and what stops it."""

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from fhir.resources.R4B import get_fhir_model_class

from accounts.audit.models import AuditEvent
from imaging.sharing.making import services as making
from imaging.sharing.making.services import Made
from imaging.sharing.models import Share, ShareHealthLink, ShareVisit
from imaging.sharing.models.choices import Factor
from imaging.studies.models import Placement, Study
from tests.factories import arrivals
from tests.imaging.sharing.health_link.conftest import Wallet, decoded
from tests.shared_links import Sharing, open_link, person
from tests.studies_in_archive import Archive

At = Callable[[dt.datetime], None]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> At:
    """Let it be this moment."""
    return lambda moment: monkeypatch.setattr(timezone, "now", lambda: moment)


def only(bundle: Any, kind: str) -> Any:
    found = [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind]
    assert len(found) == 1, kind
    return found[0]


def embedded(wallet: Wallet) -> Any:
    answer = wallet.ask(embeddedLengthMax=10_000_000)
    assert answer.status_code == 200, answer.content
    [file] = answer.json()["files"]
    assert file["contentType"] == "application/fhir+json"
    return wallet.opened(file["embedded"])


def test_a_link_says_what_the_standard_asks(wallet: Wallet, made: Made) -> None:
    payload = wallet.payload
    assert len(payload["url"]) <= 128
    assert len(decoded(payload["key"])) == 32
    assert len(decoded(payload["url"].rpartition("/")[2])) == 32, "256 random bits"
    assert payload["exp"] == int(made.share.valid_until.timestamp())
    assert (payload["flag"], payload["v"]) in {("P", 1), ("LP", 1)}
    assert 0 < len(payload["label"]) <= 80
    assert "urand" not in payload["label"]


def test_a_wallet_reads_patient_study_and_endpoint(wallet: Wallet, chest: Study) -> None:
    bundle = embedded(wallet)
    for entry in bundle["entry"]:
        resource = entry["resource"]
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    assert only(bundle, "Patient")["birthDate"] == "1962-03-14"
    study = only(bundle, "ImagingStudy")
    assert study["identifier"][0] == {"system": "urn:dicom:uid", "value": f"urn:oid:{chest.study_instance_uid}"}
    assert (study["numberOfSeries"], study["numberOfInstances"]) == (1, 1)
    named = {entry["fullUrl"] for entry in bundle["entry"]}
    assert {study["subject"]["reference"], study["endpoint"][0]["reference"]} <= named
    assert only(bundle, "Endpoint")["connectionType"]["code"] == "dicom-wado-rs"


def test_the_endpoint_gives_the_images_of_the_share_and_no_others(
    wallet: Wallet, chest: Study, archive: Archive
) -> None:
    archive.receive(arrivals.dataset(PatientID="OTHER"))
    endpoint = only(embedded(wallet), "Endpoint")
    name, _colon, value = endpoint["header"][0].partition(": ")
    assert name == "Authorization"
    program = Client(HTTP_AUTHORIZATION=value)
    root = "/s/" + endpoint["address"].partition("/s/")[2]
    assert program.get(f"{root}/studies/{chest.study_instance_uid}/metadata").status_code == 200
    whole = program.get(f"{root}/studies/{chest.study_instance_uid}")
    assert whole.status_code == 200
    whole.close()
    found = program.get(f"{root}/studies").json()
    assert [row["0020000D"]["Value"][0] for row in found] == [chest.study_instance_uid]


def test_a_long_file_lies_at_an_address_of_its_own_for_an_hour(wallet: Wallet, at: At) -> None:
    now = timezone.now()
    [file] = wallet.ask(embeddedLengthMax=0).json()["files"]
    answer = wallet.fetch(file["location"])
    assert answer["Content-Type"] == "application/jose"
    assert wallet.opened(answer.content.decode())["resourceType"] == "Bundle"
    at(now + dt.timedelta(minutes=59))
    assert wallet.fetch(file["location"]).status_code == 200
    at(now + dt.timedelta(minutes=60, seconds=5))
    assert wallet.fetch(file["location"]).status_code == 404


def test_an_address_of_a_file_is_of_one_share_and_cannot_be_altered(
    wallet: Wallet, sharing: Sharing, chest: Study, made: Made
) -> None:
    [file] = wallet.ask(embeddedLengthMax=0).json()["files"]
    other = sharing(chest, factor=Factor.PRINTED, may_download=True).share.key
    assert wallet.fetch(file["location"].replace(made.share.key, other)).status_code == 404
    assert wallet.fetch(file["location"][:-6] + "AAAA==").status_code == 404
    assert wallet.fetch(file["location"].rpartition("/")[0] + "/nothing").status_code == 404


def test_every_file_has_a_nonce_of_its_own(wallet: Wallet) -> None:
    jwes = [wallet.ask().json()["files"][0]["embedded"] for _each in range(3)]
    assert len({jwe.split(".")[2] for jwe in jwes}) == 3


def test_a_wrong_passcode_is_counted_for_life_and_then_the_share_is_dead(wallet: Wallet, made: Made) -> None:
    Share.objects.filter(pk=made.share.pk).update(most_wrong=3)
    left = []
    for _try in range(3):
        answer = wallet.ask(passcode="0000-0000-0000")
        assert answer.status_code == 401
        left.append(answer.json()["remainingAttempts"])
    assert left == [2, 1, 0]
    assert wallet.ask().status_code == 404, "the right one comes too late"
    made.share.refresh_from_db()
    assert made.share.state == Share.State.LOCKED


def test_a_right_passcode_in_between_gives_no_tries_back(wallet: Wallet, made: Made) -> None:
    before = wallet.ask(passcode="0000-0000-0000").json()["remainingAttempts"]
    assert wallet.ask().status_code == 200
    assert wallet.ask(passcode="0000-0000-0001").json()["remainingAttempts"] == before - 1


def test_a_passcode_that_is_not_given_uses_up_nothing(wallet: Wallet, made: Made) -> None:
    answer = wallet.ask(passcode="")
    assert answer.status_code == 401
    assert answer.json()["remainingAttempts"] == made.share.most_wrong
    made.share.refresh_from_db()
    assert made.share.wrong == 0


@pytest.mark.parametrize(
    "question",
    [
        *(b"", b"[]", b"{", b"null", b"\xff\xfe"),
        *(b'{"recipient": ""}', b'{"recipient": 1}', b'{"recipient": "a", "passcode": 1}'),
        *(b'{"recipient": "a", "embeddedLengthMax": -1}', b'{"recipient": "a", "embeddedLengthMax": true}'),
        b'{"recipient": "' + b"a" * 5000 + b'"}',
    ],
)
def test_what_is_no_question_is_refused_and_uses_up_nothing(wallet: Wallet, made: Made, question: bytes) -> None:
    assert wallet.client.post(wallet.path, question, content_type="application/json").status_code == 400
    made.share.refresh_from_db()
    assert made.share.wrong == 0


def test_a_link_that_is_not_there_is_told_nothing(wallet: Wallet, made: Made) -> None:
    answer = wallet.client.post(
        f"/s/{made.share.key}/shl/{'A' * 43}", json.dumps({"recipient": "a"}), content_type="application/json"
    )
    assert answer.status_code == 404
    made.share.refresh_from_db()
    assert made.share.wrong == 0


def _revoke(made: Made, alice: Any, emergency: Any) -> None:
    who = person(alice, emergency)
    making.revoke(made.share, words="", user=who.user, actor=who.actor)


def _new_link(made: Made, alice: Any, emergency: Any) -> None:
    who = person(alice, emergency)
    making.renew_link(made.share, user=who.user, actor=who.actor, sends=False)


def _no_download(made: Made, alice: Any, emergency: Any) -> None:
    who = person(alice, emergency)
    making.change(made.share, user=who.user, actor=who.actor, may_download=False)


@pytest.mark.parametrize("change", [_revoke, _new_link, _no_download])
def test_what_ends_a_share_ends_manifest_file_and_endpoint_at_once(
    wallet: Wallet, made: Made, chest: Study, alice: Any, emergency: Any, change: Callable[..., None]
) -> None:
    header = only(embedded(wallet), "Endpoint")["header"][0].partition(": ")[2]
    [file] = wallet.ask(embeddedLengthMax=0).json()["files"]
    change(made, alice, emergency)
    assert wallet.ask().status_code == 404
    assert wallet.fetch(file["location"]).status_code == 404
    if change is not _no_download:
        answer = Client(HTTP_AUTHORIZATION=header).get(f"/s/{made.share.key}/dicom-web/studies")
        assert answer.status_code == 401


def test_a_link_ends_with_its_share(wallet: Wallet, made: Made, at: At) -> None:
    at(made.share.valid_until + dt.timedelta(seconds=1))
    assert wallet.ask().status_code == 404


def test_a_study_that_left_the_department_meanwhile_is_in_no_bundle(wallet: Wallet, chest: Study) -> None:
    [file] = wallet.ask(embeddedLengthMax=0).json()["files"]
    Placement.objects.filter(study=chest).delete()
    assert wallet.ask().json()["files"] == []
    assert wallet.fetch(file["location"]).status_code == 404


def test_another_link_ends_the_one_before(wallet: Wallet, wallet_of: Callable[[], Wallet]) -> None:
    assert embedded(wallet)
    second = wallet_of()
    assert wallet.ask().status_code == 404
    assert embedded(second)
    assert ShareHealthLink.objects.filter(ended_at=None).count() == 1


def test_the_database_keeps_nothing_that_decrypts_or_opens(wallet: Wallet) -> None:
    embedded(wallet)
    wallet.ask(embeddedLengthMax=0)
    kept = _everything()
    for secret in (wallet.payload["key"], decoded(wallet.payload["key"]).hex(), wallet.path.rpartition("/")[2]):
        assert secret not in kept
    assert wallet.passcode not in kept
    assert wallet.passcode.replace("-", "") not in kept


def _everything() -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
        tables = [row[0] for row in cursor.fetchall()]
        found = []
        for table in tables:
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            found += [row[0] for row in cursor.fetchall()]
    return "\n".join(found)


def test_links_still_open_after_the_servers_key_has_changed(wallet: Wallet, settings: Any) -> None:
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-key-that-is-long-enough-0123456789-abcdefghijklmnop"
    assert embedded(wallet)["resourceType"] == "Bundle"
    settings.SECRET_KEY_FALLBACKS = []
    assert wallet.ask().status_code == 404


def test_pages_of_other_sites_may_ask_and_only_as_the_standard_says(wallet: Wallet) -> None:
    wallet.client.defaults["HTTP_ORIGIN"] = "https://viewer.example"
    asked = wallet.client.options(wallet.path, HTTP_ACCESS_CONTROL_REQUEST_METHOD="POST")
    assert asked.status_code == 204
    assert (asked["Access-Control-Allow-Origin"], asked["Access-Control-Allow-Methods"]) == ("*", "POST")
    assert asked["Access-Control-Allow-Headers"] == "content-type"
    for answer in (wallet.ask(), wallet.ask(passcode="no"), wallet.client.get(wallet.path)):
        assert answer["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in answer
        assert not answer.cookies
    assert wallet.client.get(wallet.path).status_code == 405
    root = wallet.path.partition("/shl/")[0]
    for path in ("/", "/shl", "/dicom-web/studies", "/open"):
        assert "Access-Control-Allow-Origin" not in wallet.client.get(root + path)


def test_a_wallet_is_in_the_list_of_visits_and_on_record(wallet: Wallet, made: Made) -> None:
    embedded(wallet)
    visit = ShareVisit.objects.get(way=ShareVisit.Way.HEALTH_LINK)
    assert (visit.device, visit.share_id) == ("Wallet of Jeanne", made.share.pk)
    opened = AuditEvent.objects.filter(action="share.opened", subject_uid=made.share.key).latest("pk")
    assert opened.detail["way"] == "health_link"
    assert AuditEvent.objects.filter(action="study.exported").exists()


def test_wallets_that_ask_too_often_wait(wallet: Wallet) -> None:
    answers = [wallet.ask(passcode="") for _each in range(21)]
    assert answers[0].status_code == 401
    assert answers[-1].status_code == 429
    assert int(answers[-1]["Retry-After"]) > 0


@pytest.mark.parametrize(
    "rules",
    [
        {"may_download": False, "factor": Factor.PRINTED},
        {"may_download": True, "factor": Factor.PRINTED, "is_deidentified": True},
        {"may_download": True, "factor": Factor.BIRTH_DATE},
    ],
)
def test_no_link_is_made_of_a_share_that_must_not_be_kept(
    sharing: Sharing, chest: Study, outside: Client, rules: dict[str, Any], share_policy: Any
) -> None:
    share_policy(factors=["email", "sms", "printed", "birth_date"])
    made = sharing(chest, factor=Factor.PRINTED, may_download=True)
    open_link(outside, made)
    outside.post(f"/s/{made.share.key}/proof", {"answer": made.handed.proof})
    Share.objects.filter(pk=made.share.pk).update(**rules)
    assert outside.post(f"/s/{made.share.key}/shl").status_code == 403
    assert not ShareHealthLink.objects.exists()
    assert b"health wallet" not in outside.get(f"/s/{made.share.key}/").content


def test_who_is_not_in_makes_no_link(made: Made) -> None:
    answer = Client().post(f"/s/{made.share.key}/shl")
    assert b"shlink:/" not in answer.content
    assert not ShareHealthLink.objects.exists()


def test_who_shared_makes_a_link_at_the_desk_and_nobody_else(made: Made, alice: Any, client: Client, bob: Any) -> None:
    client.force_login(alice)
    answer = client.post(f"/shared/{made.share.key}/health-link")
    assert answer.status_code == 200
    handed = answer.context["handed"]
    assert handed.link.made_by == alice
    assert embedded(Wallet(handed.uri, handed.passcode, Client()))["resourceType"] == "Bundle"
    client.force_login(bob)
    assert client.post(f"/shared/{made.share.key}/health-link").status_code in {403, 404}
    assert ShareHealthLink.objects.count() == 1


def test_a_link_opens_in_our_own_page_with_its_passcode(wallet: Wallet, made: Made, chest: Study) -> None:
    browser = Client()
    root = f"/s/{made.share.key}"
    page = browser.get(f"{root}/shl", HTTP_SEC_FETCH_MODE="navigate")
    assert page.status_code == 200
    assert b"DURAND" not in page.content
    token = wallet.path.rpartition("/")[2]
    wrong = browser.post(f"{root}/shl/open", {"token": token, "passcode": "0000-0000-0000"})
    assert wrong.status_code == 403
    made.share.refresh_from_db()
    assert made.share.wrong == 1
    opens = made.share.opens
    right = browser.post(f"{root}/shl/open", {"token": token, "passcode": wallet.passcode.lower()})
    assert (right.status_code, right["Location"]) == (303, f"{root}/")
    assert chest.study_instance_uid.encode() in browser.get(f"{root}/").content
    made.share.refresh_from_db()
    assert made.share.opens == opens + 1
