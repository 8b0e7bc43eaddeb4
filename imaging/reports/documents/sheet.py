"""A report in the words of its reader: every label and value as it stands on paper and page, in the report's language."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime

from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext, pgettext

from imaging.dicom import person_name
from imaging.dicom.wrapping.regions import REGIONS
from imaging.reports.documents import sections as headings
from imaging.reports.documents.blocks import Block, blocks
from imaging.reports.documents.content import EarlierVersion, KeyPicture, Kind, Measurement, ReportContent, Section


@dataclass(frozen=True, slots=True)
class Row:
    """A label and its value."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Part:
    """A section: its title, its text in blocks, and whether it is what the reader looks for first."""

    title: str
    blocks: tuple[Block, ...]
    is_answer: bool = False


@dataclass(frozen=True, slots=True)
class MeasuredRow:
    """One line of the table of measurements; ``source`` says on which image."""

    label: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class Plate:
    """A key picture: number, caption, and the words that stand for it where it is not seen."""

    number: int
    caption: str
    alternative: str
    picture: KeyPicture


@dataclass(frozen=True, slots=True)
class Earlier:
    """A version before this one: a line about it, and its text where it has to be read again."""

    line: str
    reason: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The whole report, ready to be set. Nothing in it is markup."""

    language: str
    title: str
    kind: str
    is_preliminary: bool
    is_withdrawn: bool
    watermark: str
    notice: str
    patient_name: str
    identity: str
    patient: tuple[Row, ...]
    examination: tuple[Row, ...]
    letterhead: tuple[str, ...]
    imprint: str
    footer: str
    page: str
    critical_label: str
    critical: tuple[str, ...]
    parts: tuple[Part, ...]
    measurements_label: str
    measurement_heads: tuple[str, str, str]
    measurements: tuple[MeasuredRow, ...]
    pictures_label: str
    plates: tuple[Plate, ...]
    signatures_label: str
    signatures: tuple[Row, ...]
    authors: str
    earlier_label: str
    earlier: tuple[Earlier, ...]
    digest_line: str


def sheet(content: ReportContent) -> Sheet:
    """The report in its own language, whoever reads it and wherever."""
    with translation.override(content.language):
        return _sheet(content)


def _sheet(content: ReportContent) -> Sheet:
    name = person_name.display(content.patient.patient_name) or gettext("no name")
    return Sheet(
        language=content.language,
        title=content.title or content.order.procedure or content.study.description or gettext("Imaging report"),
        kind=kind_word(content.kind),
        is_preliminary=content.kind is Kind.PRELIMINARY,
        is_withdrawn=content.kind is Kind.WITHDRAWAL,
        watermark=_watermark(content.kind),
        notice=_notice(content),
        patient_name=name,
        identity=" · ".join(_identity(content)),
        patient=tuple(_patient(content, name)),
        examination=tuple(_examination(content)),
        letterhead=tuple(line for line in (content.letterhead.department, *content.letterhead.lines) if line),
        imprint=" · ".join(_imprint(content)),
        footer=" · ".join(_footer(content)),
        page=gettext("Page %(number)s of %(total)s"),
        critical_label=gettext("Critical finding"),
        critical=tuple(_critical(content)),
        parts=tuple(_standing(content)),
        measurements_label=gettext("Measurements"),
        measurement_heads=(gettext("Measurement"), gettext("Value"), gettext("Image")),
        measurements=tuple(_measured(each, content) for each in content.measurements),
        pictures_label=gettext("Key images"),
        plates=tuple(_plate(number, each) for number, each in enumerate(content.pictures, 1)),
        signatures_label=_signed_where(content),
        signatures=tuple(
            Row(each.person.name, ", ".join(part for part in (each.person.role, moment(each.at)) if part))
            for each in content.signatures
        ),
        authors=_authors(content),
        earlier_label=gettext("Earlier versions"),
        earlier=tuple(_earlier(each, is_over=not content.is_addition) for each in content.earlier),
        digest_line=gettext("SHA-256 of what was signed: %(digest)s") % {"digest": content.digest}
        if content.digest
        else "",
    )


def _signed_where(content: ReportContent) -> str:
    if content.told_by:
        return gettext("Signed, as told by %(system)s") % {"system": content.told_by}
    return gettext("Signed electronically")


def kind_word(kind: Kind) -> str:
    """What a version is, for its reader."""
    return {
        Kind.PRELIMINARY: gettext("Preliminary report"),
        Kind.FINAL: gettext("Final report"),
        Kind.ADDENDUM: gettext("Report with addendum"),
        Kind.CORRECTION: gettext("Corrected report"),
        Kind.WITHDRAWAL: gettext("Withdrawn report"),
    }[kind]


def day(value: date) -> str:
    """A day in words, as the present language writes it."""
    return date_format(value, "j F Y")


def moment(value: datetime, *, time_is_known: bool = True) -> str:
    """Day and time as they stand in the value, in its own zone."""
    return date_format(value, "j F Y, H:i") if time_is_known else day(value)


def _watermark(kind: Kind) -> str:
    words = {Kind.PRELIMINARY: gettext("PRELIMINARY"), Kind.WITHDRAWAL: gettext("WITHDRAWN")}
    return words.get(kind, "")


def _notice(content: ReportContent) -> str:
    previous = content.earlier[-1] if content.earlier else None
    about = {"number": previous.number, "moment": moment(previous.at), "name": previous.signed_by} if previous else {}
    if content.kind is Kind.PRELIMINARY:
        return gettext("Preliminary: not yet confirmed. The final report may differ from it.")
    if content.kind is Kind.WITHDRAWAL:
        told = gettext("This report has been withdrawn and must not be used.")
    elif previous is None:
        return ""
    elif content.kind is Kind.ADDENDUM:
        told = gettext("An addendum was made to version %(number)s of %(moment)s.") % about
    else:
        told = gettext("This version replaces version %(number)s of %(moment)s.") % about
    return " ".join(part for part in (told, _reason(content.reason)) if part)


def _born(content: ReportContent) -> str:
    return day(content.patient.birth_date) if content.patient.birth_date else ""


def _number(content: ReportContent) -> str:
    patient = content.patient
    issuer = f" ({patient.issuer_of_patient_id})" if patient.patient_id and patient.issuer_of_patient_id else ""
    return f"{patient.patient_id}{issuer}"


def _identity(content: ReportContent) -> Iterator[str]:
    """What stands beside the name at the head of every page."""
    if born := _born(content):
        yield pgettext("at the head of a report", "born %(day)s") % {"day": born}
    if content.patient.patient_id:
        yield gettext("ID %(number)s") % {"number": _number(content)}


def _patient(content: ReportContent, name: str) -> Iterator[Row]:
    sexes = {"F": gettext("female"), "M": gettext("male"), "O": pgettext("sex", "other")}
    yield Row(gettext("Patient"), name)
    yield Row(gettext("Born"), _born(content) or gettext("not known"))
    yield Row(gettext("Sex"), sexes.get(content.patient.sex, gettext("not known")))
    yield Row(gettext("Patient ID"), _number(content) or gettext("none"))
    asked = content.order.requester.name if content.order.requester else ""
    if asked or content.order.requesting_department:
        yield Row(
            gettext("Requested by"), ", ".join(part for part in (asked, content.order.requesting_department) if part)
        )


def _examination(content: ReportContent) -> Iterator[Row]:
    study = content.study
    if content.order.procedure:
        yield Row(gettext("Examination"), content.order.procedure)
    elif study.description:
        yield Row(gettext("Examination"), study.description)
    at = moment(study.study_at, time_is_known=study.time_is_known) if study.study_at else gettext("not known")
    yield Row(gettext("Performed"), at)
    kinds = ", ".join(each for each in study.modalities if each not in headings.NOT_ACQUIRED)
    if kinds or study.body_part:
        yield Row(gettext("Modality"), " · ".join(part for part in (kinds, _region(study.body_part)) if part))
    if study.accession_number:
        yield Row(gettext("Accession number"), study.accession_number)
    if len(content.studies) > 1:
        more = (each.accession_number or each.description or each.study_instance_uid for each in content.studies[1:])
        yield Row(gettext("Also about"), ", ".join(more))


def _region(body_part: str) -> str:
    region = REGIONS.get(body_part)
    return gettext(region.meaning) if region else body_part


def _imprint(content: ReportContent) -> Iterator[str]:
    if content.letterhead.name:
        yield content.letterhead.name
    if content.digest:
        yield f"SHA-256 {content.digest[:12]}…"


def _footer(content: ReportContent) -> Iterator[str]:
    if content.study.accession_number:
        yield gettext("Accession %(number)s") % {"number": content.study.accession_number}
    yield gettext("Version %(number)s, %(kind)s") % {"number": content.number, "kind": kind_word(content.kind).lower()}
    yield moment(content.signed_at)


def _critical(content: ReportContent) -> Iterator[str]:
    for each in content.critical:
        told = [each.level, each.text]
        if each.told:
            to = {"name": each.told, "moment": moment(each.at) if each.at else ""}
            told.append(
                gettext("told to %(name)s, %(moment)s") % to if each.at else gettext("to be told to %(name)s") % to
            )
        if each.acknowledged_at:
            by = {"name": each.acknowledged_by, "moment": moment(each.acknowledged_at)}
            told.append(gettext("acknowledged by %(name)s, %(moment)s") % by)
        elif each.at:
            told.append(gettext("not acknowledged when this was signed"))
        yield " — ".join(part for part in told if part)


def _parts(sections: tuple[Section, ...]) -> Iterator[Part]:
    for each in sections:
        if each.text.strip():
            yield Part(each.title, blocks(each.text), headings.word(each.code) in headings.ANSWERS)


def _measured(each: Measurement, content: ReportContent) -> MeasuredRow:
    """A value as its language writes decimals; an image that is among the key images is named by its number."""
    value = each.value.replace(".", ",") if content.language == "fr" else each.value
    shown = [number for number, plate in enumerate(content.pictures, 1) if each.image and plate.image == each.image]
    source = gettext("key image %(number)s") % {"number": shown[0]} if shown else ""
    if not source and each.image and each.image.frame:
        source = gettext("frame %(number)s") % {"number": each.image.frame}
    gap = "" if each.unit.startswith("°") and each.unit != "°C" else "\N{NO-BREAK SPACE}"
    return MeasuredRow(each.label, f"{value}{gap}{each.unit}".strip(), source)


def _plate(number: int, picture: KeyPicture) -> Plate:
    caption = picture.caption or gettext("Key image")
    alternative = gettext("Key image %(number)s: %(caption)s") % {"number": number, "caption": caption}
    return Plate(number, caption, alternative, picture)


def _authors(content: ReportContent) -> str:
    signed = {each.person.name for each in content.signatures}
    names = [each.name for each in content.authors if each.name not in signed]
    return gettext("Written by %(names)s") % {"names": ", ".join(names)} if names else ""


def _standing(content: ReportContent) -> Iterator[Part]:
    """The parts in their order; an addendum's with its day, for there may be several."""
    if content.is_addition:
        for each in content.earlier:
            parts = _parts(each.sections)
            yield from _dated(parts, each.at) if each.kind is Kind.ADDENDUM else parts
        yield from _dated(_parts(content.sections), content.signed_at)
    else:
        yield from _parts(content.sections)


def _dated(parts: Iterator[Part], at: datetime) -> Iterator[Part]:
    for each in parts:
        yield replace(each, title=f"{each.title} · {day(at)}")


def _earlier(each: EarlierVersion, *, is_over: bool) -> Earlier:
    """``is_over``: its text holds no more, and is shown apart."""
    about = [gettext("Version %(number)s") % {"number": each.number}, kind_word(each.kind).lower(), moment(each.at)]
    line = ", ".join(part for part in (*about, each.signed_by) if part)
    return Earlier(line, _reason(each.reason), tuple(_parts(each.sections)) if is_over else ())


def _reason(given: str) -> str:
    return gettext("Reason: %(reason)s") % {"reason": given} if given else ""
