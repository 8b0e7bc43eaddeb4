"""The study page by its parts: identity, what may change under it, the images of a series, the line of time, the history."""

import re
from typing import Any

import pytest
from django.test import Client
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset

from accounts.actor import Actor
from accounts.audit import coalescing
from accounts.audit.models import AuditEvent
from accounts.models import Department, SharesPriors, User
from accounts.roles import Role
from imaging.studies import marking
from imaging.studies import services as studies
from imaging.studies.correction import withdrawal
from imaging.studies.models import Instance, InstanceVersion, Placement, Study
from imaging.viewer.instances import PER_PAGE
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.imaging.rendering.conftest import Pool
from tests.studies_in_archive import Archive, addresses

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def reader(alice: User, client: Client) -> Client:
    """A browser in which Alice has signed in."""
    client.force_login(alice)
    return client


def text_of(client: Client, address: str, **query: str) -> str:
    answer = client.get(address, query)
    assert answer.status_code == 200, (address, answer.status_code)
    return answer.content.decode()


def series_of(count: int, **changes: Any) -> list[Dataset]:
    """One series of so many slices."""
    common = {"StudyInstanceUID": arrivals.uid(), "SeriesInstanceUID": arrivals.uid(), **changes}
    return [arrivals.dataset(InstanceNumber=number, **common) for number in range(1, count + 1)]


# identity


def test_the_banner_says_what_is_not_known(archive: Archive, reader: Client) -> None:
    made = arrivals.dataset(PatientName="Only", PatientID=None, PatientBirthDate=None, PatientSex=None)
    archive.receive(made)
    text = text_of(reader, addresses(made).study)
    assert re.search(r"Not given: birth date, sex, patient ID", text)
    known = arrivals.dataset(PatientName="Yamada^Tarou=山田^太郎=やまだ^たろう")
    archive.receive(known)
    text = text_of(reader, addresses(known).study)
    assert "Not given:" not in text
    assert "山田 太郎 · やまだ たろう" in text
    assert "Age at the study" not in text or "56 y" in text


@pytest.mark.parametrize(
    "name", ["Mononym", "Five^Parts^Middle^Dr^Jr", "^OnlyGiven", "שם^משפחה", "Zal\u0334go\u0336^N\u0301"]
)
def test_every_form_of_a_name_is_shown(name: str, archive: Archive, reader: Client) -> None:
    with disable_value_validation():
        made = arrivals.dataset(PatientName=name)
        archive.receive(made)
    text = text_of(reader, addresses(made).study)
    family, given = ([*name.split("^"), ""])[:2]
    assert family.upper() in text
    assert given in text


# what changes under an open page


@pytest.mark.usefixtures("early_clock")
def test_nothing_new_is_answered_without_a_body(archive: Archive, reader: Client) -> None:
    made = arrivals.dataset()
    archive.receive(made)
    address = addresses(made).all["live parts"]
    first = reader.get(address)
    tag = first.headers["ETag"]
    assert reader.get(address, headers={"If-None-Match": tag}).status_code == 304
    archive.receive(arrivals.dataset(StudyInstanceUID=made.StudyInstanceUID))
    later = reader.get(address, headers={"If-None-Match": tag})
    assert later.status_code == 200
    assert 'hx-swap-oob="true"' in later.content.decode()


def test_a_correction_reaches_the_banner_of_an_open_page(archive: Archive, reader: Client, alice: User) -> None:
    made = arrivals.dataset()
    archive.receive(made)
    address = addresses(made).all["live parts"]
    tag = reader.get(address).headers["ETag"]
    study = archive.study(made.StudyInstanceUID)
    actor = Actor(kind="user", id=str(alice.pk), name=alice.username, door="page")
    studies.correct(
        study, {"00100010": {"vr": "PN", "Value": [{"Alphabetic": "Right^Name"}]}}, actor=actor, reason="mixed up"
    )
    after = reader.get(address, headers={"If-None-Match": tag})
    assert after.status_code == 200
    text = after.content.decode()
    assert "RIGHT" in text
    assert "Corrected" in text
    assert "Header corrected by you" in text_of(reader, addresses(made).study)


def test_asking_again_is_no_new_reading(archive: Archive, reader: Client) -> None:
    made = arrivals.dataset()
    archive.receive(made)
    reader.get(addresses(made).all["live parts"])
    assert not AuditEvent.objects.filter(action="study.opened").exists()
    reader.get(addresses(made).study)
    assert AuditEvent.objects.filter(action="study.opened").count() == 1


