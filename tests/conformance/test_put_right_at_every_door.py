"""What was put right is shown at every door at once, and nothing of what was received is touched.

Each kind of decision is asked about at the page, QIDO-RS, WADO-RS (metadata, objects, frames), C-FIND, the REST API and in
the zip that a person downloads, before, after, and when it was taken back.
"""

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pydicom
import pytest
from django.test import Client
from pydicom.dataset import Dataset

from accounts.actor import SYSTEM
from imaging.storage import services as storage
from imaging.storage.models import StoredObject
from imaging.studies import services as studies
from imaging.studies.models import Instance, Move, Study
from imaging.studies.reading import decisions, metadata
from imaging.studies.services import Destination
from tests.factories import arrivals
from tests.scoped_world import DicomDoor, World

pytestmark = [pytest.mark.conformance, pytest.mark.django_db(transaction=True)]

#: Of each object: patient ID, study and series that it names.
Shown = dict[str, tuple[str, str, str]]


@dataclass
class House:
    """A hospital with an archive, a reader at the pages and a machine, of orthopaedics both."""

    world: World
    door: DicomDoor
    reader: Client

    def receive(self, *made: Dataset) -> None:
        """Objects of one new study arrive for orthopaedics."""
        place = self.world.departments["orthopaedics"]
        studies.register([arrivals.incoming(one, self.world.folder, place) for one in made], actor=SYSTEM)

    def by_machine(self, address: str, **headers: str) -> Any:
        """The answer that a machine gets."""
        return Client().get(address, headers={"Authorization": f"Bearer {self.world.key}", **headers})


@pytest.fixture
def house(data_dir: Path, settings: Any, transactional_db: None, client: Client) -> Iterator[House]:
    """Made once for each test."""
    settings.SPOOL_RESERVE = lambda _total: 0
    metadata.remembered.clear()
    world = World(data_dir / "arrived")
    world.build()
    world.join("bob", "orthopaedics")
    client.force_login(world.people["bob"])
    door = DicomDoor()
    yield House(world, door, client)
    door.close()


def by_qido(house: House) -> Shown:
    """QIDO-RS at the level of instances."""
    fields = "includefield=00100020&includefield=0020000D&includefield=0020000E&limit=100"
    rows = orjson.loads(house.by_machine(f"/dicom-web/instances?{fields}").content)
    return {row["00080018"]["Value"][0]: _named(row) for row in rows}


def by_metadata(house: House) -> Shown:
    """WADO-RS metadata of each study that the page lists."""
    found: Shown = {}
    for uid in _listed(house):
        rows = orjson.loads(house.by_machine(f"/dicom-web/studies/{uid}/metadata").content)
        found |= {row["00080018"]["Value"][0]: _named(row) for row in rows}
    return found


def by_objects(house: House) -> Shown:
    """WADO-RS of whole objects, each at its address; and its first frame, which is what it was."""
    found: Shown = {}
    for sop, (_patient, study, series) in by_metadata(house).items():
        address = f"/dicom-web/studies/{study}/series/{series}/instances/{sop}"
        answer = house.by_machine(address, Accept='multipart/related; type="application/dicom"')
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        read = _read(body[body.index(b"DICM") - 128 :])
        found[sop] = (read.PatientID, read.StudyInstanceUID, read.SeriesInstanceUID)
        frames = house.by_machine(f"{address}/frames/1", Accept="multipart/related; type=application/octet-stream")
        assert arrivals.dataset().PixelData in frames.getvalue()
    return found


def by_zip(house: House) -> Shown:
    """The zip of what the page lists."""
    answer: Any = house.reader.post("/studies/download", {"study": _listed(house)})
    with zipfile.ZipFile(io.BytesIO(answer.getvalue())) as packed:
        files = [packed.read(name) for name in packed.namelist()]
    reads = [_read(content) for content in files if content[128:132] == b"DICM"]
    objects = [read for read in reads if "PixelData" in read]
    return {one.SOPInstanceUID: (one.PatientID, one.StudyInstanceUID, one.SeriesInstanceUID) for one in objects}


DOORS: tuple[Callable[[House], Shown], ...] = (by_qido, by_metadata, by_objects, by_zip)


def _read(content: bytes) -> Dataset:
    return pydicom.dcmread(io.BytesIO(content))


def _named(row: dict[str, Any]) -> tuple[str, str, str]:
    patient, study, series = (row[tag]["Value"][0] for tag in ("00100020", "0020000D", "0020000E"))
    return patient, study, series


def _listed(house: House) -> list[str]:
    rows = orjson.loads(house.by_machine("/api/v1/studies?limit=100").content)["results"]
    return sorted(row["study_instance_uid"] for row in rows)


def question() -> Dataset:
    """All studies."""
    asked = Dataset()
    asked.QueryRetrieveLevel, asked.StudyInstanceUID, asked.PatientID = "STUDY", "", ""
    return asked


def agree(house: House, expected: Shown) -> None:
    """Every door says what was expected of every object, and nothing of any other."""
    decisions.remembered.clear()
    for ask in DOORS:
        assert ask(house) == expected, ask.__name__
    uids = {study for _patient, study, _series in expected.values()}
    assert set(_listed(house)) == uids
    assert house.door.found(question) == uids
    page = house.reader.get("/").content.decode()
    patients = {patient for patient, _study, _series in expected.values()}
    for uid in uids:
        assert f"/studies/{uid}/" in page
    for patient in ("P-one", "P-two", "P-three"):
        assert (patient in page) is (patient in patients), patient
    for row in orjson.loads(house.by_machine("/api/v1/studies?limit=100").content)["results"]:
        of_study = {patient for patient, study, _series in expected.values() if study == row["study_instance_uid"]}
        assert {row["patient"]["patient_id"]} == of_study


