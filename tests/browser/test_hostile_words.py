"""Every page of the portal where every word is markup: nothing runs, nothing is asked of others, and the words are read."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.admin import site as administration
from django.db import models
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from playwright.sync_api import Page
from pydicom.config import disable_value_validation

from accounts.audit.models import AuditReceiver
from accounts.federation.models import ClaimRule, IdentityProvider
from accounts.framing.models import FrameOrigin
from accounts.models import Department, DepartmentGroup, SignInPolicy, User
from accounts.outbound.models import OutboundHost
from accounts.practitioners.models import PractitionerIdentifier
from accounts.roles import Role
from accounts.services import IssuedKey
from imaging.access.emergency.models import EmergencyAccess
from imaging.access.requests.models import AccessRequest
from imaging.ingest.models import ApplicationEntity, Import, Quota, RoutingRule
from imaging.privacy.models import Breach, BreachStep, DataSubjectRequest, Letterhead
from imaging.sharing.making import services as sharing
from imaging.sharing.models import Share
from imaging.studies.models import Annotation, Instance, KeyImage, PatientChoice, Protection, SavedList
from imaging.webhooks.models import Webhook
from tests.browser import hostile_words
from tests.browser.conftest import OpenPage
from tests.browser.hostile_words import MARKUP, make
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.imaging.access.requests.conftest import FILLED, seal_of
from tests.imaging.rendering import drawings
from tests.imaging.viewer.test_documents import coded, item, report
from tests.shared_links import person, wish
from tests.studies_in_archive import Archive, addresses

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

EXECUTED = "img[src='x'], svg[onload], script:not([src], [type='application/json'])"
#: What has to have been filled, or the test would look at less than it says.
TYPED = {
    *("site.name", "department.name", "user.display_name", "savedlist.name", "identityprovider.label"),
    *("accessrequest.words", "emergencyaccess.reason", "datasubjectrequest.wish", "breach.title", "keyimage.note"),
    *("protection.reason", "frameorigin.purpose", "outboundhost.purpose", "routingrule.name", "import.title"),
    *("applicationentity.description", "machinekey.name", "webhook.description", "signinpolicy.note", "auditreceiver.name"),
    *("share.recipient_name", "share.note", "share.purpose_words"),
    *("letterhead.address", "departmentgroup.name", "patientchoice.evidence", "grant.reason"),
}  # fmt: skip


@pytest.fixture
def everybody(emergency: Department) -> User:
    """Somebody with every role in emergency, and every right in the administration."""
    user = UserFactory.create(username="everybody", is_staff=True, is_superuser=True)
    for role in Role:
        MembershipFactory.create(user=user, department=emergency, role=role)
    return user


@pytest.fixture
def studies(archive: Archive) -> dict[str, Any]:
    """An image, a report and a document, of which every text is markup."""
    with disable_value_validation():
        image = hostile_words.image(PatientID="P1", PatientBirthDate="19700102")
        same = {**dict(hostile_words.attributes()), "PatientID": "P1", "PatientBirthDate": "19700102"}
        same["StudyInstanceUID"] = image.StudyInstanceUID
        said = [item("TEXT", MARKUP, TextValue=MARKUP), item("PNAME", MARKUP, PersonName=hostile_words.NAME)]
        text = report(said, **same)
        text.ConceptNameCodeSequence = coded(MARKUP, MARKUP, MARKUP)
        html = f"<html><title>{MARKUP}</title><body>{MARKUP}</body></html>".encode()
        document = drawings.encapsulated(html, "text/html", **{**same, "DocumentTitle": MARKUP})
        archive.receive(image, sender="<img src=x>")
        archive.receive(text, document)
    return {"image": image, "text": text, "document": document}


@pytest.fixture
def hospital(
    studies: dict[str, Any], archive: Archive, everybody: User, bob: User, orthopaedics: Department, machine: IssuedKey
) -> None:
    """Rows of whatever people type into, made by the pages where the pages do more than keep them; then all words filled."""
    SignInPolicy.objects.create(mfa_roles=[], passkey_roles=[], passkey_acts=[])
    _ask(bob, orthopaedics)
    _ask(everybody, orthopaedics, archive)
    desk = Client()
    desk.force_login(everybody)
    study = archive.study(studies["image"].StudyInstanceUID)
    today = timezone.localdate().isoformat()
    asked = {"kind": "access", "asked_by": "self", "received_on": today, "identity_checked": "card", "wish": "x"}
    desk.post(f"/privacy/patients/{study.patient_id}/requests", asked)
    desk.post("/import/begin", {"department": str(archive.department.pk), "title": "CD"})
    desk.post("/lists/save", {"name": "mine", "q": "x"})
    image = Instance.objects.get(sop_instance_uid=studies["image"].SOPInstanceUID)
    shape = {"points": [[0, 0, 0]], "text": MARKUP}
    make(Annotation, study=study, instance=image, author=everybody, tool="text", shape=shape)
    make(KeyImage, study=study, instance=image, flagged_by=everybody)
    sharing.make(person(everybody, archive.department), wish(study, note="x", purpose_words="x"))
    make(PatientChoice, patient=study.patient)
    make(Protection, study=study, label="sensitive")
    make(OutboundHost, host="hooks.example")
    make(Webhook, machine_key=machine.key, address="https://hooks.example/x")
    for model in (FrameOrigin, Letterhead, IdentityProvider, ClaimRule, DepartmentGroup, PractitionerIdentifier):
        make(model)
    for other in (ApplicationEntity, RoutingRule, Quota, Breach, BreachStep, SavedList):
        make(other)
    make(AuditReceiver, is_active=False)
    filled = hostile_words.fill()
    assert filled >= TYPED, TYPED - filled


def _ask(user: User, department: Department, archive: Archive | None = None) -> None:
    """Ask for access to what emergency has, and break the glass for it; with an archive, for what orthopaedics has."""
    patient = {"patient_id": "P1", "birth_date": "1970-01-02"}
    if archive is not None:
        archive.receive(arrivals.dataset(PatientID="P2", PatientBirthDate="19700102"), department=department)
        patient["patient_id"] = "P2"
        department = user.memberships.all()[0].department
    client = Client()
    client.force_login(user)
    seal = seal_of(client, **patient)
    client.post("/access/ask", {**FILLED, "seal": seal, "department": str(department.pk)})
    form = {"form_key": "8f1d2f9e-5e0c-4f3b-9a6b-1f5d1a0e9c5" + patient["patient_id"][-1], "purpose": "ETREAT"}
    client.post("/access/emergency/", {**form, **patient, "reason": "Unconscious after a fall, earlier bleeding?"})


def visited(page: Page, address: str) -> str:
    """Open a page, and return what a reader reads there; fail when markup became more than text."""
    answer = page.goto(address)
    page.wait_for_load_state()
    assert answer is not None
    assert answer.status < 500, address
    assert page.locator(EXECUTED).count() == 0, address
    return page.inner_text("body")


def listened(page: Page, own: str) -> list[str]:
    """Hear of dialogs, and of requests that go elsewhere."""
    heard: list[str] = []
    page.on("dialog", lambda dialog: heard.append(f"dialog: {dialog.message}"))

    def asked(request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in {"data", "blob"} and parts.netloc != own:
            heard.append(f"asked of {request.url}")

    page.on("request", asked)
    return heard


def of_administration() -> list[str]:
    """Every list, the page of one row of each, and the pages that show no rows."""
    found = ["/admin/"]
    for model in administration._registry:
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        found.append(reverse(f"admin:{name}_changelist"))
        row = model._default_manager.values_list("pk", flat=True).first()
        if row is not None:
            found.append(reverse(f"admin:{name}_change", args=[row]))
            for more in ("history", "delete", "powers"):
                try:
                    found.append(reverse(f"admin:{name}_{more}", args=[row]))
                except NoReverseMatch:
                    continue
    return found


def of_rows(model: type[models.Model], pattern: str) -> list[str]:
    """The address of each row."""
    return [pattern.format(pk) for pk in model._default_manager.values_list("pk", flat=True)]


def test_every_page_of_images_people_and_requests(
    hospital: None, studies: dict[str, Any], everybody: User, open_page: OpenPage, live_server: Any
) -> None:
    page = open_page(everybody, awaited=(404,))
    heard = listened(page, urlsplit(live_server.url).netloc)
    there, text = addresses(studies["image"]).all, addresses(studies["text"]).all
    shown = ["/", there["page"], there["headers"], there["viewer"], there["preview beside the list"], text["document"]]
    shown += [f"{there['page']}why", "/lists/", "/quarantine/", "/conflicts/", "/import/", "/account/identities/"]
    shown += ["/account/security/", "/access/", "/access/desk/", "/access/desk/?show=history", "/access/emergency/"]
    shown += ["/access/emergency/reviews/", "/privacy/", "/privacy/requests/", "/privacy/corrections/"]
    shown += ["/notifications/", "/account/notifications/", "/figures/"]
    shown += [
        "/privacy/breaches/",
        "/privacy/reviews/",
        f"/privacy/patients/{Protection.objects.all()[0].study.patient_id}/",
    ]
    shown += of_rows(AccessRequest, "/access/requests/{}/") + of_rows(EmergencyAccess, "/access/emergency/{}/")
    shown += of_rows(EmergencyAccess, "/access/emergency/reviews/{}/") + of_rows(Import, "/import/{}/")
    shown += ["/shared/", "/shared/?of=all"]
    shown += [f"/shared/{key}/" for key in Share.objects.values_list("key", flat=True)]
    shown += of_rows(DataSubjectRequest, "/privacy/requests/{}/") + of_rows(Breach, "/privacy/breaches/{}/")
    shown += [
        f"/privacy/seen/?who={everybody.pk}",
        "/help/",
        "/account/password/",
        addresses(studies["document"]).all["document"],
    ]
    read = {address: visited(page, address) for address in shown}
    silent = [address for address, words in read.items() if "onerror=alert(1)" not in words.replace("\u2060", "")]
    assert not heard
    must = [there["page"], there["headers"], text["document"], "/lists/", "/access/desk/", "/privacy/breaches/"]
    must += [address for address in shown if address.startswith("/shared/")]
    must += of_rows(AccessRequest, "/access/requests/{}/")[:1] + of_rows(DataSubjectRequest, "/privacy/requests/{}/")
    assert not set(must) & set(silent), silent
    reader = Client()
    reader.force_login(everybody)
    written = reader.post("/studies/export.csv", {"state": ""})
    assert written["Content-Disposition"].startswith("attachment; filename=")
    assert written["Content-Type"].startswith("text/csv")
    assert b"onerror=alert(1)" in b"".join(written.streaming_content)
    stranger = open_page(UserFactory.create())
    stranger.context.clear_cookies()
    heard += listened(stranger, urlsplit(live_server.url).netloc)
    visited(stranger, "/account/login/?next=javascript:alert(1)")
    assert not heard


def test_every_page_of_the_administration(
    hospital: None, everybody: User, open_page: OpenPage, live_server: Any
) -> None:
    page = open_page(everybody, awaited=(404,))
    heard = listened(page, urlsplit(live_server.url).netloc)
    found = of_administration()
    silent = [address for address in found if "onerror=alert(1)" not in visited(page, address) + page.content()]
    assert not heard
    assert len(silent) < len(found) / 2, silent
