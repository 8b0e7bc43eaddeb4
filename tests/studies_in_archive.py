"""Studies that came in by the real way: accepted into a spool, taken in by the registrar, drawn by a real decoder pool."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pydicom.dataset import Dataset

from accounts.models import Department
from imaging.dicom import part10
from imaging.events.models import Event
from imaging.ingest import registrar
from imaging.ingest import services as ingest
from imaging.ingest.source import Source
from imaging.rendering import services as rendering
from imaging.studies import services as studies
from imaging.studies.models import Study
from imaging.studies.reading import metadata
from tests.factories import arrivals
from tests.imaging.rendering.conftest import Pool

DEMO = Path(__file__).resolve().parents[1] / "portal" / "demo" / "data"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Every address under which an instance can be asked for, by name."""

    study_uid: str
    series_uid: str
    sop_uid: str

    @property
    def dicom_web(self) -> str:
        """The instance's DICOMweb address."""
        return f"/dicom-web/studies/{self.study_uid}/series/{self.series_uid}/instances/{self.sop_uid}"

    @property
    def study(self) -> str:
        """The study's page."""
        return f"/studies/{self.study_uid}/"

    @property
    def api(self) -> dict[str, str]:
        """Address of the REST API by what it gives."""
        study = f"/api/v1/studies/{self.study_uid}"
        series = f"{study}/series/{self.series_uid}"
        return {
            "api study": study,
            "api placements": f"{study}/placements",
            "api retry": f"{study}/retry",
            "api series of study": f"{study}/series",
            "api series": series,
            "api instances": f"{series}/instances",
            "api instance": f"{series}/instances/{self.sop_uid}",
        }

    @property
    def all(self) -> dict[str, str]:
        """Address by what it gives."""
        study, series = f"/studies/{self.study_uid}", f"/studies/{self.study_uid}/series/{self.series_uid}"
        web = "/dicom-web" + study
        return {
            "page": self.study,
            "live parts": f"{study}/live",
            "instances": f"{series}/instances",
            "preview beside the list": f"{study}/preview",
            "headers": f"{series}/headers/",
            "study download": f"{study}/download",
            "series download": f"{series}/download",
            "image download": f"{series}/instances/{self.sop_uid}/image",
            "study thumbnail": f"{study}/thumbnail",
            "series thumbnail": f"{series}/thumbnail",
            "instance thumbnail": f"{series}/instances/{self.sop_uid}/thumbnail",
            "instance preview": f"{series}/instances/{self.sop_uid}/preview",
            "moving picture": f"{series}/cine",
            "document": f"{series}/instances/{self.sop_uid}/document/",
            "document file": f"{series}/instances/{self.sop_uid}/document/file",
            "document video": f"{series}/instances/{self.sop_uid}/document/video",
            "document page": f"{series}/instances/{self.sop_uid}/document/pages/1",
            "viewer": f"/viewer/{self.study_uid}/",
            "manifest": f"/viewer/{self.study_uid}/manifest.json",
            "markings": f"/viewer/{self.study_uid}/markings.json",
            "retrieve study": web,
            "retrieve series": "/dicom-web" + series,
            "retrieve instance": self.dicom_web,
            "study metadata": f"{web}/metadata",
            "series metadata": f"/dicom-web{series}/metadata",
            "instance metadata": f"{self.dicom_web}/metadata",
            "frame": f"{self.dicom_web}/frames/1",
            "rendered": f"{self.dicom_web}/rendered",
            "rendered frame": f"{self.dicom_web}/frames/1/rendered",
            "thumbnail": f"{self.dicom_web}/thumbnail",
            "frame thumbnail": f"{self.dicom_web}/frames/1/thumbnail",
            "bulk data": f"{self.dicom_web}/bulkdata/7FE00010",
        }


def addresses(made: Dataset) -> Addresses:
    """Return the addresses of a data set that was received."""
    return Addresses(made.StudyInstanceUID, made.SeriesInstanceUID, made.SOPInstanceUID)


@dataclass(slots=True)
class Archive:
    """An archive with nothing in it yet."""

    department: Department
    senders: dict[int, str] = field(default_factory=dict)

    def receive(self, *sources: Dataset | bytes | Path, department: Department | None = None, sender: str = "") -> None:
        """Take in objects that the sender of a department sent, and put them where that sender's studies lie."""
        home = department or self.department
        source = Source(
            door="dimse", sender=sender or f"{home.code[:10].upper()}_CT", address="10.0.0.9", department_ids=(home.pk,)
        )
        for content in self.contents(sources):
            arrivals.hand_over(content, source)
        drained = registrar.drain(ingest.spool())
        assert drained.registered == len(sources), drained

    @staticmethod
    def contents(sources: Sequence[Dataset | bytes | Path]) -> Iterator[bytes]:
        """Yield each source as the bytes of a Part 10 file."""
        for source in sources:
            if isinstance(source, Dataset):
                yield arrivals.encoded(source)
            else:
                yield source.read_bytes() if isinstance(source, Path) else source

    @staticmethod
    def draw(study_instance_uid: str) -> None:
        """Make the pictures of a study and settle it, as the pipeline does."""
        rendering.convert_study(study_instance_uid)
        rendering.make_thumbnails(study_instance_uid)
        rendering.make_previews(study_instance_uid)
        rendering.make_cines(study_instance_uid)
        # A study settles once its event was taken up: see imaging.pipeline.steps.
        waiting = Event.objects.filter(subject_uid=study_instance_uid, drained_at=None)
        waiting.update(drained_at=timezone.now())
        studies.settle(study_instance_uid)

    @staticmethod
    def uid_of(file: Path) -> str:
        """Return the Study Instance UID of a file."""
        return str(part10.read_part10(file).dataset.StudyInstanceUID)

    @staticmethod
    def study(study_instance_uid: str) -> Study:
        """Return the row of a study."""
        return Study.objects.select_related("patient").get(study_instance_uid=study_instance_uid)


@pytest.fixture
def archive(data_dir: Path, emergency: Department) -> Archive:
    """An empty archive; what it receives belongs to emergency unless told otherwise."""
    metadata.remembered.clear()
    return Archive(emergency)


@pytest.fixture(scope="session")
def _decoders() -> Iterator[Pool]:
    with tempfile.TemporaryDirectory(prefix="neg-") as folder:
        pool = Pool(Path(folder) / "pool.sock", "--children", "2")
        yield pool
        pool.stop()


@pytest.fixture
def decoders(_decoders: Pool, settings: Any) -> Pool:
    """A running decoder pool, as the settings name it."""
    settings.DECODER_SOCKET = _decoders.path
    return _decoders


__all__ = ["Addresses", "Archive", "addresses"]
