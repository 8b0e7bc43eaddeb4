"""Reports of another system (ORU^R01, MDM; IHE RAD-28): found their study, kept as its report, or waiting for its images (ID-8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext

from accounts.actor import Actor
from imaging.dicom import clinical_document, clinical_text, person_name, uids
from imaging.dicom.errors import DicomError
from imaging.ehr import registry, selectors
from imaging.ehr.hl7 import moments
from imaging.ehr.hl7 import results as reading
from imaging.ehr.hl7.message import Message
from imaging.ehr.hl7.persons import person
from imaging.ehr.hl7.refusals import Code, Refused
from imaging.ehr.hl7.results import Result, Status
from imaging.ehr.models import AwaitedReport, Hl7Message, Hl7Peer
from imaging.ehr.registry import PID
from imaging.reports.documents import sections
from imaging.reports.documents.content import Person
from imaging.reports.templates import layout
from imaging.reports.writing import policies, receiving
from imaging.reports.writing.receiving import Received, Told
from imaging.studies.correction.merging import survivor
from imaging.studies.models import Patient, Study

_TOLD: Final = {
    Status.PRELIMINARY: Told.PRELIMINARY,
    Status.FINAL: Told.FINAL,
    Status.CORRECTED: Told.CORRECTED,
    Status.ADDED: Told.ADDED,
    Status.WITHDRAWN: Told.WITHDRAWN,
}
#: Codes of headings that are not in our own table (LOINC; the suffixes of HL7 v2.5.1 section 7.4.2).
_HEADINGS: Final = {
    **{heading.heading.value: word for word, heading in sections.HEADINGS.items()},
    "18782-3": "findings",
    "18783-1": "recommendation",
    "11329-0": "history",
    "55112-7": "summary",
    "GDT": "findings",
    "IMP": "impression",
    "REC": "recommendation",
    "ADT": "addendum",
    "DEV": "technique",
}
#: Words in a heading's name, in both languages, for systems that code none.
_NAMES: Final = {
    **dict.fromkeys(("impression", "conclusion"), "impression"),
    **dict.fromkeys(("finding", "result", "résultat", "description"), "findings"),
    "indication": "indication",
    "technique": "technique",
    "recommend": "recommendation",
    "compar": "comparison",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the message, in a sentence; ``awaits`` while images are still to come."""

    note: str
    awaits: bool = False


def apply(message: Message, peer: Hl7Peer, actor: Actor, row: Hl7Message) -> Outcome:
    """Keep every report of a message, in the transaction around it. Raises ``Refused``."""
    if not peer.may_report:
        raise Refused(Code.MESSAGE_TYPE, "MSH^1^9", "This system may not send reports here.")
    found = [reading.document(message)] if message.code == "MDM" else reading.results(message)
    patient = _patient(message, peer)
    AwaitedReport.objects.filter(message=row).delete()
    said = [_done(result, message, peer, actor, row, patient) for result in found]
    awaits = AwaitedReport.objects.filter(message=row).exists()
    return Outcome(" ".join(dict.fromkeys(filter(None, said))), awaits)


def _done(
    result: Result, message: Message, peer: Hl7Peer, actor: Actor, row: Hl7Message, patient: Patient | None
) -> str:
    if result.status is Status.NOTHING:
        return "No report yet: nothing to keep."
    received = _received(result, message, peer, row)
    studies = _studies(result, peer, patient, message)
    if not studies:
        # A report that waits for its images is withdrawn once they are there, after it.
        if result.status is Status.WITHDRAWN and not _waits(result, peer):
            raise Refused(Code.UNKNOWN_KEY, "OBR^1^18", "There is no report to withdraw.")
        _await(result, row)
        return "The report waits for its images."
    return " ".join(dict.fromkeys(_kept(study, received, actor) for study in studies))


def _kept(study: Study, received: Received, actor: Actor) -> str:
    try:
        made = receiving.receive(study, received, actor=actor)
    except receiving.WrittenHere:
        raise Refused(Code.LOCKED, "OBR^1^25", "The report of this study is written here.") from None
    except receiving.NothingToWithdraw:
        raise Refused(Code.UNKNOWN_KEY, "OBR^1^18", "There is no report to withdraw.") from None
    except policies.Refused:
        raise Refused(Code.DATA_TYPE, "OBX^1^5", "The text is longer than a report can be.") from None
    return "Report taken over." if made is not None else "Nothing new."


def _patient(message: Message, peer: Hl7Peer) -> Patient | None:
    """Whom the message is about, as far as the index knows; an identifier of nobody's issuer is refused (ID-7)."""
    keys = registry.keys_of(person(message).identifiers, peer, PID)
    registry.lock(keys)
    known = registry.known_by(keys)
    return survivor(known) if known is not None else None


def _studies(result: Result, peer: Hl7Peer, patient: Patient | None, message: Message) -> list[Study]:
    """By Study Instance UID, by the order, by the accession number of the same patient, by one that only one study has (ID-8)."""
    by_uid = [uid for uid in result.study_uids if uids.is_valid_uid(uid)]
    if found := selectors.studies_by_uid(by_uid):
        return _of_patient(found, patient, message)
    if found := selectors.studies_of_order(f"hl7:{peer.pk}", result.placer):
        return _of_patient(found, patient, message)
    for number in dict.fromkeys(filter(None, (result.accession, result.filler))):
        rows = selectors.studies_by_accession(number)
        mine = [study for study in rows if patient is not None and study.patient_id == patient.pk]
        if mine:
            return mine
        if patient is None and len(rows) == 1 and _names(message, rows[0].patient):
            return rows
    return []


