"""Parts of the body that a picture may show: Body Part Examined and its code (PS3.16 annex L)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydicom.dataset import Dataset

from imaging.dicom.wrapping.facts import Concept
from imaging.dicom.wrapping.modules import code, put


@dataclass(frozen=True, slots=True)
class Region:
    """One part of the body; ``code`` of SNOMED CT. Of a paired one, the side matters."""

    code: str
    meaning: str
    is_paired: bool = False


WHOLE_BODY: Final = "WHOLEBODY"

REGIONS: Final = {
    "HEAD": Region("69536005", "Head"),
    "FACE": Region("89545001", "Face"),
    "EYE": Region("81745001", "Eye", is_paired=True),
    "NECK": Region("45048000", "Neck"),
    "CHEST": Region("51185008", "Chest"),
    "BREAST": Region("76752008", "Breast", is_paired=True),
    "ABDOMEN": Region("818983003", "Abdomen"),
    "PELVIS": Region("12921003", "Pelvis"),
    "SPINE": Region("421060004", "Spine"),
    "SHOULDER": Region("16982005", "Shoulder", is_paired=True),
    "ARM": Region("40983000", "Upper arm", is_paired=True),
    "ELBOW": Region("16953009", "Elbow", is_paired=True),
    "FOREARM": Region("14975008", "Forearm", is_paired=True),
    "WRIST": Region("8205005", "Wrist", is_paired=True),
    "HAND": Region("85562004", "Hand", is_paired=True),
    "HIP": Region("24136001", "Hip", is_paired=True),
    "THIGH": Region("68367000", "Thigh", is_paired=True),
    "KNEE": Region("72696002", "Knee", is_paired=True),
    "LEG": Region("30021000", "Lower leg", is_paired=True),
    "ANKLE": Region("70258002", "Ankle", is_paired=True),
    "FOOT": Region("56459004", "Foot", is_paired=True),
    WHOLE_BODY: Region("38266002", "Entire body"),
}


def locate(made: Dataset, name: str, laterality: str, *, is_coded: bool) -> None:
    """Say which part of the body, and which side of a paired one, as far as it is known (C.7.3.1, Table 10-5).

    Laterality is empty where a side may matter and nobody has said it. ``is_coded`` adds the coded region.
    """
    region = REGIONS.get(name)
    if region is not None:
        put(made, "BodyPartExamined", name)
    if region is None or region.is_paired:
        put(made, "Laterality", laterality)
    if region is not None and is_coded:
        concept = Concept(value=region.code, scheme="SCT", meaning=region.meaning)
        put(made, "AnatomicRegionSequence", [code(concept)])
