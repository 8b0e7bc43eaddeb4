"""Patient administration (HL7 v2.5.1 chapter 3; IHE ITI-30, ITI-8): patients made, changed, merged, given another number.

One row per issuer and number, as in the archive. What changes about a patient with studies is a correction of these studies,
and a merge is the archive's own: both are shown, told and taken back like those of a person.
"""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, Final

from django.utils import timezone

from accounts import audit
from accounts.actor import Actor
from imaging.dicom import person_name
from imaging.dicom.correctable import CorrectionInvalid
from imaging.ehr import registry, selectors
from imaging.ehr.hl7.message import Message
from imaging.ehr.hl7.persons import Person, identifiers, person
from imaging.ehr.hl7.refusals import Code, Held, Refused
from imaging.ehr.models import Hl7Peer
from imaging.ehr.registry import PID, Key
from imaging.studies import services as studies
from imaging.studies.correction.merging import survivor
from imaging.studies.models import Correction, Patient, PatientMerge
from imaging.studies.rows import columns

_UPSERTS: Final = frozenset({"A01", "A02", "A03", "A04", "A05", "A06", "A07", "A08", "A28", "A31"})
#: They undo something of a visit, or speak of one that is to come: the patient stays as they are.
_OF_VISITS: Final = frozenset({"A10", "A11", "A12", "A13", "A38"})
_MERGES: Final = frozenset({"A18", "A40", "A47"})
_MRG: Final = "MRG^1^1"


def apply(message: Message, peer: Hl7Peer, actor: Actor) -> str:
    """Do what a message of the type ADT says, in the transaction around it; what was done, in a sentence. Raises ``Refused``."""
    if not peer.may_register:
        raise Refused(Code.MESSAGE_TYPE, "MSH^1^9", "This system may not register patients here.")
    handler = _HANDLERS.get(message.event)
    if handler is None:
        raise Refused(Code.EVENT, "MSH^1^9", "This event is not read here.")
    if not message.has("PID"):
        raise Refused(Code.SEGMENT_ORDER, "PID^1", "There is no PID segment.")
    return handler(message, peer, actor)


def _upsert(message: Message, peer: Hl7Peer, actor: Actor) -> str:
    found = person(message)
    keys = registry.keys_of(found.identifiers, peer, PID)
    registry.lock(keys)
    patient = registry.known_by(keys)
    reason = f"{message.headline.kind} {message.headline.control_id}"
    is_new = patient is None
    if patient is None:
        patient, done = registry.made_for(keys[0], found, actor), []
    else:
        if PatientMerge.objects.in_force().filter(merged=patient).exists():
            raise Refused(Code.UNKNOWN_KEY, PID, "This number was merged into another one.")
        done = _change(patient, found, reason=reason, actor=actor)
    registry.note_registration(patient, found, peer, actor)
    said = "Patient registered." if is_new else ("Changed: " + ", ".join(done) + "." if done else "Nothing new.")
    return " ".join([said, *found.notes])


def _heard(message: Message, peer: Hl7Peer, actor: Actor) -> str:
    registry.keys_of(person(message).identifiers, peer, PID)
    return "Concerns a visit: the patient stays as they are."


def hold_a_storm(message: Message, peer: Hl7Peer) -> None:
    """Let a person decide once a system merges more than it ever should (SE-15). Raises ``Held``."""
    if message.event not in _MERGES or not peer.most_merges:
        return
    if selectors.merges_since(peer, timezone.now() - timedelta(hours=1)) >= peer.most_merges:
        raise Held("More merges than this system may ask for in an hour: a person has to look.")


def _merge(message: Message, peer: Hl7Peer, actor: Actor) -> str:
    into_key, prior_key = _both(message, peer)
    registry.lock([into_key, prior_key])
    found = person(message)
    reason = f"{message.headline.kind} {message.headline.control_id}"
    prior = selectors.patient_of(*prior_key) or registry.made_for(prior_key, found, actor)
    into = selectors.patient_of(*into_key) or registry.made_for(into_key, found, actor)
    stays, goes = survivor(into), survivor(prior)
    if goes.pk == into.pk or (goes.pk == stays.pk and goes.pk != prior.pk):
        return "Merged before: nothing new."
    if stays.pk == prior.pk:
        return _inverse(prior, into, peer, reason=reason, actor=actor)
    if goes.pk != prior.pk:
        raise Refused(Code.DUPLICATE_KEY, _MRG, "This number was merged into another patient before.")
    _merged(prior, stays, reason=reason, actor=actor)
    registry.note_registration(into, found, peer, actor)
    return "Merged."