def _of_patient(found: Sequence[Study], patient: Patient | None, message: Message) -> list[Study]:
    """These studies, which must be the patient's; of somebody whose number is not known, name and birth date have to agree."""
    is_theirs = all(
        study.patient_id == patient.pk if patient is not None else _names(message, study.patient) for study in found
    )
    if not is_theirs:
        raise Refused(Code.UNKNOWN_KEY, PID, "The study is another patient's.")
    return list(found)


def _names(message: Message, shown: Patient) -> bool:
    """Whether a patient of whom the number is not known is the one whom the study shows: name and birth date agree."""
    told = person(message)
    same_day = told.birth_date is not None and told.birth_date == shown.birth_date
    same_name = person_name.normalised(told.patient_name or "") == person_name.normalised(shown.patient_name)
    return bool(told.patient_name) and same_day and same_name


def _await(result: Result, row: Hl7Message) -> None:
    study_uids, numbers, placer = _numbers(result)
    AwaitedReport.objects.create(
        message=row, study_instance_uids=study_uids, numbers=numbers, placer_order_number=placer
    )


def _waits(result: Result, peer: Hl7Peer) -> bool:
    study_uids, numbers, placer = _numbers(result)
    return selectors.is_awaited(peer, study_uids=study_uids, numbers=numbers, placer=placer)


def _numbers(result: Result) -> tuple[list[str], list[str], str]:
    """By what the images of a result will be known."""
    study_uids = [uid for uid in result.study_uids if uids.is_valid_uid(uid)][:20]
    numbers = [number[:64] for number in dict.fromkeys(filter(None, (result.accession, result.filler)))]
    return study_uids, numbers, result.placer[:64]


def _received(result: Result, message: Message, peer: Hl7Peer, row: Hl7Message) -> Received:
    language = _language(message)
    texts = list(result.texts)
    paper = result.paper
    if result.clinical is not None:
        words, enclosed = _clinical(result.clinical)
        texts, paper = texts or words, paper or enclosed
    if result.status is not Status.WITHDRAWN and not texts and paper is None:
        raise Refused(Code.FIELD_MISSING, "OBX^1^5", "The report has neither words nor a document.")
    return Received(
        source=f"hl7:{peer.pk}",
        source_name=peer.name,
        sequence=row.pk,
        told=_TOLD[result.status],
        at=_moment(result.at, peer),
        signer=_signer(result, peer),
        language=language,
        sections=_sections(texts, language, has_paper=paper is not None),
        paper=paper,
        clinical=result.clinical,
        hidden_from={audience.value: is_hidden for audience, is_hidden in result.hidden_from.items()},
        reason=" ".join(text.text for text in result.texts)[: policies.LONGEST_REASON]
        if result.status is Status.WITHDRAWN
        else "",
    )


def _clinical(data: bytes) -> tuple[list[reading.Text], bytes | None]:
    try:
        document = clinical_document.read(data)
        enclosed = clinical_text.enclosed_pdf(data) if document.has_other_body else None
    except DicomError:
        raise Refused(Code.DATA_TYPE, "OBX^1^5", "The CDA document cannot be read.") from None
    return [reading.Text("", title, text) for title, text in clinical_text.sections(document)], enclosed


def _sections(texts: Sequence[reading.Text], language: str, *, has_paper: bool) -> list[dict[str, str]]:
    """Sections as reports keep them; of a paper without words a sentence says where they are."""
    with translation.override(language):
        if not texts and has_paper:
            note = gettext("The report is the document that came with it.")
            return [{"code": "document", "title": gettext("Report"), "text": note}]
        untitled = gettext("Report")
    found: list[dict[str, str]] = []
    seen: dict[str, int] = {}
    for number, text in enumerate(texts, start=1):
        word = _word(text) or f"section-{number}"
        seen[word] = seen.get(word, 0) + 1
        code = word if seen[word] == 1 else f"{word}-{seen[word]}"
        if len(found) == layout.MOST_SECTIONS:
            found[-1]["text"] += "\n\n" + "\n".join(filter(None, (text.title, text.text)))
            continue
        found.append({"code": code, "title": (text.title or untitled)[: layout.LONGEST_TITLE], "text": text.text})
    return found


def _word(text: reading.Text) -> str:
    if known := _HEADINGS.get(text.code):
        return known
    name = text.title.casefold()
    return next((word for part, word in _NAMES.items() if part in name), "")


def _signer(result: Result, peer: Hl7Peer) -> Person:
    name = result.interpreter
    return Person(name=person_name.display(name) or peer.name, person_name=name or peer.name)


def _moment(text: str, peer: Hl7Peer) -> datetime:
    try:
        at, _remark = moments.moment(text, peer.site.zone)
    except moments.NotAMoment:
        at = None
    return at or timezone.now()


def _language(message: Message) -> str:
    """Of the words: MSH-19, else that of the sender's country (MSH-17, ISO 3166)."""
    told = message.headline.part(19)[:2].casefold() or message.headline.part(17)[:2].casefold()
    return told if told in {code for code, _name in settings.LANGUAGES} else str(settings.LANGUAGE_CODE[:2])