def test_a_withdrawn_study_is_gone_for_its_open_page(archive: Archive, reader: Client, alice: User) -> None:
    made = arrivals.dataset()
    archive.receive(made)
    actor = Actor(kind="user", id=str(alice.pk), name=alice.username, door="page")
    withdrawal.withdraw(InstanceVersion.objects.values_list("pk", flat=True), actor=actor, reason="wrong patient")
    assert reader.get(addresses(made).all["live parts"]).status_code == 404
    assert reader.get(addresses(made).study).status_code == 404


# the images of a series


def test_a_series_is_shown_page_by_page(archive: Archive, decoders: Pool, reader: Client) -> None:
    made = series_of(PER_PAGE + 5, SliceLocation="-12.5")
    archive.receive(*made)
    archive.draw(made[0].StudyInstanceUID)
    there = addresses(made[0])
    first = text_of(reader, there.all["instances"])
    assert first.count('<figure><img src="/studies/') == PER_PAGE
    assert f"Images 1 to {PER_PAGE} of {PER_PAGE + 5}" in first
    assert "\N{MINUS SIGN}12.5\N{NO-BREAK SPACE}mm" in first
    second = text_of(reader, there.all["instances"], page="2")
    assert second.count("<figure><img") == 5
    for address in re.findall(r'<img src="([^"]+)"', second):
        assert reader.get(address.replace("&amp;", "&")).status_code == 200
    # A page of the study itself shows the same for `?series=`.
    assert "Images 1 to" in text_of(reader, there.study, series=there.series_uid)
    for amiss in ("0", "-1", "99999999", "abc", "²"):
        assert f"of {PER_PAGE + 5}" in text_of(reader, there.all["instances"], page=amiss, image=amiss, view=amiss)


@pytest.mark.usefixtures("early_clock")
def test_an_open_series_is_asked_again_and_answered_when_something_came(
    archive: Archive, decoders: Pool, reader: Client
) -> None:
    made = series_of(3)
    archive.receive(*made[:2])
    there = addresses(made[0])
    address = there.all["instances"]
    etag = reader.get(address)["ETag"]
    assert f'hx-headers="{{&quot;If-None-Match&quot;: &quot;\\&quot;{etag.strip(chr(34))}' in text_of(reader, address)
    assert reader.get(address, headers={"If-None-Match": etag}).status_code == 304
    assert reader.get(there.study + "live")["HX-Trigger"] == "study-changed"
    archive.receive(made[2])
    more = reader.get(address, headers={"If-None-Match": etag})
    assert more.status_code == 200
    assert more.content.count(b"<figure>") == 3
    # Pictures that are drawn later are news too.
    archive.draw(made[0].StudyInstanceUID)
    assert reader.get(address, headers={"If-None-Match": more["ETag"]}).status_code == 200
    # The panel asks for itself as it stands.
    stack = text_of(reader, address, view="stack", image="2")
    assert f'hx-get="{address}?view=stack&amp;image=2"' in stack


def test_a_series_with_key_images_has_a_star(archive: Archive, reader: Client, alice: User) -> None:
    first = series_of(2)
    other = arrivals.dataset(StudyInstanceUID=first[0].StudyInstanceUID, SeriesNumber=2)
    archive.receive(*first, other)
    there = addresses(first[0])
    assert 'class="key"' not in text_of(reader, there.study)
    before = reader.get(there.study + "live")["ETag"]
    for made in first:
        flagged = Instance.objects.get(sop_instance_uid=made.SOPInstanceUID)
        marking.flag_key_image(flagged, 1, by=alice, actor=Actor(kind="user", id=str(alice.pk), name="alice"))
    page = text_of(reader, there.study)
    assert page.count('title="2 key images"') == 1
    assert page.count('class="key"') == 1, "the other series has none"
    assert reader.get(there.study + "live", headers={"If-None-Match": before}).status_code == 200


def test_the_picture_of_the_only_series_is_shown_once(archive: Archive, decoders: Pool, reader: Client) -> None:
    made = arrivals.dataset()
    archive.receive(made)
    archive.draw(made.StudyInstanceUID)
    pictures = re.findall(r'<img src="([^"]+)" width', text_of(reader, addresses(made).study))
    assert len(pictures) == 1, pictures
    archive.receive(arrivals.dataset(StudyInstanceUID=made.StudyInstanceUID, SeriesNumber=2))
    archive.draw(made.StudyInstanceUID)
    assert text_of(reader, addresses(made).study).count("/thumbnail") >= 2


