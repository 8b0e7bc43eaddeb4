"""What the demo hospital consists of, read from `hospital.toml` and checked against the data that lies beside it."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
DATA = FOLDER / "data"
NOT_DICOM = {".md", ".tsv", ".txt", ".png"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoStudy:
    """One study to send: where its objects come from, who sends it, and what the header is given.

    ``copy`` names a study that is made of images which another one has too: it gets UIDs of its own.
    """

    sources: tuple[str, ...]
    sender: str
    days: int | None = None
    date: str = ""
    time: str = ""
    name: str = ""
    patient_id: str = ""
    birth_date: str = ""
    sex: str = ""
    description: str = ""
    referring: str = ""
    accession: str = ""
    copy: str = ""

    @property
    def key(self) -> str:
        """What the study is noted by once it is sent: no two studies of the plan have the same."""
        return " ".join([*self.sources, self.copy] if self.copy else self.sources)


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole hospital."""

    site: dict[str, str]
    departments: dict[str, list[str]]
    people: dict[str, list[Any]]
    application_entities: dict[str, list[Any]]
    rules: list[dict[str, Any]]
    studies: list[DemoStudy]


def read() -> Plan:
    """Read the plan."""
    with (FOLDER / "hospital.toml").open("rb") as file:
        raw = tomllib.load(file)
    studies = [DemoStudy(sources=tuple(study.pop("from")), **study) for study in raw["studies"]]
    return Plan(raw["site"], raw["departments"], raw["people"], raw["application_entities"], raw["rules"], studies)


def files_of(source: str) -> list[Path]:
    """Return the DICOM files of a file or folder of the demo data, in order of name."""
    path = DATA / source
    if path.is_file():
        return [path]
    return sorted(p for p in path.rglob("*") if p.is_file() and p.suffix not in NOT_DICOM and p.name != "DICOMDIR")
