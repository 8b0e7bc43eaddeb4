"""An archive to be searched: thirty studies of people whose names no simple program expects, and whose dates are not all there."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset

from accounts.actor import SYSTEM
from accounts.models import Department
from imaging.studies import services as studies
from tests.factories.arrivals import dataset, incoming

ROOT = "1.2.826.0.1.3680043.10.2"
NAMES = (
    "Dupont^Marie",
    "DUPONT^Marie-Claire^^Mme",
    "Durand^Hélène",
    "Durand^Helene^Anne^Dr^PhD",
    "Garcia Lopez^José",
    "Garcia^Lopez José",
    "O'Brien^Anne",
    "OBrien^Anne",
    "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "=鈴木^花子=すずき^はなこ",
    "Müller^Jürgen",
    "Mueller^Juergen",
    "Straße^Ida",
    "Σίσυφος^Αλέξης",
    "Cher",
    "^Anonymous",
    "",
    "Smith^100%_sure",
    "Star*^Wild?",
    "Łukasz^Żółć",
    "İstanbul^Işık",
    "كريم^نور",
    "\u202bחנה^לוי",
    "Nguyễn^Thị Minh Khai",
    "e\u0301\u0302\u0323lan^Zalgo",
    "Émile^Zola",
    "van der Berg^Jan",
    "Bergvan^Jan",
    "Robert'); DROP TABLE studies;--^Bobby",
    "A" * 64,
)
_NO_DATE = frozenset({14, 20})


def uid(number: int) -> str:
    """Study Instance UID of a study."""
    return f"{ROOT}.{number}"


def datasets() -> list[Dataset]:
    """Two series of two images in each study; the studies of numbers 14 and 20 say no date."""
    return [_made(number, series, image) for number in range(len(NAMES)) for series in (1, 2) for image in (1, 2)]


def _made(number: int, series: int, image: int) -> Dataset:
    day = (date(2026, 1, 1) + timedelta(days=number)).strftime("%Y%m%d")
    values: dict[str, Any] = {
        "StudyInstanceUID": uid(number),
        "SeriesInstanceUID": f"{uid(number)}.{series}",
        "SOPInstanceUID": f"{uid(number)}.{series}.{image}",
        "PatientID": f"MRN{number:03}",
        "PatientName": NAMES[number],
        "PatientSex": "FMO"[number % 3] if number % 7 else None,
        "PatientBirthDate": f"19{40 + number}0615" if number % 5 else None,
        "AccessionNumber": f"ACC-{number // 2:03}",
        "Modality": ("CT", "MR", "DX", "US")[number % 4] if series == 1 else ("CT", "SR")[number % 2],
        "StudyDate": None if number in _NO_DATE else day,
        "StudyTime": None if number in _NO_DATE else f"{number % 24:02}3000",
        "TimezoneOffsetFromUTC": "+0100",
        "SeriesDate": day,
        "SeriesNumber": series,
        "SeriesDescription": f"Séquence {series}",
        "InstanceNumber": image,
        "BodyPartExamined": ("CHEST", "HEAD", "KNEE")[number % 3],
        "StudyID": f"S{number}",
        "StudyDescription": ("CT thorax", "IRM cérébrale", "100% contrast_agent")[number % 3],
        "ReferringPhysicianName": ("Référent^Zoé", "Blanc^Jean", None)[number % 3],
    }
    return dataset(**values)


def fill(data_dir: Path, here: Department, elsewhere: Department) -> None:
    """Register it: the last five studies lie elsewhere alone, every fourth of the others in both departments."""
    batch = []
    for made in datasets():
        number = int(made.StudyInstanceUID.rsplit(".", 1)[1])
        places = [elsewhere] if number >= len(NAMES) - 5 else [here, elsewhere] if number % 4 == 0 else [here]
        received = datetime(2026, 3, 1, 12, tzinfo=UTC) + timedelta(minutes=number)
        batch.append(incoming(made, data_dir / "spool", *places, received_at=received))
    studies.register(batch, actor=SYSTEM)
