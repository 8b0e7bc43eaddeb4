"""Pages of pushes: asking for one, who sees it, what each may do, the agreement of a second person, and the admin."""

import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, Department, Notification, User
from accounts.outbound.models import OutboundHost
from accounts.roles import Role
from accounts.signing_in import sealing
from imaging.pipeline import partners, steps
from imaging.queues import LONG
from imaging.sharing.models import Partner, PartnerTransfer, TransferItem
from imaging.sharing.models.choices import Recipient
from imaging.sharing.partners import services
from imaging.studies.models import Series, Study
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.partner_archives import MakePartner, Push, StartElsewhere, now, work
from tests.ports import free_port
from tests.shared_links import Sharing
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db(transaction=True)
State = PartnerTransfer.State
LIST, NEW = "/shared/partners/", "/shared/partners/new"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page_of(transfer: PartnerTransfer) -> str:
    return f"{LIST}{transfer.key}/"


def works(department: Department, role: Role, username: str) -> User:
    user = UserFactory.create(username=username, display_name=username.title())
    MembershipFactory.create(user=user, department=department, role=role)
    return user


@pytest.fixture
def lyon(dimse_partner: MakePartner) -> Partner:
    """An archive that is away."""
    return dimse_partner(free_port())


def filled(study: Study, partner: Partner, **changes: Any) -> dict[str, Any]:
    said = {
        "study": study.study_instance_uid,
        "token": str(uuid.uuid4()),
        "partner": str(partner.pk),
        "what": "study",
        "purpose": "transfer",
        "with_report": "on",
    }
    return {**said, **changes}


def test_a_study_is_asked_for_once_however_often_the_button_is_pressed(
    alice: User, slices: Study, lyon: Partner
) -> None:
    browser = signed_in(alice)
    offered = browser.get(NEW, {"study": slices.study_instance_uid})
    assert "CHU Lyon" in offered.content.decode()
    said = filled(slices, lyon)
    first, second = browser.post(NEW, said), browser.post(NEW, said)
    made = PartnerTransfer.objects.get()
    assert first.status_code == second.status_code == 302
    assert first["Location"] == second["Location"] == page_of(made)
    assert (made.state, made.purpose, made.created_by) == (State.WAITING, "transfer", alice)
    assert TransferItem.objects.get().series is None


def test_chosen_series_go_and_the_report_stays_here_unless_it_is_ticked(
    alice: User, archive: Archive, elsewhere: StartElsewhere, dimse_partner: MakePartner
) -> None:
    study = arrivals.uid()
    wanted, other = (arrivals.dataset(StudyInstanceUID=study, SeriesNumber=number) for number in (1, 2))
    archive.receive(wanted, other)
    there = elsewhere("-uf")
    said = filled(Study.objects.get(), dimse_partner(there.port), what="series", series=[wanted.SeriesInstanceUID])
    del said["with_report"]
    answer = signed_in(alice).post(NEW, said)
    assert answer.status_code == 302, answer.content.decode()
    work()
    assert PartnerTransfer.objects.get().state == State.DONE
    assert [path.name.endswith(wanted.SOPInstanceUID) for path in there.files] == [True]
    assert TransferItem.objects.get().series == Series.objects.get(series_instance_uid=wanted.SeriesInstanceUID)


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ({"is_allowed": False}, "shares no images by link"),
        ({"may_download": False}, "gives no downloads"),
        ({"roles": [Role.RADIOLOGIST.value]}, "Your role in this department"),
    ],
)
def test_the_rules_of_the_department_hold_here_too(
    alice: User, slices: Study, lyon: Partner, share_policy: Any, rules: dict[str, Any], sentence: str
) -> None:
    share_policy(**rules)
    answer = signed_in(alice).post(NEW, filled(slices, lyon))
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not PartnerTransfer.objects.exists()


def test_a_partner_of_another_department_is_neither_offered_nor_taken(
    alice: User, slices: Study, lyon: Partner, orthopaedics: Department
) -> None:
    lyon.departments.set([orthopaedics])
    browser = signed_in(alice)
    assert "sends to no archive of a partner" in browser.get(NEW, {"study": slices.study_instance_uid}).content.decode()
    assert browser.post(NEW, filled(slices, lyon)).status_code == 422
    assert "partner archive" not in browser.get("/shared/new", {"study": slices.study_instance_uid}).content.decode()
    lyon.departments.add(Department.objects.get(code="emergency"))
    assert NEW in browser.get("/shared/new", {"study": slices.study_instance_uid}).content.decode()