def _inverse(prior: Patient, into: Patient, peer: Hl7Peer, *, reason: str, actor: Actor) -> str:
    """``into`` was merged into ``prior``, and now it is told the other way round."""
    if peer.inverse_merge == Hl7Peer.Inverse.IGNORE:
        return "Told the other way round before: the first merge holds."
    link = PatientMerge.objects.in_force().filter(merged=into, into=prior).first()
    if peer.inverse_merge == Hl7Peer.Inverse.REFUSE or link is None:
        raise Refused(Code.DUPLICATE_KEY, _MRG, "These two were merged the other way round before.")
    studies.part_patients(link, actor=actor, reason=reason)
    _merged(prior, into, reason=reason, actor=actor)
    return "Merged the other way round."


def _renumber(message: Message, peer: Hl7Peer, actor: Actor) -> str:
    into_key, prior_key = _both(message, peer)
    registry.lock([into_key, prior_key])
    if selectors.patient_of(*into_key) is not None:
        raise Refused(Code.DUPLICATE_KEY, PID, "There is a patient with the new number: this would be a merge.")
    prior = selectors.patient_of(*prior_key)
    if prior is None:
        raise Refused(Code.UNKNOWN_KEY, _MRG, "There is no patient with the old number.")
    found = person(message)
    values = {name: getattr(prior, name) for name in ("patient_name", "name_norm", "birth_date", "sex")}
    into = Patient.objects.create(issuer_of_patient_id=into_key[0], patient_id=into_key[1], **values)
    reason = f"{message.headline.kind} {message.headline.control_id}"
    _merged(prior, into, reason=reason, actor=actor)
    registry.note_registration(into, found, peer, actor)
    return "Number changed."


def _both(message: Message, peer: Hl7Peer) -> tuple[Key, Key]:
    """Who remains, and who goes."""
    if not message.has("MRG"):
        raise Refused(Code.FIELD_MISSING, _MRG, "There is no prior number.")
    into = registry.keys_of(identifiers(message, "PID", 3), peer, PID)[0]
    priors = registry.keys_of(identifiers(message, "MRG", 1), peer, _MRG)
    prior = next((key for key in priors if key[0] == into[0]), priors[0])
    if into == prior:
        raise Refused(Code.DUPLICATE_KEY, _MRG, "The prior number is the remaining one.")
    return into, prior


def _merged(merged: Patient, into: Patient, *, reason: str, actor: Actor) -> None:
    try:
        studies.merge_patients(merged, into, reason=reason, actor=actor)
    except studies.MergedAlready:
        # It was not a moment ago: another message, or a person, has merged one of them meanwhile.
        raise Refused(Code.LOCKED, _MRG, "One of the two is being merged.", is_passing=True) from None
    except studies.NotMergeable:
        raise Refused(Code.DATA_TYPE, _MRG, "These two cannot be merged.") from None
    except studies.ChangedMeanwhile:
        raise Refused(Code.LOCKED, _MRG, "The patient was being changed.", is_passing=True) from None


def _change(patient: Patient, found: Person, *, reason: str, actor: Actor) -> list[str]:
    """Give a patient and their studies what is new; the names of what changed."""
    wanted: dict[str, Any] = {"patient_name": found.patient_name, "birth_date": found.birth_date, "sex": found.sex}
    told = {
        name: (value or None if name == "birth_date" else value) for name, value in wanted.items() if value is not None
    }
    changed = {name: value for name, value in told.items() if getattr(patient, name) != value}
    if not changed:
        return []
    attributes: dict[str, Any] = {}
    for name, value in changed.items():
        tag, vr = _ATTRIBUTES[name]
        text = value.strftime("%Y%m%d") if isinstance(value, date) else value
        attributes[tag] = {"vr": vr, "Value": [text]} if text else {"vr": vr}
    try:
        if patient.studies.exists():
            studies.correct(patient, attributes, reason=reason, actor=actor, origin=Correction.Origin.REGISTER)
    except CorrectionInvalid:
        raise Refused(Code.DATA_TYPE, "PID^1", "A value cannot be written into images.") from None
    if "patient_name" in changed:
        changed["name_norm"] = person_name.normalised(changed["patient_name"] or "")
    # Corrections reach the row through the studies; a patient without any has nothing but the row.
    Patient.objects.filter(pk=patient.pk).update(**columns.clean(Patient, changed))
    titles = [title for name, title in _TITLES.items() if name in changed]
    registry.record(audit.Action.PATIENT_CORRECTED, patient, actor, changed=titles, reason=reason)
    return titles


_ATTRIBUTES: Final = {"patient_name": ("00100010", "PN"), "birth_date": ("00100030", "DA"), "sex": ("00100040", "CS")}
_TITLES: Final = {"patient_name": "name", "birth_date": "birth date", "sex": "sex"}
_HANDLERS: Final[dict[str, Callable[[Message, Hl7Peer, Actor], str]]] = {
    **dict.fromkeys(_UPSERTS, _upsert),
    **dict.fromkeys(_OF_VISITS, _heard),
    "A18": _merge,
    "A40": _merge,
    "A47": _renumber,
}
