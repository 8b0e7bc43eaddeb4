"""Reports to make documents of: a fracture of the hand, with and without pictures, as long as wanted."""

import datetime as dt
import io
import uuid
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from PIL import Image

from imaging.reports.documents import canonical
from imaging.reports.documents.content import (
    Code,
    ImageReference,
    KeyPicture,
    Kind,
    Letterhead,
    Measurement,
    Order,
    PatientOf,
    Person,
    ReportContent,
    Section,
    Signature,
    StudyOf,
)

PARIS = ZoneInfo("Europe/Paris")
SIGNED_AT = dt.datetime(2026, 11, 22, 14, 5, tzinfo=PARIS)
SHADOW = ImageReference(
    study_instance_uid="1.2.3.4",
    series_instance_uid="1.2.3.4.5",
    sop_class_uid="1.2.840.10008.5.1.4.1.1.7.2",
    sop_instance_uid="1.2.3.4.5.6",
)

RADIOLOGIST = Person(
    name="Dr Camille Lefèvre", person_name="Lefèvre^Camille^^Dr", role="Radiologist", organisation="Hôpital Saint-Cœur"
)

ENGLISH = (
    Section(
        code="indication", title="Indication", text="Fall on the outstretched hand, pain over the fifth metacarpal."
    ),
    Section(code="technique", title="Technique", text="Right hand, postero-anterior and oblique views."),
    Section(code="comparison", title="Comparison", text="None."),
    Section(
        code="findings",
        title="Findings",
        text="Transverse fracture of the neck of the fifth metacarpal, palmar angulation of 32°.\n"
        "- No intra-articular extension.\n- Carpal bones aligned.\n- Soft-tissue swelling along the ulnar border.\n\n"
        "Bone density within normal limits for age.",
    ),
    Section(
        code="impression", title="Impression", text="1. Boxer's fracture with 32° of angulation.\n2. No dislocation."
    ),
)
FRENCH = (
    Section(code="indication", title="Indication", text="Chute sur la main, douleur du cinquième métacarpien."),
    Section(code="technique", title="Technique", text="Main droite, incidences de face et oblique."),
    Section(
        code="findings",
        title="Résultats",
        text="Fracture transversale du col du cinquième métacarpien, bascule palmaire de 32°.\n"
        "- Pas d’extension intra-articulaire ; cœur du carpe aligné.\n- Œdème des parties molles.",
    ),
    Section(code="impression", title="Conclusion", text="Fracture du col du cinquième métacarpien, déplacée."),
)


def picture(size: int = 400, seed: int = 0) -> bytes:
    """A grey PNG."""
    rows, columns = np.mgrid[0:size, 0 : size * 3 // 4]
    values = (127 + 90 * np.sin((rows + seed * 40) / 31) * np.cos(columns / 23)).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(values).save(out, "PNG")
    return out.getvalue()


def key_picture(number: int = 1, caption: str = "Oblique view: the fracture line") -> KeyPicture:
    """A key picture of an image that has frames."""
    shown = replace(SHADOW, sop_instance_uid=f"1.2.3.4.5.{number}", frame=number)
    return KeyPicture(image=shown, caption=caption, data=picture(seed=number))


def content(**changed: Any) -> ReportContent:
    """A final report, signed; ``changed`` replaces what it says."""
    made: dict[str, Any] = {
        "report_key": uuid.UUID("6f1b2ac4-0f0e-4a33-9d34-a3b1a8c4b001"),
        "number": 1,
        "kind": Kind.FINAL,
        "language": "en",
        "title": "Radiograph of the right hand",
        "letterhead": Letterhead(
            name="Hôpital Saint-Cœur",
            department="Department of Radiology",
            lines=("12 rue de la Lumière, 69003 Lyon", "Tel. +33 4 00 00 00 00 · radiology@example.org"),
        ),
        "patient": PatientOf(
            patient_name="Ben-Șerban^Élodie^Zoë",
            patient_id="P-004711",
            issuer_of_patient_id="HSC",
            birth_date=dt.date(1987, 3, 9),
            sex="F",
        ),
        "studies": (
            StudyOf(
                study_instance_uid="1.2.3.4",
                accession_number="A2026-1182",
                study_at=dt.datetime(2026, 11, 22, 13, 20, tzinfo=PARIS),
                description="Main droite",
                modalities=("CR",),
                body_part="HAND",
            ),
        ),
        "order": Order(
            requester=Person(name="Dr Ahmed Naït-Saïd", person_name="Naït-Saïd^Ahmed^^Dr"),
            requesting_department="Emergency",
            procedure="Hand, right, 2 views",
            procedure_code=Code(value="24926-8", scheme="LN", meaning="XR Hand Views"),
        ),
        "sections": ENGLISH,
        "authors": (RADIOLOGIST,),
        "signatures": (Signature(person=RADIOLOGIST, at=SIGNED_AT),),
        "signed_at": SIGNED_AT,
    }
    return canonical.signed(ReportContent(**{**made, **changed}))


def measured(**changed: Any) -> ReportContent:
    """A final report with measurements and key pictures."""
    angle = Measurement(
        label="Palmar angulation",
        value="32",
        unit="°",
        ucum="deg",
        concept=Code(value="1483009", scheme="SCT", meaning="Angle"),
        image=replace(SHADOW, sop_instance_uid="1.2.3.4.5.1", frame=1),
    )
    length = Measurement(label="Shortening", value="2.4", unit="mm", ucum="mm", image=SHADOW)
    return content(
        measurements=(angle, length),
        pictures=(key_picture(1), key_picture(2, "Postero-anterior view"), key_picture(3, "Detail")),
        **changed,
    )