def test_a_stranger_finds_neither_the_form_nor_the_push(
    bob: User, charlie: User, slices: Study, lyon: Partner, push: Push
) -> None:
    transfer = push(slices, lyon)
    for person in (bob, charlie):
        browser = signed_in(person)
        assert browser.get(NEW, {"study": slices.study_instance_uid}).status_code == 404
        assert browser.post(NEW, filled(slices, lyon)).status_code == 404
        assert browser.get(page_of(transfer)).status_code in {403, 404}
        for act in ("stop", "again", "decide"):
            assert browser.post(f"{page_of(transfer)}{act}").status_code in {403, 404}
    assert "CHU Lyon" not in signed_in(bob).get(LIST).content.decode()
    assert now(transfer).state == State.WAITING


def test_a_patient_who_opposed_is_not_passed_on(alice: User, slices: Study, lyon: Partner, sharing: Sharing) -> None:
    from tests.imaging.sharing.partners.test_dimse import oppose

    oppose(slices.patient)
    answer = signed_in(alice).post(NEW, filled(slices, lyon))
    assert answer.status_code == 422
    assert "The patient opposed" in answer.content.decode()
    assert PartnerTransfer.recipient == Recipient.COLLEAGUE


def test_a_second_person_agrees_before_anything_goes(
    alice: User, emergency: Department, slices: Study, lyon: Partner, share_policy: Any
) -> None:
    share_policy(approval="downloads")
    manager = works(emergency, Role.DEPARTMENT_MANAGER, "marc")
    signed_in(alice).post(NEW, filled(slices, lyon))
    transfer = PartnerTransfer.objects.get()
    assert transfer.state == State.ASKED
    assert Notification.objects.filter(user=manager, kind="transfer.waiting").count() == 1
    assert not steps.run_next(LONG)
    partners.send(transfer.key)
    assert now(transfer).started_at is None

    own = signed_in(alice)
    own.post(f"{page_of(transfer)}decide", {"verdict": "allow"})
    assert now(transfer).state == State.ASKED, "nobody agrees to their own"
    # Stopped and tried again it still waits for the second person.
    own.post(f"{page_of(transfer)}stop", {})
    own.post(f"{page_of(transfer)}again", {})
    assert now(transfer).state == State.ASKED

    signed_in(manager).post(f"{page_of(transfer)}decide", {"verdict": "allow"})
    assert (now(transfer).state, now(transfer).decided_by) == (State.WAITING, manager)
    assert Notification.objects.filter(user=alice, kind="transfer.decided").count() == 1
    assert AuditEvent.objects.filter(action="transfer.decided", subject_uid=slices.study_instance_uid).count() == 1


def test_a_refusal_says_why(
    alice: User, emergency: Department, slices: Study, lyon: Partner, share_policy: Any
) -> None:
    share_policy(approval="all")
    manager = signed_in(works(emergency, Role.DEPARTMENT_MANAGER, "marc"))
    signed_in(alice).post(NEW, filled(slices, lyon))
    transfer = PartnerTransfer.objects.get()
    assert manager.post(f"{page_of(transfer)}decide", {"verdict": "refuse"}).status_code == 422
    manager.post(f"{page_of(transfer)}decide", {"verdict": "refuse", "words": "use the link"})
    assert (now(transfer).state, now(transfer).words) == (State.REFUSED, "use the link")
    assert "use the link" in signed_in(alice).get(page_of(transfer)).content.decode()


@pytest.mark.usefixtures("early_clock")
def test_the_page_tells_how_far_it_is_and_asks_again_only_while_it_goes_on(
    alice: User, slices: Study, lyon: Partner, push: Push, elsewhere: StartElsewhere
) -> None:
    browser = signed_in(alice)
    transfer = push(slices, lyon)
    work()
    waiting = browser.get(page_of(transfer)).content.decode()
    assert "cannot be reached" in waiting
    assert 'hx-trigger="every 2s"' in waiting
    part = browser.get(page_of(transfer), headers={"HX-Request": "true"})
    assert part["ETag"]
    same = browser.get(page_of(transfer), headers={"HX-Request": "true", "If-None-Match": part["ETag"]})
    assert same.status_code == 304

    elsewhere(port=lyon.device.port)  # type: ignore[union-attr]
    browser.post(f"{page_of(transfer)}again")
    work()
    done = browser.get(page_of(transfer), headers={"HX-Request": "true"}).content.decode()
    assert "5 of 5 objects arrived" in done
    assert "hx-trigger" not in done
    assert "5 / 5" in browser.get(LIST).content.decode()