def test_a_chosen_window_is_drawn_by_the_server(archive: Archive, decoders: Pool, reader: Client) -> None:
    made = series_of(2, BodyPartExamined="CHEST")
    archive.receive(*made)
    there = addresses(made[0])
    text = text_of(reader, there.all["instances"], window="lung")
    drawn = [found.replace("&amp;", "&") for found in re.findall(r'<img src="([^"]+/rendered[^"]+)"', text)]
    assert len(drawn) == 2
    assert all("window=-600,1500" in address for address in drawn)
    picture = reader.get(drawn[0])
    assert (picture.status_code, picture.headers["Content-Type"]) == (200, "image/webp")
    brain = text_of(reader, there.all["instances"])
    assert "Lung" in brain
    assert "Brain" not in brain
    # A window that is not offered is none.
    assert "/rendered" not in text_of(reader, there.all["instances"], window="1,1")


def test_a_stack_shows_one_image_with_what_is_known_of_it(archive: Archive, decoders: Pool, reader: Client) -> None:
    made = series_of(3)
    archive.receive(*made)
    there = addresses(made[0])
    text = text_of(reader, there.all["instances"], view="stack", image="3")
    assert "3 of 3" in text
    assert "CT Image" in text
    assert f"instance={made[2].SOPInstanceUID}" in text
    assert 'rel="next"' not in text
    assert 'rel="prev"' in text


def test_a_single_object_of_frames_is_browsed_frame_by_frame(archive: Archive, decoders: Pool, reader: Client) -> None:
    made = arrivals.dataset(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.7.3", Modality="US", NumberOfFrames=5, PixelData=bytes(64 * 2 * 5)
    )
    archive.receive(made)
    text = text_of(reader, addresses(made).all["instances"])
    frames = [found.replace("&amp;", "&") for found in re.findall(r'<img src="([^"]+/frames/\d/rendered[^"]+)"', text)]
    assert len(frames) == 5
    assert reader.get(frames[-1]).status_code == 200


def test_acquisition_says_how_it_was_made_and_that_no_contrast_is_named(archive: Archive, reader: Client) -> None:
    made = arrivals.dataset(
        Manufacturer="ACME",
        ManufacturerModelName="<b>One</b>",
        ProtocolName="Thorax routine",
        PatientPosition="FFS",
        KVP="120",
        SliceThickness="1.25",
        PixelSpacing=["0.7", "0.7"],
        AcquisitionDate="20260304",
        AcquisitionTime="101723.123",
        Laterality="L",
        BodyPartExamined="CHEST",
    )
    archive.receive(made)
    text = text_of(reader, addresses(made).study)
    for said in (
        "ACME · &lt;b&gt;One&lt;/b&gt;",
        "Thorax routine",
        "FFS",
        "120\N{NO-BREAK SPACE}kV",
        "10:17:23",
        "8 × 8",
    ):
        assert said in text, said
    assert "CHEST, left" in text
    assert "none named in the header" in text


# the line of time


def test_a_prior_elsewhere_is_opened_from_the_line_of_time(
    archive: Archive, decoders: Pool, orthopaedics: Department, alice: User, reader: Client
) -> None:
    now = arrivals.dataset()
    before = arrivals.dataset(StudyDate="20240101", StudyDescription="Hidden title", SeriesDescription="Hidden series")
    archive.receive(now)
    archive.receive(before, department=orthopaedics)
    archive.draw(before.StudyInstanceUID)
    text = text_of(reader, addresses(now).study)
    assert "Orthopaedics" in text
    assert "Hidden" not in text
    opener = f"/studies/{now.StudyInstanceUID}/priors/{before.StudyInstanceUID}/open"
    assert opener in text
    there = addresses(before)
    assert reader.get(there.study).status_code == 404
    assert reader.get(opener).status_code == 405
    answer = reader.post(opener)
    assert (answer.status_code, answer.headers["Location"]) == (302, there.study)
    shown = text_of(reader, there.study)
    assert "You are reading this as an earlier study of the patient." in shown
    assert "Hidden title" in shown
    # No address of it but works, and none that takes it away.
    for name in ("page", "live parts", "instances", "headers", "series thumbnail", "instance preview", "manifest"):
        assert reader.get(there.all[name]).status_code == 200, name
    for name in ("instance metadata", "frame", "rendered"):
        assert reader.get(there.all[name]).status_code == 200, name
    for name in ("retrieve study", "retrieve instance"):
        assert reader.get(there.all[name]).status_code == 403, name
    assert reader.post(f"/studies/{before.StudyInstanceUID}/retry").status_code == 403
    # It is in no list.
    assert "Hidden title" not in text_of(reader, "/")
    orthopaedics.shares_priors = SharesPriors.NOBODY
    orthopaedics.save()
    assert reader.get(there.study).status_code == 404
    assert "which does not share it" in text_of(reader, addresses(now).study)


