"""From a draft to what is signed: every value as the archive knows it at the moment of the signature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext

from accounts import selectors as accounts
from accounts.models import Department, User
from imaging.reports.critical import facts as critical
from imaging.reports.documents import canonical
from imaging.reports.documents.content import (
    Code,
    CriticalFinding,
    EarlierVersion,
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
from imaging.reports.models import ReadingItem, Report, ReportVersion
from imaging.reports.writing import selectors
from imaging.studies.models import Placement, Study


@dataclass(frozen=True, slots=True, kw_only=True)
class ToSign:
    """What somebody is about to sign. ``is_verified`` is false for a preliminary report: then nobody's signature stands below it.

    ``told_by`` names the system in which it was signed, where that is not this one.
    """

    kind: Kind
    number: int
    signer: Person
    authors: Sequence[Person]
    at: datetime
    sections: Sequence[Mapping[str, str]] = ()
    pulled: Sequence[Mapping[str, object]] = ()
    is_verified: bool = True
    reason: str = ""
    told_by: str = ""


def content(report: Report, study: Study, given: ToSign) -> ReportContent:
    """The whole of what is signed."""
    item = selectors.asked(study)
    department = _department(study, item)
    zone = _zone(department)
    known = selectors.versions(report)
    with translation.override(report.language):
        house = Letterhead(
            name=department.site.name if department else "",
            department=department.label if department else "",
            lines=tuple(line.strip() for line in selectors.policy().letterhead.splitlines() if line.strip())[:4],
        )
        role = "" if given.told_by else _role(is_verified=given.is_verified)
        signature = Signature(person=replace(given.signer, role=role), at=given.at.astimezone(zone))
        return canonical.signed(
            ReportContent(
                report_key=report.key,
                number=given.number,
                kind=given.kind,
                language=report.language,
                title=_title(study, item),
                letterhead=house,
                patient=_patient(study),
                studies=(_study(study, zone),),
                order=_order(item),
                sections=tuple(
                    Section(code=each["code"], title=each["title"], text=each["text"])
                    for each in given.sections
                    if each["text"].strip()
                ),
                measurements=tuple(measurement(each) for each in given.pulled if each.get("kind") == "measurement"),
                pictures=tuple(picture(each) for each in given.pulled if each.get("kind") == "picture"),
                critical=() if given.kind is Kind.WITHDRAWAL else _critical(study, zone),
                authors=tuple(given.authors),
                signatures=(signature,) if given.is_verified else (),
                signed_at=given.at.astimezone(zone),
                reason=given.reason,
                told_by=given.told_by,
                earlier=_earlier(known, zone, with_texts=given.kind in {Kind.ADDENDUM, Kind.WITHDRAWAL}),
            )
        )


def person(user: User) -> Person:
    """A colleague as a report names them; the DICOM name has what the account tells of family and given name."""
    family, given = user.last_name, user.first_name
    name = "^".join(part.replace("^", " ").replace("=", " ").replace("\\", " ") for part in (family, given) if part)
    return Person(name=user.label, person_name=name or user.label.replace("^", " ").replace("=", " "))


def measurement(entry: Mapping[str, object]) -> Measurement:
    """A measurement as a draft keeps it."""
    return Measurement(
        label=str(entry["label"]),
        value=str(entry["value"]),
        unit=str(entry["unit"]),
        ucum=str(entry["ucum"]),
        image=_image(entry),
    )


def picture(entry: Mapping[str, object]) -> KeyPicture:
    """A key picture as a draft keeps it, without its bytes."""
    return KeyPicture(image=_image(entry), caption=str(entry["caption"]), sha256=str(entry["sha256"]))


def sections_of(version: ReportVersion) -> list[dict[str, str]]:
    """The sections of a version as a draft keeps them; an addendum's with those of what it was added to."""
    kept = version.content
    before = [each for entry in kept.get("earlier", ()) for each in entry.get("sections", ())]
    found = before + kept.get("sections", []) if version.kind == ReportVersion.Kind.ADDENDUM else kept["sections"]
    return _numbered([{"code": each["code"], "title": each["title"], "text": each["text"]} for each in found])


def pulled_of(version: ReportVersion) -> list[dict[str, object]]:
    """The measurements and key pictures of a version as a draft keeps them."""
    signed = canonical.read(version.content)
    found: list[dict[str, object]] = []
    for each in signed.measurements:
        if each.image is not None:
            values = {"label": each.label, "value": each.value, "unit": each.unit, "ucum": each.ucum}
            found.append({"kind": "measurement", **values, **reference(each.image)})
    plates = signed.pictures
    return found + [
        {"kind": "picture", "caption": each.caption, "sha256": each.sha256, **reference(each.image)} for each in plates
    ]