def test_the_department_stops_what_a_colleague_sends_and_says_why(
    alice: User, emergency: Department, slices: Study, lyon: Partner, push: Push
) -> None:
    transfer = push(slices, lyon)
    manager = signed_in(works(emergency, Role.DEPARTMENT_MANAGER, "marc"))
    assert manager.post(f"{page_of(transfer)}stop", {}).status_code == 422
    manager.post(f"{page_of(transfer)}stop", {"words": "wrong patient"})
    assert (now(transfer).state, now(transfer).words) == (State.STOPPED, "wrong patient")
    assert Notification.objects.filter(user=alice, kind="transfer.stopped").count() == 1
    work()
    assert now(transfer).started_at is None


def test_the_privacy_officer_sees_that_it_went_and_not_of_whom(
    slices: Study, lyon: Partner, push: Push, orthopaedics: Department
) -> None:
    transfer = push(slices, lyon)
    officer = signed_in(works(orthopaedics, Role.PRIVACY_OFFICER, "petra"))
    text = officer.get(page_of(transfer)).content.decode() + officer.get(LIST).content.decode()
    assert "CHU Lyon" in text
    assert "Durand" not in text
    assert "CT thorax" not in text


def test_who_looked_names_the_archive_to_which_images_went(
    slices: Study, push: Push, elsewhere: StartElsewhere, dimse_partner: MakePartner, orthopaedics: Department
) -> None:
    push(slices, dimse_partner(elsewhere().port))
    work()
    officer = signed_in(works(orthopaedics, Role.PRIVACY_OFFICER, "petra"))
    page = officer.get(reverse("privacy:patient", args=[slices.patient.pk])).content.decode()
    assert "sent your images to another archive" in page
    assert "CHU Lyon" in page


@pytest.fixture
def administrator() -> Client:
    """Somebody who may change every setting."""
    return signed_in(UserFactory.create(username="root", is_staff=True, is_superuser=True))


def test_an_administrator_adds_a_partner_and_its_secret_is_never_shown(
    administrator: Client, emergency: Department
) -> None:
    OutboundHost.objects.create(host="pacs.lyon.example", purpose="partner")
    address = reverse("admin:imaging_partner_add")
    said = {
        "name": "CHU Lyon",
        "kind": "stow",
        "is_active": "on",
        "departments": [emergency.pk],
        "address": "https://pacs.lyon.example/dicom-web",
        "auth": "bearer",
        "secret": "",
        "tries_hours": "24",
        "transfer_syntaxes": "",
    }
    assert "Write the token or the password" in administrator.post(address, said).content.decode()
    unlisted = administrator.post(address, {**said, "secret": "s3cret", "address": "https://evil.example/dicom-web"})
    assert "not among the outbound hosts" in unlisted.content.decode()
    assert administrator.post(address, {**said, "secret": "s3cret"}).status_code == 302
    partner = Partner.objects.get()
    assert "s3cret" not in partner.sealed_secret
    assert sealing.opened(partner.sealed_secret) == "s3cret"
    page = administrator.get(reverse("admin:imaging_partner_change", args=[partner.pk])).content.decode()
    assert "s3cret" not in page
    assert AuditEvent.objects.filter(action="setting.changed", subject_type="partner").count() == 1
    # Left empty, it stays what it is.
    administrator.post(reverse("admin:imaging_partner_change", args=[partner.pk]), {**said, "name": "HCL"})
    partner.refresh_from_db()
    assert (partner.name, sealing.opened(partner.sealed_secret)) == ("HCL", "s3cret")


def test_the_connection_is_tested_from_the_page_and_told_in_words(
    administrator: Client, elsewhere: StartElsewhere, dimse_partner: MakePartner
) -> None:
    there = elsewhere()
    partner = dimse_partner(there.port)
    address = reverse("admin:imaging_partner_test", args=[partner.pk])
    assert administrator.get(address).status_code == 405
    assert "CHU Lyon answered" in administrator.post(address, follow=True).content.decode()
    there.end()
    assert "cannot be reached" in administrator.post(address, follow=True).content.decode()
    assert [event.outcome for event in AuditEvent.objects.filter(action="peer.tested").order_by("id")] == [
        "success",
        "failed",
    ]


def test_a_job_that_failed_each_time_leaves_no_push_that_seems_to_go_on(
    slices: Study, lyon: Partner, push: Push, alice: User, monkeypatch: Any
) -> None:
    from imaging.events.models import Job
    from imaging.sharing.partners import sending

    transfer = push(slices, lyon)
    Job.objects.update(state=Job.State.FAILED)
    sending.offer()
    assert (now(transfer).state, now(transfer).problem) == (State.FAILED, "unexpected")
    assert services.try_again(transfer)
