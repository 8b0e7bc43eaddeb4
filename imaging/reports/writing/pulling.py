"""Measurements and key images of a study, taken into its report: the value as it stands, the picture as it was drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils import translation
from django.utils.translation import gettext

from imaging.dicom.errors import DicomError
from imaging.rendering import services as rendering
from imaging.reports.documents.content import clean
from imaging.reports.models import Report, ReportDraft, ReportPicture
from imaging.reports.writing import measuring, policies, selectors, services
from imaging.reports.writing.policies import Refused
from imaging.reports.writing.selectors import Writer
from imaging.storage import services as storage
from imaging.storage.models import StoredObject
from imaging.studies import access, markings
from imaging.studies.models import Annotation, InstanceVersion, KeyImage, Study
from imaging.studies.reading import frames, metadata

#: Longest edge of a picture in a report, in pixels: 15 cm on paper at 270 dots per inch.
_EDGE: Final = 1600
_MOST_OFFERED: Final = 100


@dataclass(frozen=True, slots=True)
class OfferedMeasurement:
    """A mark that measures something. ``text`` is what is put into the report."""

    key: str
    label: str
    text: str
    source: str
    by: str


@dataclass(frozen=True, slots=True)
class OfferedPicture:
    """A flagged frame."""

    sop_instance_uid: str
    series_instance_uid: str
    frame: int
    note: str
    source: str


def measurements(study: Study, person: Writer, *, language: str) -> list[OfferedMeasurement]:
    """What was measured on the images of a study, oldest first."""
    rows = list(markings.annotations_of(study, scope=person.scope)[:_MOST_OFFERED])
    scales = _scales(rows, study, person)
    found = []
    for row in rows:
        entry = _measurement(row, scales.get(row.instance_id), language)
        if entry is not None:
            text = f"{_decimal(str(entry['value']), language)} {entry['unit']}".replace(" °", "°")
            found.append(
                OfferedMeasurement(str(row.key), str(entry["label"]), text, _source(row, language), row.author.label)
            )
    return found


def pictures(study: Study, person: Writer, *, language: str) -> list[OfferedPicture]:
    """The key images of a study, in the order of their flagging."""
    return [
        OfferedPicture(
            row.instance.sop_instance_uid,
            row.instance.series.series_instance_uid,
            row.frame_number,
            row.note,
            _source(row, language),
        )
        for row in markings.key_images_of(study, scope=person.scope)[:_MOST_OFFERED]
    ]


def add_measurement(person: Writer, study: Study, draft: ReportDraft, key: str, *, seen_revision: int) -> ReportDraft:
    """Put a measurement into the report's table. Raises ``Refused``, ``services.Overtaken``."""
    row = next((each for each in markings.annotations_of(study, scope=person.scope) if str(each.key) == key), None)
    language = draft.report.language
    entry = _measurement(row, _scales([row], study, person).get(row.instance_id), language) if row else None
    if row is None or entry is None:
        raise Refused("not_there")
    return _added(person, study, draft, {"kind": "measurement", **entry, **_reference(row, study)}, seen_revision)


def add_picture(
    person: Writer, study: Study, draft: ReportDraft, sop_instance_uid: str, frame: int, *, seen_revision: int
) -> ReportDraft:
    """Draw a key image and keep it with the report. Raises ``Refused``, ``services.Overtaken``, ``rendering.Unavailable``."""
    rows = markings.key_images_of(study, scope=person.scope)
    row = rows.filter(instance__sop_instance_uid=sop_instance_uid, frame_number=frame).first()
    if row is None:
        raise Refused("not_there")
    version = access.open_instance(
        person.scope,
        study.study_instance_uid,
        row.instance.series.series_instance_uid,
        sop_instance_uid,
        actor=person.actor,
        purpose=access.Purpose.FRAMES,
    )
    kept = _drawn(draft.report, version, frame)
    entry = {"kind": "picture", "caption": row.note, "sha256": kept.sha256, **_reference(row, study)}
    return _added(person, study, draft, entry, seen_revision)


