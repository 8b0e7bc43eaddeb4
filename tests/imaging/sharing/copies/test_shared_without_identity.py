"""A share without identity shows copies: nothing that names the patient, in headers or pixels, and nothing before it was looked at."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pydicom
import pytest
from django.test import Client
from PIL import ImageDraw, ImageFont
from pydicom.dataset import Dataset

from accounts.models import User
from imaging.dicom import blanked_file
from imaging.dicom.deidentification import identifiers
from imaging.dicom.deidentification.identifiers import Identifiers
from imaging.sharing.copies import services as copies
from imaging.sharing.copies.services import Ruling
from imaging.sharing.models import CopiedStudy, HeldObject, Share
from imaging.sharing.models.choices import Factor
from imaging.studies.models import Instance, Study
from tests.decoder_pools import DEMO
from tests.factories import arrivals
from tests.imaging.sharing.copies.conftest import Background
from tests.shared_links import Letters, Sharing, person
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db(transaction=True)

CT = sorted((DEMO / "ct-head").glob("*.dcm"))[:3]
ULTRASOUND = DEMO / "us-lymph-node" / "examples_rgb_color.dcm"


def received(archive: Archive, *files: Path | Dataset) -> Study:
    archive.receive(*files)
    first = files[0] if isinstance(files[0], Dataset) else pydicom.dcmread(files[0], stop_before_pixels=True)
    return Study.objects.get(study_instance_uid=first.StudyInstanceUID)


def opened(browser: Client, share: Share, handed: Any) -> str:
    """Open a link that asks nothing more; the address of the share."""
    answer = browser.post(f"/s/{share.key}/open", {"secret": handed.secret})
    assert answer.status_code in {302, 303}, answer.content
    return f"/s/{share.key}"


def found(browser: Client, root: str) -> list[dict[str, Any]]:
    answer = browser.get(f"{root}/dicom-web/instances", headers={"accept": "application/dicom+json"})
    return list(answer.json()) if answer.status_code == 200 else []


def burned(path: Path, text: str) -> Dataset:
    """A slice into whose pixels a text is burned."""
    with path.open("rb") as file, io.BytesIO() as out:
        blanked_file.write(file, out, [], most=1 << 30)
        out.seek(0)
        made = pydicom.dcmread(out)
    pixels = made.pixel_array.copy()
    layer = PIL.Image.new("L", (made.Columns, made.Rows), 0)
    ImageDraw.Draw(layer).text((40, 40), text, fill=255, font=ImageFont.load_default(size=28))
    pixels[np.asarray(layer) > 128] = pixels.max()
    made.PixelData = pixels.tobytes()
    return made


def test_a_ct_opens_as_its_copy_when_that_is_ready(
    archive: Archive, sharing: Sharing, outside: Client, background: Background, letters: Letters, share_policy: Any
) -> None:
    share_policy(factor_required=False)
    study = received(archive, *CT)
    made = sharing(study, is_deidentified=True, factor=Factor.NONE, may_download=True, sends=False)
    assert made.share.state == Share.State.PREPARING
    assert (
        "being prepared"
        in outside.post(f"/s/{made.share.key}/open", {"secret": made.handed.secret}, follow=True).content.decode()
    )
    background()
    made.share.refresh_from_db()
    assert made.share.state == Share.State.OPEN
    root = opened(outside, made.share, made.handed)
    shown = found(outside, root)
    assert len(shown) == 3
    source = {row.sop_instance_uid for row in Instance.objects.filter(study=study)}
    assert not source & {row["00080018"]["Value"][0] for row in shown}
    original = pydicom.dcmread(CT[0], stop_before_pixels=True)
    page = outside.get(f"{root}/").content.decode()
    assert str(original.PatientID) not in page
    assert original.StudyInstanceUID not in page
    assert outside.get(f"{root}/dicom-web/studies/{original.StudyInstanceUID}/metadata").status_code == 404


def test_the_downloaded_copy_holds_no_identifier_of_its_source(
    archive: Archive, sharing: Sharing, outside: Client, background: Background, share_policy: Any
) -> None:
    share_policy(factor_required=False)
    study = received(archive, *CT)
    made = sharing(study, is_deidentified=True, factor=Factor.NONE, may_download=True, sends=False)
    background()
    root = opened(outside, made.share, made.handed)
    answer = outside.get(f"{root}/download")
    assert answer.status_code == 200, answer.content
    with zipfile.ZipFile(io.BytesIO(answer.getvalue())) as package:
        names = package.namelist()
        objects = [
            pydicom.dcmread(io.BytesIO(package.read(name))) for name in names if "/IM" in name or "IMAGES" in name
        ]
        texts = " ".join(
            package.read(name).decode("utf-8", "replace") for name in names if name.endswith((".TXT", ".html"))
        )
    assert len(objects) == 3
    known = Identifiers.of(pydicom.dcmread(CT[0], stop_before_pixels=True))
    for each in objects:
        assert each.PatientIdentityRemoved == "YES"
        assert identifiers.remaining(each, known) == []
    assert not known.in_text(texts)
    assert {each.PixelData for each in objects} == {pydicom.dcmread(path).PixelData for path in CT}


def test_a_name_in_the_pixels_is_held_for_a_person_and_goes_out_black(
    archive: Archive,
    sharing: Sharing,
    outside: Client,
    background: Background,
    share_policy: Any,
    alice: User,
    emergency: Any,
) -> None:
    share_policy(factor_required=False)
    named = burned(CT[0], "DUPONT MARIE")
    named.PatientName = "Dupont^Marie"
    study = received(archive, named)
    made = sharing(study, is_deidentified=True, factor=Factor.NONE, sends=False)
    background()
    made.share.refresh_from_db()
    assert made.share.state == Share.State.PREPARING
    held = HeldObject.objects.get()
    assert held.state == HeldObject.State.HELD
    assert "words_seen" in held.reviews
    assert not Study.objects.filter(is_copy=True).exists()
    # Who looks overlooks it: the search after the cleaning does not.
    copied = CopiedStudy.objects.get()
    actor = person(alice, emergency).actor
    copies.decide(copied, [Ruling(held.pk, is_released=True, areas=[])], user=alice, actor=actor)
    background()
    held.refresh_from_db()
    assert held.state == HeldObject.State.HELD
    assert held.reviews == ["identifier_seen"]
    copies.decide(copied, [Ruling(held.pk, is_released=True, areas=held.areas)], user=alice, actor=actor)
    background()
    made.share.refresh_from_db()
    assert made.share.state == Share.State.OPEN
    root = opened(outside, made.share, made.handed)
    (shown,) = found(outside, root)
    study_uid, sop_uid = shown["0020000D"]["Value"][0], shown["00080018"]["Value"][0]
    series_uid = shown["0020000E"]["Value"][0]
    answer = outside.get(
        f"{root}/dicom-web/studies/{study_uid}/series/{series_uid}/instances/{sop_uid}/rendered",
        headers={"accept": "image/png"},
    )
    picture = np.asarray(PIL.Image.open(io.BytesIO(answer.getvalue())).convert("L"))
    assert picture[40:75, 40:200].max() == 0


def test_an_ultrasound_waits_for_a_person_and_can_be_left_out(
    archive: Archive, sharing: Sharing, background: Background, alice: User, emergency: Any, letters: Letters
) -> None:
    study = received(archive, ULTRASOUND)
    made = sharing(study, is_deidentified=True, factor=Factor.EMAIL)
    background()
    held = HeldObject.objects.get()
    assert "burned_in_likely" in held.reviews
    copies.decide(
        CopiedStudy.objects.get(),
        [Ruling(held.pk, is_released=False)],
        user=alice,
        actor=person(alice, emergency).actor,
    )
    background()
    made.share.refresh_from_db()
    assert made.share.state == Share.State.REFUSED
    assert not Study.objects.filter(is_copy=True).exists()
    assert all("Mercier" not in str(letter.to) for letter in letters())


def test_the_link_is_sent_when_the_copies_are_ready_and_not_before(
    archive: Archive, sharing: Sharing, background: Background, letters: Letters
) -> None:
    study = received(archive, *CT[:1])
    sharing(study, is_deidentified=True, factor=Factor.EMAIL)
    assert letters() == []
    background()
    assert any("cabinet-mercier" in str(letter.to) for letter in letters())


def test_two_shares_without_identity_cannot_be_put_together(
    archive: Archive, sharing: Sharing, background: Background
) -> None:
    study = received(archive, *CT[:1])
    for _ in range(2):
        sharing(study, is_deidentified=True)
    background()
    first, second = CopiedStudy.objects.order_by("pk")
    assert first.copy is not None
    assert second.copy is not None
    assert first.copy.study_instance_uid != second.copy.study_instance_uid
    assert first.copy.patient_id != second.copy.patient_id


def test_a_copy_lies_in_no_department_and_nobody_finds_it(
    archive: Archive, sharing: Sharing, background: Background, alice: User, client: Client
) -> None:
    study = received(archive, *CT[:1])
    sharing(study, is_deidentified=True)
    background()
    copy = CopiedStudy.objects.get().copy
    assert copy is not None
    client.force_login(alice)
    listed = client.get("/dicom-web/studies", headers={"accept": "application/dicom+json"}).json()
    assert [row["0020000D"]["Value"][0] for row in listed] == [study.study_instance_uid]
    assert client.get(f"/studies/{copy.study_instance_uid}/").status_code == 404


def test_a_source_that_may_not_be_shared_any_more_takes_its_copy_away(
    archive: Archive, sharing: Sharing, outside: Client, background: Background, share_policy: Any
) -> None:
    share_policy(factor_required=False)
    study = received(archive, *CT[:1])
    made = sharing(study, is_deidentified=True, factor=Factor.NONE, sends=False)
    background()
    root = opened(outside, made.share, made.handed)
    assert found(outside, root)
    Study.objects.filter(pk=study.pk).update(sensitivity="restricted")
    study.placements.update(sensitivity="restricted")
    assert found(outside, root) == []


def test_an_object_that_cannot_be_cleaned_surely_is_refused(
    archive: Archive, sharing: Sharing, background: Background
) -> None:
    kept = arrivals.dataset(StudyDescription="Chest")
    raw = arrivals.dataset(StudyInstanceUID=kept.StudyInstanceUID, SOPClassUID="1.2.840.10008.5.1.4.1.1.66")
    study = received(archive, kept, raw)
    sharing(study, is_deidentified=True, what="study", with_report=False)
    background()
    refused = HeldObject.objects.get(state=HeldObject.State.REFUSED)
    assert refused.refusal == "raw_data"
    assert CopiedStudy.objects.get().copy is not None


def test_an_archive_that_gets_two_shares_takes_them_for_two_patients(
    archive: Archive, sharing: Sharing, background: Background
) -> None:
    study = received(archive, *CT[:1])
    for _ in range(2):
        sharing(study, is_deidentified=True)
    background()
    numbers = {row.copy.patient.patient_id for row in CopiedStudy.objects.select_related("copy__patient") if row.copy}
    assert len(numbers) == 2