def test_a_script_gets_the_addresses_of_an_opened_prior(
    archive: Archive, orthopaedics: Department, reader: Client
) -> None:
    now, before = arrivals.dataset(), arrivals.dataset(StudyDate="20240101")
    archive.receive(now)
    archive.receive(before, department=orthopaedics)
    opener = f"/studies/{now.StudyInstanceUID}/priors/{before.StudyInstanceUID}/open"
    told = reader.post(opener, headers={"Accept": "application/json"}).json()
    assert told["manifest"] == f"/viewer/{before.StudyInstanceUID}/manifest.json"
    assert reader.get(told["manifest"]).status_code == 200


def test_what_was_opened_as_prior_ends_with_the_session_and_with_time(
    archive: Archive, orthopaedics: Department, alice: User, reader: Client
) -> None:
    now, before = arrivals.dataset(), arrivals.dataset(StudyDate="20240101")
    archive.receive(now)
    archive.receive(before, department=orthopaedics)
    reader.post(f"/studies/{now.StudyInstanceUID}/priors/{before.StudyInstanceUID}/open")
    other = Client()
    other.force_login(alice)
    assert other.get(addresses(before).study).status_code == 404
    session = reader.session
    ((study, of, _until),) = session["opened_priors"]
    session["opened_priors"] = [[study, of, "2020-01-01T00:00:00+00:00"]]
    session.save()
    assert reader.get(addresses(before).study).status_code == 404


def test_a_page_says_why_there_is_no_line_of_time(archive: Archive, reader: Client) -> None:
    alone, nobody = arrivals.dataset(), arrivals.dataset(PatientID=None)
    archive.receive(alone, nobody)
    assert "No other study of this patient is known here." in text_of(reader, addresses(alone).study)
    assert "name no patient ID" in text_of(reader, addresses(nobody).study)


# the history


def test_openings_are_told_to_the_head_of_the_department_and_to_nobody_else(
    archive: Archive, emergency: Department, alice: User, reader: Client
) -> None:
    made = arrivals.dataset()
    archive.receive(made)
    colleague, head = UserFactory.create(username="colleague"), UserFactory.create(username="head")
    MembershipFactory.create(user=colleague, department=emergency, role=Role.CLINICIAN)
    MembershipFactory.create(user=head, department=emergency, role=Role.DEPARTMENT_MANAGER)
    reader.get(addresses(made).study)
    client = Client()
    client.force_login(colleague)
    text = text_of(client, addresses(made).study)
    assert "Opened by you" in text
    assert "Alice Martin" not in text
    client.force_login(head)
    assert "Opened by Alice Martin" in text_of(client, addresses(made).study)
    assert AuditEvent.objects.filter(action="audit.read", actor_id=str(head.pk)).exists()
    # Head of another department that has the study: not of the one that made it.
    Placement.objects.update(kind=Placement.Kind.REQUESTING)
    coalescing.forget_all()
    assert "Alice Martin" not in text_of(client, addresses(made).study)


def test_where_it_was_placed_is_told_of_the_readers_own_departments(
    archive: Archive, emergency: Department, orthopaedics: Department, reader: Client
) -> None:
    made = arrivals.dataset()
    archive.receive(made)
    study = Study.objects.get()
    Placement.objects.create(
        study=study,
        department=orthopaedics,
        reason_code="person",
        study_at=study.study_at,
        last_received_at=study.last_received_at,
    )
    text = text_of(reader, addresses(made).study)
    assert "Placed in Emergency" in text
    assert "Orthopaedics" not in text
