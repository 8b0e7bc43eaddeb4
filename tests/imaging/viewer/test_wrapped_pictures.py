"""What was wrapped can be seen: every kind gets its picture."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import User
from imaging.rendering import selectors as rendering
from imaging.studies.models import Series
from tests.factories import arrivals, material
from tests.imaging.rendering.conftest import Pool
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db(transaction=True)

FILES = {
    "photo": ("photo", material.phone_photo()),
    "turned photo": ("photo", material.phone_photo(orientation=8)),
    "film": ("film", material.file(material.greys(), "TIFF")),
    "pages": ("film", material.pages(material.greys(), material.greys(first=5))),
    "video": ("photo", material.video(sound=True)),
    "hevc": ("endoscopy", material.video("libx265")),
    "pdf": ("photo", material.pdf()),
    "cda": ("photo", material.cda()),
}


@pytest.mark.parametrize("name", FILES)
def test_every_kind_gets_its_picture(
    name: str, archive: Archive, alice: User, decoders: Pool, client: Client, data_dir: Path, settings: Any
) -> None:
    settings.UPLOAD_DIR = data_dir / "uploads"
    made = arrivals.dataset()
    archive.receive(made)
    client.force_login(alice)
    origin, content = FILES[name]
    answer = client.post(
        f"/import/wrap/?study={made.StudyInstanceUID}",
        {"origin": origin, "sound": "on", "files": SimpleUploadedFile("file", content)},
    )
    assert answer.status_code == 200
    archive.draw(made.StudyInstanceUID)
    study = archive.study(made.StudyInstanceUID)
    assert [(one.what, one.code) for one in rendering.problems_of(study)] == []
    series = Series.objects.exclude(modality="CT").get()
    assert series.thumbnail is not None
    instance = series.instances.get()
    base = f"/studies/{study.study_instance_uid}/series/{series.series_instance_uid}"
    picture = client.get(f"{base}/instances/{instance.sop_instance_uid}/preview")
    assert picture.status_code == 200
    assert picture.headers["Content-Type"].startswith("image/")