def stored() -> dict[str, str]:
    """The digest of each file as it lies on disk now, by the one that was written down."""
    found = {}
    for row in StoredObject.objects.filter(kind=StoredObject.Kind.DICOM):
        with storage.open(row) as file:
            found[row.file_sha256] = hashlib.sha256(file.read()).hexdigest()
    return found


@pytest.fixture
def exam(house: House) -> tuple[Dataset, Dataset, Dataset]:
    """A study of two series, and one of another patient."""
    first = arrivals.dataset(PatientID="P-one", PatientName="One^Anne")
    second = arrivals.dataset(
        PatientID="P-one",
        PatientName="One^Anne",
        StudyInstanceUID=first.StudyInstanceUID,
        Modality="MR",
        SeriesNumber=2,
    )
    other = arrivals.dataset(PatientID="P-two", PatientName="Two^Berta")
    house.receive(first, second)
    house.receive(other)
    return first, second, other


def as_received(*made: Dataset) -> Shown:
    return {one.SOPInstanceUID: (one.PatientID, one.StudyInstanceUID, one.SeriesInstanceUID) for one in made}


def study(made: Dataset) -> Study:
    return Study.objects.select_related("patient").get(study_instance_uid=made.StudyInstanceUID)


def instance(made: Dataset) -> Instance:
    return Instance.objects.select_related("series", "study").get(sop_instance_uid=made.SOPInstanceUID)


def test_a_corrected_patient(house: House, exam: tuple[Dataset, Dataset, Dataset]) -> None:
    before, digests = as_received(*exam), stored()
    agree(house, before)
    element = {"00100020": {"vr": "LO", "Value": ["P-three"]}, "00100010": {"vr": "PN", "Value": ["Three^Cleo"]}}
    made = studies.correct(study(exam[0]), element, reason="Wrong patient", actor=SYSTEM)
    mine = exam[0].StudyInstanceUID
    agree(house, {sop: ("P-three", *rest) if rest[0] == mine else (pid, *rest) for sop, (pid, *rest) in before.items()})
    assert stored() == digests
    studies.revert(made[0], actor=SYSTEM)
    agree(house, before)
    assert stored() == digests


def test_a_series_moved_to_another_patients_study(house: House, exam: tuple[Dataset, Dataset, Dataset]) -> None:
    first, second, other = exam
    before, digests = as_received(*exam), stored()
    series = instance(second).series
    to = Destination(study=study(other))
    studies.move(study(first), series=[series.pk], to=to, seen={}, reason="Wrong exam", actor=SYSTEM)
    moved = ("P-two", other.StudyInstanceUID, second.SeriesInstanceUID)
    agree(house, {**before, second.SOPInstanceUID: moved})
    old = f"/dicom-web/studies/{first.StudyInstanceUID}/series/{second.SeriesInstanceUID}/metadata"
    assert house.by_machine(old).status_code == 404
    assert set(stored().items()) >= set(digests.items())
    studies.take_back_move(Move.objects.get().group, actor=SYSTEM)
    agree(house, before)


def test_a_study_that_is_split_and_one_of_which_all_goes(house: House, exam: tuple[Dataset, Dataset, Dataset]) -> None:
    first, second, other = exam
    before = as_received(*exam)
    new = studies.move(
        study(first), instances=[instance(second).pk], to=Destination(), seen={}, reason="Two exams", actor=SYSTEM
    )
    split = ("P-one", new.study_instance_uid, second.SeriesInstanceUID)
    agree(house, {**before, second.SOPInstanceUID: split})
    to = Destination(study=study(other))
    studies.move(study(first), series=[instance(first).series_id], to=to, seen={}, reason="All", actor=SYSTEM)
    gone = ("P-two", other.StudyInstanceUID, first.SeriesInstanceUID)
    agree(house, {**before, second.SOPInstanceUID: split, first.SOPInstanceUID: gone})
    assert house.reader.get(f"/studies/{first.StudyInstanceUID}/").status_code == 404
    for group in Move.objects.order_by("-pk").values_list("group", flat=True):
        studies.take_back_move(group, actor=SYSTEM)
    agree(house, before)


def test_merged_patients(house: House, exam: tuple[Dataset, Dataset, Dataset]) -> None:
    first, _second, other = exam
    before, digests = as_received(*exam), stored()
    link = studies.merge_patients(study(first).patient, study(other).patient, reason="Twice", actor=SYSTEM)
    agree(house, {sop: ("P-two", *rest) for sop, (_patient, *rest) in before.items()})
    assert stored() == digests
    studies.part_patients(link, actor=SYSTEM)
    agree(house, before)


def test_rejected_images(house: House, exam: tuple[Dataset, Dataset, Dataset]) -> None:
    first, second, _other = exam
    before, digests = as_received(*exam), stored()
    row = study(first)
    rejection = studies.reject(
        row, instances=[instance(second).pk], code="113037", reason="Marker", seen=row.version, actor=SYSTEM
    )
    agree(house, {sop: said for sop, said in before.items() if sop != second.SOPInstanceUID})
    assert stored() == digests
    studies.take_back_rejection(rejection, actor=SYSTEM)
    agree(house, before)
