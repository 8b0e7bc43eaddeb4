"""A record without OAuth opens images by a signed token (LA-2): for a minute, once, for this portal, and by its own keys alone."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from accounts.audit import Action
from accounts.audit.models import AuditEvent
from accounts.models import ClaimRule, Department, FederatedIdentity, IdentityProvider, User
from accounts.roles import Role
from imaging.ehr.models import Hl7Peer
from imaging.studies.models import Study
from tests.factories.accounts import UserFactory
from tests.imaging.ehr.conftest import ISSUER, OID

pytestmark = pytest.mark.django_db
Arrive = Callable[..., Study]
DOOR = "/launch/signed"


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def pem(*keys: ec.EllipticCurvePrivateKey) -> str:
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    return "".join(key.public_key().public_bytes(serialization.Encoding.PEM, kind).decode() for key in keys)


@dataclass
class Record:
    """A record that signs launches."""

    row: IdentityProvider
    key: ec.EllipticCurvePrivateKey
    number: int = 0

    def token(self, *, key: Any = None, algorithm: str = "ES256", headers: Any = None, **changes: Any) -> str:
        """A token that nobody could object to, with these changes; None takes a claim away."""
        now = int(time.time())
        self.number += 1
        claims = {
            "iss": self.row.issuer,
            "aud": "http://testserver",
            "sub": "anna",
            "groups": ["pacs-emergency"],
            "iat": now,
            "exp": now + 60,
            "jti": f"launch-{self.number}",
            "patient": f"P1^^^{ISSUER}&{OID}&ISO",
            "purpose": "TREAT",
            **changes,
        }
        said = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(said, key or self.key, algorithm=algorithm, headers=headers)


@pytest.fixture
def record(emergency: Department, register: Hl7Peer, settings: Any) -> Record:
    cache.clear()
    settings.PUBLIC_URL = "http://testserver"
    key = new_key()
    row = IdentityProvider(
        name="Old record",
        slug="old-record",
        protocol="signed",
        issuer="https://record.hospital.example",
        signing_keys=pem(key),
    )
    row.full_clean()
    row.save()
    ClaimRule.objects.create(
        provider=row, claim="groups", value="pacs-emergency", department=emergency, role=Role.CLINICIAN
    )
    return Record(row, key)


def who(browser: Client) -> str:
    key = browser.session.get("_auth_user_id")
    return User.objects.get(pk=key).username if key else ""


def landed(browser: Client, answer: Any) -> Any:
    assert (answer.status_code, answer["Location"]) == (302, "/IHEInvokeImageDisplay/continue"), answer.content.decode()
    return browser.get(answer["Location"])


def viewer(study: Study) -> str:
    return f"{reverse('viewer:viewer', args=[study.study_instance_uid])}?record"


def why() -> str:
    event = AuditEvent.objects.filter(action=Action.USER_REFUSED).order_by("at", "id").last()
    assert event is not None
    return str(event.detail["why"])


class TestLanding:
    @pytest.mark.parametrize("method", ["post", "get"])
    def test_the_patients_images_open(self, client: Client, arrive: Arrive, record: Record, method: str) -> None:
        study = arrive(PatientID="P1")
        answer = landed(client, getattr(client, method)(DOOR, {"token": record.token()}))
        assert answer["Location"] == viewer(study)
        assert FederatedIdentity.objects.get(subject="anna").user.username == who(client)

    def test_a_study_or_an_accession_number_may_be_named(self, client: Client, arrive: Arrive, record: Record) -> None:
        arrive(PatientID="P1")
        study = arrive(PatientID="P1", AccessionNumber="A2")
        by_uid = record.token(studyUID=[study.study_instance_uid])
        assert landed(client, client.post(DOOR, {"token": by_uid}))["Location"] == viewer(study)
        by_number = record.token(accessionNumber="A2", patient=None)
        assert landed(client, client.post(DOOR, {"token": by_number}))["Location"] == viewer(study)

    def test_a_study_of_another_patient_than_the_one_named_stays_shut(
        self, client: Client, arrive: Arrive, record: Record
    ) -> None:
        arrive(PatientID="P1")
        other = arrive(PatientID="P2", PatientName="Roux^Jean")
        answer = landed(client, client.post(DOOR, {"token": record.token(studyUID=other.study_instance_uid)}))
        assert answer.status_code == 409
        assert "Roux" not in answer.content.decode()

    def test_who_and_why_are_on_record(self, client: Client, arrive: Arrive, record: Record) -> None:
        arrive(PatientID="P1")
        landed(client, client.post(DOOR, {"token": record.token()}))
        event = AuditEvent.objects.get(action=Action.RECORD_LAUNCHED)
        assert (event.detail["subject"], event.detail["purpose"]) == ("anna", "TREAT")

    def test_the_old_and_the_new_key_both_open_while_keys_are_changed(
        self, client: Client, arrive: Arrive, record: Record
    ) -> None:
        arrive(PatientID="P1")
        new = new_key()
        record.row.signing_keys = pem(record.key, new)
        record.row.save()
        for key in (record.key, new):
            assert (
                Client().post(DOOR, {"token": record.token(key=key, headers={"kid": "some name"})}).status_code == 302
            )
        record.row.signing_keys = pem(new)
        record.row.save()
        assert Client().post(DOOR, {"token": record.token()}).status_code == 403


class TestAccounts:
    def test_the_account_of_that_name_opens_where_the_row_says_so(
        self, client: Client, arrive: Arrive, record: Record
    ) -> None:
        arrive(PatientID="P1")
        UserFactory(username="anna")
        assert client.post(DOOR, {"token": record.token(sub="anna", preferred_username="anna")}).status_code == 403
        record.row.subject_is_username = True
        record.row.save()
        landed(client, client.post(DOOR, {"token": record.token()}))
        assert who(client) == "anna"

    @pytest.mark.parametrize("powers", [{"is_staff": True}, {"is_superuser": True}, {"is_active": False}])
    def test_never_one_that_administers_or_is_switched_off(
        self, client: Client, record: Record, powers: dict[str, bool]
    ) -> None:
        UserFactory(username="anna", **powers)
        record.row.subject_is_username = True
        record.row.save()
        assert client.post(DOOR, {"token": record.token(preferred_username="anna")}).status_code == 403
        assert who(client) == ""

    def test_whoever_was_at_the_computer_before_is_signed_out(
        self, client: Client, arrive: Arrive, record: Record, bob: User
    ) -> None:
        arrive(PatientID="P1")
        client.force_login(bob)
        landed(client, client.post(DOOR, {"token": record.token()}))
        assert who(client) != bob.username


class TestRefused:
    def test_a_token_opens_once(self, client: Client, arrive: Arrive, record: Record) -> None:
        arrive(PatientID="P1")
        token = record.token()
        assert client.post(DOOR, {"token": token}).status_code == 302
        again = Client()
        assert again.post(DOOR, {"token": token}).status_code == 403
        assert who(again) == ""
        assert why() == "launch token: used before"

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"iat": -300, "exp": -240}, "ExpiredSignatureError"),
            ({"exp": 3600}, "lives longer than 60 seconds"),
            ({"aud": "https://another.portal.example"}, "InvalidAudienceError"),
            ({"aud": None}, "MissingRequiredClaimError"),
            ({"jti": None}, "MissingRequiredClaimError"),
            ({"jti": "x" * 300}, "jti"),
            ({"sub": None}, "MissingRequiredClaimError"),
            ({"exp": None}, "MissingRequiredClaimError"),
        ],
    )
    def test_what_is_wrong_with_a_token_is_in_the_audit(
        self, client: Client, record: Record, changes: dict[str, Any], reason: str
    ) -> None:
        now = int(time.time())
        moments = {name: now + value for name, value in changes.items() if isinstance(value, int)}
        assert client.post(DOOR, {"token": record.token(**{**changes, **moments})}).status_code == 403
        assert why() == f"launch token: {reason}"
        assert who(client) == ""

    def test_the_key_of_somebody_else_opens_nothing(self, client: Client, record: Record) -> None:
        assert client.post(DOOR, {"token": record.token(key=new_key())}).status_code == 403

    def test_a_secret_in_place_of_a_key_opens_nothing(self, client: Client, record: Record) -> None:
        """The public key taken for a shared secret."""
        secret = "a shared secret of more than thirty-two octets"
        assert client.post(DOOR, {"token": record.token(key=secret, algorithm="HS256")}).status_code == 403
        unsigned = jwt.encode({"iss": record.row.issuer, "sub": "anna"}, None, algorithm="none")
        assert client.post(DOOR, {"token": unsigned}).status_code == 403

    @pytest.mark.parametrize("token", ["", "x", "a.b.c", "e30.e30.", "é", "." * 9000])
    def test_garbage_is_refused_in_words(self, client: Client, record: Record, token: str) -> None:
        answer = client.post(DOOR, {"token": token})
        assert answer.status_code == 403
        assert "Nothing was opened" in answer.content.decode()

    def test_a_record_that_was_switched_off_opens_nothing(self, client: Client, record: Record) -> None:
        IdentityProvider.objects.update(is_active=False)
        assert client.post(DOOR, {"token": record.token()}).status_code == 403

    def test_the_word_of_a_signed_launch_is_no_sign_in_by_openid(self, client: Client, record: Record) -> None:
        """Its row has no button, and no door but its own."""
        assert "Old record" not in client.get("/account/login/").content.decode()
        assert client.get("/account/sso/old-record/").status_code == 404

    def test_a_token_that_names_nobody_signs_nobody_in(self, client: Client, record: Record) -> None:
        assert client.post(DOOR, {"token": record.token(patient=None)}).status_code == 404
        assert client.post(DOOR, {"token": record.token(patient={"id": "P1"})}).status_code == 404
        assert who(client) == ""

    def test_a_number_that_cannot_be_read_is_said(self, client: Client, record: Record) -> None:
        answer = landed(client, client.post(DOOR, {"token": record.token(studyUID="not a uid")}))
        assert answer.status_code == 400

    def test_a_page_of_another_site_may_post_it_beside_a_session(
        self, client: Client, arrive: Arrive, record: Record
    ) -> None:
        """The record's own page does, and its token is the proof."""
        arrive(PatientID="P1")
        landed(client, client.post(DOOR, {"token": record.token()}))
        answer = client.post(
            DOOR, {"token": record.token()}, headers={"Sec-Fetch-Site": "same-site", "Origin": "https://record.example"}
        )
        assert answer.status_code == 302


class TestKeys:
    @pytest.mark.parametrize("text", ["", "no key", "{", '{"keys": []}', '{"keys": [{"kty": "oct", "k": "AAAA"}]}'])
    def test_what_holds_no_public_key_is_refused(self, record: Record, text: str) -> None:
        record.row.signing_keys = text or "x"
        with pytest.raises(ValidationError):
            record.row.full_clean()

    def test_a_private_key_is_refused_and_said_so(self, record: Record) -> None:
        private = record.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        record.row.signing_keys = private
        with pytest.raises(ValidationError, match="private key"):
            record.row.full_clean()

    def test_keys_may_be_a_json_web_key_set(self, client: Client, arrive: Arrive, record: Record) -> None:
        arrive(PatientID="P1")
        public = jwt.algorithms.ECAlgorithm.to_jwk(record.key.public_key(), as_dict=True)

        record.row.signing_keys = json.dumps({"keys": [{**public, "kid": "k1"}]})
        record.row.full_clean()
        record.row.save()
        assert client.post(DOOR, {"token": record.token(headers={"kid": "k1"})}).status_code == 302
        assert client.post(DOOR, {"token": record.token(headers={"kid": "k2"})}).status_code == 403