def change(
    person: Writer, study: Study, draft: ReportDraft, position: int, *, seen_revision: int, words: str | None
) -> ReportDraft:
    """Give a measurement or picture another label or caption, or (None) take it out. Raises as ``add_measurement``."""
    pulled = [dict(entry) for entry in draft.pulled]
    if not 0 <= position < len(pulled):
        raise Refused("not_there")
    if words is None:
        del pulled[position]
    else:
        said = " ".join(clean(words).split())[: policies.LONGEST_CAPTION]
        pulled[position]["label" if pulled[position]["kind"] == "measurement" else "caption"] = said
    return services.put_in(person, study, seen_revision=seen_revision, pulled=pulled)


def contents(report: Report) -> dict[str, bytes]:
    """The bytes of a report's pictures by digest: for its documents."""
    rows = ReportPicture.objects.filter(report=report).select_related("stored_object")
    return {row.sha256: storage.read(row.stored_object) for row in rows}


def picture_of(report: Report, sha256: str) -> StoredObject | None:
    """One picture of a report."""
    row = ReportPicture.objects.filter(report=report, sha256=sha256).select_related("stored_object").first()
    return row.stored_object if row else None


def _drawn(report: Report, version: InstanceVersion, frame: int) -> ReportPicture:
    try:
        made = rendering.render(version, number=frame, box=(_EDGE, _EDGE), media_type="image/jpeg", quality=92)
    except (DicomError, frames.NoSuchFrame, frames.FramesNotReady):
        raise Refused("no_picture") from None
    content = storage.put(made.data, kind=StoredObject.Kind.REPORT)
    row, _is_new = ReportPicture.objects.get_or_create(
        report=report, sha256=content.file_sha256, defaults={"stored_object": content}
    )
    return row


def _added(
    person: Writer, study: Study, draft: ReportDraft, entry: Mapping[str, object], seen_revision: int
) -> ReportDraft:
    if entry in draft.pulled:
        return draft
    if len(draft.pulled) >= policies.MOST_PULLED:
        raise Refused("too_many")
    return services.put_in(person, study, seen_revision=seen_revision, pulled=[*draft.pulled, entry])


def _scales(rows: Sequence[Annotation], study: Study, person: Writer) -> dict[int, measuring.Scale | None]:
    """What a pixel measures on the images without a plane, by instance."""
    wanted = {row.instance_id for row in rows if row.shape.get("space") == "image"}
    versions = selectors.current_versions(study, wanted, scope=person.scope)
    try:
        records: Mapping[int, Mapping[str, Any]] = metadata.records_of(versions)
    except storage.StorageError:
        records = {}
    return {pk: measuring.scale_of(record) for pk, record in records.items()}


def _measurement(row: Annotation, scale: measuring.Scale | None, language: str) -> dict[str, object] | None:
    found = measuring.measured(row.tool, row.shape, scale)
    if found is None:
        return None
    label = " ".join(str(row.shape.get("text", "")).split())[: policies.LONGEST_CAPTION]
    with translation.override(language):
        usual = {
            "length": gettext("Length"),
            "angle": gettext("Angle"),
            "cobb": gettext("Cobb angle"),
            "ellipse": gettext("Area"),
            "rectangle": gettext("Area"),
        }
        where = {
            "detector": gettext("at the detector"),
            "estimated": gettext("estimated"),
            "film": gettext("on the film"),
        }
        name = label or usual[row.tool]
        note = where.get(scale.where) if scale and found.unit != "°" and row.shape.get("space") == "image" else None
        return {
            "label": f"{name} ({note})" if note else name,
            "value": found.value,
            "unit": found.unit,
            "ucum": found.ucum,
        }


def _source(row: Annotation | KeyImage, language: str) -> str:
    instance = row.instance
    with translation.override(language):
        parts = []
        if instance.series.series_number is not None:
            parts.append(gettext("series %(number)s") % {"number": instance.series.series_number})
        if instance.instance_number is not None:
            parts.append(gettext("image %(number)s") % {"number": instance.instance_number})
        if instance.number_of_frames > 1:
            parts.append(gettext("frame %(number)s") % {"number": row.frame_number})
        return ", ".join(parts)


def _reference(row: Annotation | KeyImage, study: Study) -> dict[str, object]:
    instance = row.instance
    return {
        "study_instance_uid": study.study_instance_uid,
        "series_instance_uid": instance.series.series_instance_uid,
        "sop_class_uid": instance.sop_class_uid,
        "sop_instance_uid": instance.sop_instance_uid,
        "frame": row.frame_number if instance.number_of_frames > 1 else None,
    }


def _decimal(value: str, language: str) -> str:
    return value.replace(".", ",") if language == "fr" else value