def reference(image: ImageReference) -> dict[str, object]:
    """An image as a draft names it."""
    return {
        "study_instance_uid": image.study_instance_uid,
        "series_instance_uid": image.series_instance_uid,
        "sop_class_uid": image.sop_class_uid,
        "sop_instance_uid": image.sop_instance_uid,
        "frame": image.frame,
    }


def is_of(version: ReportVersion, study: Study) -> bool:
    """Whether the patient and the study are still those that were signed for."""
    signed = canonical.read(version.content)
    return signed.patient == _patient(study) and signed.study.study_instance_uid == study.study_instance_uid


def _numbered(sections: list[dict[str, str]]) -> list[dict[str, str]]:
    """Each code once: a second addendum is `addendum-2`."""
    seen: dict[str, int] = {}
    for section in sections:
        count = seen[section["code"]] = seen.get(section["code"], 0) + 1
        if count > 1:
            section["code"] = f"{section['code'][:28]}-{count}"
    return sections


def _image(entry: Mapping[str, object]) -> ImageReference:
    frame = entry.get("frame")
    return ImageReference(
        study_instance_uid=str(entry["study_instance_uid"]),
        series_instance_uid=str(entry["series_instance_uid"]),
        sop_class_uid=str(entry["sop_class_uid"]),
        sop_instance_uid=str(entry["sop_instance_uid"]),
        frame=frame if isinstance(frame, int) else None,
    )


def _department(study: Study, item: ReadingItem | None) -> Department | None:
    if item is not None:
        return Department.objects.select_related("site").get(pk=item.department_id)
    owner = Placement.objects.filter(study=study, kind=Placement.Kind.OWNER).live().order_by("pk").first()
    return Department.objects.select_related("site").get(pk=owner.department_id) if owner else None


def _zone(department: Department | None) -> ZoneInfo:
    name = accounts.time_zone_of_departments([department.pk]) if department else ""
    return ZoneInfo(name or settings.TIME_ZONE)


def _role(*, is_verified: bool) -> str:
    return gettext("Radiologist") if is_verified else ""


def _title(study: Study, item: ReadingItem | None) -> str:
    return (item.exam if item else "") or study.description or gettext("Imaging report")


def _patient(study: Study) -> PatientOf:
    patient = study.patient
    return PatientOf(
        patient_name=patient.patient_name,
        patient_id=patient.patient_id,
        issuer_of_patient_id=patient.issuer_of_patient_id,
        birth_date=patient.birth_date,
        sex=patient.sex,
    )


def _study(study: Study, zone: ZoneInfo) -> StudyOf:
    return StudyOf(
        study_instance_uid=study.study_instance_uid,
        accession_number=study.accession_number,
        study_at=study.study_at.astimezone(zone),
        time_is_known=study.study_time_known,
        description=study.description,
        modalities=tuple(each for each in study.modalities if each not in {"SR", "DOC", "PR", "KO"}),
        body_part=study.body_part_examined,
    )


def _critical(study: Study, zone: ZoneInfo) -> tuple[CriticalFinding, ...]:
    """What somebody had to be told of this study, as it stands at the signature."""
    return tuple(
        CriticalFinding(
            text=each.text,
            level=each.level,
            told=each.told,
            at=each.at.astimezone(zone) if each.at else None,
            acknowledged_by=each.acknowledged_by,
            acknowledged_at=each.acknowledged_at.astimezone(zone) if each.acknowledged_at else None,
        )
        for each in critical.communications(study)
    )


def _order(item: ReadingItem | None) -> Order:
    if item is None:
        return Order()
    asker = Person(name=item.asked_by_name, person_name=item.asked_by_name) if item.asked_by_name else None
    place = item.asking_department.label if item.asking_department else ""
    code = (
        Code(value=item.procedure_code, scheme="99LOCAL", meaning=item.procedure_name) if item.procedure_code else None
    )
    return Order(requester=asker, requesting_department=place, procedure=item.exam, procedure_code=code)


def _earlier(known: Sequence[ReportVersion], zone: ZoneInfo, *, with_texts: bool) -> tuple[EarlierVersion, ...]:
    """The versions before; for who has to read them again, the texts since the last whole report."""
    whole = [row for row in known if row.kind in {ReportVersion.Kind.FINAL, ReportVersion.Kind.CORRECTION}]
    since = whole[-1].number if whole else 0
    found = []
    for row in known:
        signed = canonical.read(row.content)
        entry = EarlierVersion(
            number=row.number,
            kind=Kind(row.kind),
            at=row.signed_at.astimezone(zone),
            signed_by=row.signer,
            reason=row.reason,
            digest=row.digest,
            has_measurements=bool(signed.measurements),
        )
        is_read_again = with_texts and row.number >= since and row.kind != ReportVersion.Kind.PRELIMINARY
        found.append(replace(entry, sections=signed.sections) if is_read_again else entry)
    return tuple(found)
