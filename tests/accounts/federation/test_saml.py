"""SAML: signed answers to our own question alone, for us, once; made here with a provider's own key."""

import base64
import zlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as ET

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.test import Client
from django.utils import timezone
from onelogin.saml2.utils import OneLogin_Saml2_Utils

from accounts.audit import Action
from accounts.audit.models import AuditEvent
from accounts.models import Department, FederatedIdentity, IdentityProvider, Membership, User
from tests.accounts.federation.conftest import rule

pytestmark = pytest.mark.django_db
IDP = "https://idp.hospital.example/saml"
ENTITY = "http://testserver/account/sso/clinic/saml/metadata/"
ACS = "http://testserver/account/sso/clinic/saml/acs/"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"


def key_and_certificate() -> tuple[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "idp")])
    now = timezone.now()
    made = (
        x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=key.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private.decode(), made.public_bytes(serialization.Encoding.PEM).decode()


KEY, CERTIFICATE = key_and_certificate()
OTHER_KEY, OTHER_CERTIFICATE = key_and_certificate()


@pytest.fixture
def clinic(emergency: Department) -> IdentityProvider:
    bare = "".join(CERTIFICATE.splitlines()[1:-1])
    metadata = (
        f'<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{IDP}"><IDPSSODescriptor'
        ' protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="signing">'
        '<KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>'
        f"{bare}</X509Certificate></X509Data></KeyInfo></KeyDescriptor><SingleSignOnService"
        ' Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.hospital.example/sso"/>'
        "</IDPSSODescriptor></EntityDescriptor>"
    )
    provider = IdentityProvider(
        name="Clinic",
        slug="clinic",
        protocol="saml",
        issuer=IDP,
        saml_metadata=metadata,
        acr_mfa=["urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken"],
    )
    provider.full_clean()
    provider.save()
    rule(provider, emergency, claim="groups")
    return provider


def answer(question: str, **changes: Any) -> str:
    """A signed answer that nobody could object to, but for the changes."""
    now = timezone.now()
    said = {
        "in_response_to": question,
        "issuer": IDP,
        "audience": ENTITY,
        "recipient": ACS,
        "destination": ACS,
        "subject": "persistent-1",
        "format": PERSISTENT,
        "until": now + timedelta(minutes=5),
        "id": "_assertion1",
        "groups": "pacs-emergency",
        "context": "urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken",
        "key": KEY,
        "certificate": CERTIFICATE,
        "sign": True,
        **changes,
    }
    stamp, until = (moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in (now, said["until"]))
    audience = (
        f"<AudienceRestriction><Audience>{said['audience']}</Audience></AudienceRestriction>"
        if said["audience"]
        else ""
    )
    asked = f'InResponseTo="{said["in_response_to"]}"' if said["in_response_to"] else ""
    assertion = (
        f'<Assertion xmlns="urn:oasis:names:tc:SAML:2.0:assertion" ID="{said["id"]}" Version="2.0" IssueInstant="{stamp}">'
        f'<Issuer>{said["issuer"]}</Issuer><Subject><NameID Format="{said["format"]}">{said["subject"]}</NameID>'
        f'<SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><SubjectConfirmationData {asked}'
        f' Recipient="{said["recipient"]}" NotOnOrAfter="{until}"/></SubjectConfirmation></Subject>'
        f'<Conditions NotBefore="{stamp}" NotOnOrAfter="{until}">{audience}</Conditions>'
        f'<AuthnStatement AuthnInstant="{stamp}" SessionIndex="s-1"><AuthnContext><AuthnContextClassRef>{said["context"]}'
        "</AuthnContextClassRef></AuthnContext></AuthnStatement><AttributeStatement>"
        f'<Attribute Name="groups"><AttributeValue>{said["groups"]}</AttributeValue></Attribute>'
        '<Attribute Name="urn:oid:0.9.2342.19200300.100.1.1" FriendlyName="uid"><AttributeValue>anna</AttributeValue></Attribute>'
        "</AttributeStatement></Assertion>"
    )
    if said["sign"]:
        signed = OneLogin_Saml2_Utils.add_sign(assertion, said["key"], said["certificate"])
        assertion = signed.decode() if isinstance(signed, bytes) else signed
    alter: Callable[[str], str] = said.get("alter", lambda text: text)
    response = (
        '<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_response1" Version="2.0"'
        f' IssueInstant="{stamp}" Destination="{said["destination"]}" {asked}><Issuer'
        f' xmlns="urn:oasis:names:tc:SAML:2.0:assertion">{said["issuer"]}</Issuer><samlp:Status><samlp:StatusCode'
        f' Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>{alter(assertion)}</samlp:Response>'
    )
    return base64.b64encode(said.get("before", "").encode() + response.encode()).decode()


def asked(client: Client) -> tuple[str, str]:
    """Begin; return the ID of our question and the state that comes back with the answer."""
    sent = client.get("/account/sso/clinic/")
    assert sent.status_code == 302
    query = parse_qs(urlsplit(sent["Location"]).query)
    request = zlib.decompress(base64.b64decode(query["SAMLRequest"][0]), -15)
    return ET.fromstring(request).attrib["ID"], query["RelayState"][0]


def comes(client: Client, **changes: Any) -> Any:
    question, state = asked(client)
    posted = {"SAMLResponse": answer(question, **changes), "RelayState": state}
    # Another site has the browser post this: without our session.
    taken = Client(enforce_csrf_checks=True).post("/account/sso/clinic/saml/acs/", posted)
    assert taken.status_code == 303
    return client.get(taken["Location"])


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_a_person_comes_in_with_a_signed_answer(client: Client, clinic: IdentityProvider) -> None:
    assert comes(client).status_code == 302
    assert is_in(client)
    anna = User.objects.get(username="anna")
    assert FederatedIdentity.objects.get(user=anna).subject == "persistent-1"
    assert Membership.objects.get(user=anna).department.code == "emergency"
    assert client.session["proofs"]["shown"][0]["strong"]


@pytest.mark.parametrize(
    "changes",
    [
        {"sign": False},
        {"key": OTHER_KEY, "certificate": OTHER_CERTIFICATE},
        {"alter": lambda text: text.replace("persistent-1", "persistent-2")},
        {"alter": lambda text: text + text.replace('ID="_assertion1"', 'ID="_assertion2"')},
        {"audience": "https://somebody-else.example/"},
        {"audience": ""},
        {"issuer": "https://elsewhere.example/saml"},
        {"recipient": "https://elsewhere.example/acs"},
        {"destination": "https://elsewhere.example/acs"},
        {"in_response_to": "_another"},
        {"in_response_to": ""},
        {"until": timezone.now() - timedelta(hours=1)},
        {"format": "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress", "subject": "anna@hospital.example"},
        {"format": "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"},
        {"before": '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>'},
    ],
)
def test_any_other_answer_is_refused(client: Client, clinic: IdentityProvider, changes: dict[str, Any]) -> None:
    assert comes(client, **changes).status_code == 403
    assert not is_in(client)
    assert not User.objects.exists()
    assert AuditEvent.objects.filter(action=Action.USER_REFUSED).count() == 1


def test_a_comment_within_a_subject_cuts_nothing_off(client: Client, clinic: IdentityProvider) -> None:
    """Comments are no part of what is signed: `admin<!---->.evil` is `admin.evil`, and never `admin`."""
    changes = {"subject": "admin.evil", "alter": lambda text: text.replace("admin.evil", "admin<!---->.evil")}
    comes(client, **changes)
    assert not FederatedIdentity.objects.filter(subject="admin").exists()


def test_an_answer_is_taken_once_and_in_the_browser_that_asked(client: Client, clinic: IdentityProvider) -> None:
    question, state = asked(client)
    posted = {"SAMLResponse": answer(question), "RelayState": state}
    there = Client().post("/account/sso/clinic/saml/acs/", posted)["Location"]
    assert Client().get(there).status_code == 403
    assert client.get(there).status_code == 302
    assert Client().get(there).status_code == 403


def test_after_a_switch_the_provider_is_told_to_ask(client: Client, clinic: IdentityProvider) -> None:
    comes(client)
    client.post("/account/switch/")
    query = parse_qs(urlsplit(client.get("/account/sso/clinic/")["Location"]).query)
    request = zlib.decompress(base64.b64decode(query["SAMLRequest"][0]), -15)
    assert ET.fromstring(request).attrib["ForceAuthn"] == "true"


def test_answers_put_aside_by_one_address_have_an_end(client: Client, clinic: IdentityProvider) -> None:
    knock = {"SAMLResponse": "x", "RelayState": "y"}
    # A little becomes free again while they are sent.
    answers = [client.post("/account/sso/clinic/saml/acs/", knock).status_code for _time in range(150)]
    assert set(answers[:120]) == {303}
    assert 503 in answers


def test_our_metadata_are_published(client: Client, clinic: IdentityProvider) -> None:
    said = client.get("/account/sso/clinic/saml/metadata/")
    assert said["Content-Type"] == "application/samlmetadata+xml"
    assert ACS.encode() in said.content


def test_without_the_extra_it_is_not_set_up_and_all_else_goes_on(
    client: Client, clinic: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accounts.federation.saml.IS_INSTALLED", False)
    answered = client.get("/account/sso/clinic/")
    assert answered.status_code == 403
    assert "not set up" in answered.content.decode()
    assert client.post("/account/sso/clinic/saml/acs/").status_code == 404
    assert client.get("/account/login/").status_code == 200
