"""What is to happen with each object of a batch: registered by which plan, or set aside, by the policies and what is known."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext_noop

from imaging.dicom.header import PatientHeader
from imaging.ingest import policies, routing, selectors
from imaging.ingest.inheritance import follow, inherit
from imaging.ingest.preparation import Waiting
from imaging.ingest.quarantine import Reason, SetAside
from imaging.ingest.routing import Facts, Rule
from imaging.studies import selectors as studies
from imaging.studies.reading.corrections import inheritable
from imaging.studies.reading.moves import following
from imaging.studies.rows.columns import PatientKey
from imaging.studies.rows.incoming import IncomingInstance, PlannedPlacement
from imaging.studies.selectors import KnownPatient, KnownStudy


@dataclass(frozen=True, slots=True)
class Candidate:
    """One prepared object of the spool."""

    waiting: Waiting
    incoming: IncomingInstance

    @property
    def study_uid(self) -> str:
        """The study that it names."""
        return self.incoming.header.study.study_instance_uid

    @property
    def patient(self) -> PatientHeader:
        """The person that it names."""
        return self.incoming.header.patient

    @property
    def patient_key(self) -> PatientKey | None:
        """Issuer and ID, or None without an ID."""
        if not self.patient.patient_id:
            return None
        return self.incoming.issuer_of_patient_id, self.patient.patient_id

    @property
    def content_key(self) -> tuple[str, str]:
        """SOP Instance UID and digest: equal ones are the same object sent again."""
        return self.incoming.header.instance.sop_instance_uid, self.incoming.stored.dataset_sha256

    def set_aside(self, reason: str, detail: str) -> SetAside:
        """The same object on its way to quarantine."""
        return SetAside(self.waiting, reason, detail, self.incoming.header, self.incoming.stored.transfer_syntax_uid)


@dataclass(slots=True)
class Verdict:
    """The batch, divided."""

    admitted: list[Candidate] = field(default_factory=list)
    set_aside: list[SetAside] = field(default_factory=list)


class Judge:
    """Judges batches; remembers who began a study, because that never changes."""

    def __init__(self) -> None:
        """Begin with nothing remembered."""
        self._creators: dict[int, tuple[str, str]] = {}

    def judge(self, candidates: Sequence[Candidate]) -> Verdict:
        """Divide a batch. A plan of placements goes with every object of a study that is new."""
        received, candidates = candidates, _where_moved(candidates)
        known = studies.known_studies(candidate.study_uid for candidate in (*received, *candidates))
        candidates = _as_their_studies(candidates, known)
        keys = [key for candidate in candidates if (key := candidate.patient_key) is not None]
        batch = _Batch(studies.known_patients(keys))
        verdict = Verdict()
        doubtful: list[tuple[Candidate, SetAside]] = []
        for candidate, as_received in zip(candidates, received, strict=True):
            study = known.get(candidate.study_uid)
            named = known.get(as_received.study_uid)
            objection = self._about_known(candidate, study, as_received, named) if study else batch.about_new(candidate)
            if objection is not None:
                doubtful.append((candidate, objection))
            elif study:
                verdict.admitted.append(candidate)
            else:
                verdict.admitted.append(batch.planned(candidate))
        # What is kept already changes nothing, whoever sends it again.
        held = studies.instances_with_digest(candidate.content_key for candidate, _ in doubtful) if doubtful else ()
        for candidate, objection in doubtful:
            if candidate.content_key in held:
                verdict.admitted.append(candidate)
            else:
                verdict.set_aside.append(objection)
        return verdict

    def _about_known(
        self, candidate: Candidate, study: KnownStudy, as_received: Candidate, named: KnownStudy | None
    ) -> SetAside | None:
        """What speaks against adding to a study that exists. Who may not is not told how others corrected it either.

        Who may add to the study that an object names may have it follow the others that a person moved out of there.
        """
        if not any(self._may_join(candidate, one) for one in {study, named or study}):
            return as_received.set_aside(
                Reason.JOINS_ANOTHER_STUDY, gettext_noop("the sender may not add to this study")
            )
        if candidate.waiting.source.identity_decided:
            return None
        found = _identity(candidate, study.patient)
        return candidate.set_aside(Reason.IDENTITY_CONFLICT, found) if found else None

    def _may_join(self, candidate: Candidate, study: KnownStudy) -> bool:
        source = candidate.waiting.source
        return policies.may_join(
            sender_department_ids=source.department_ids,
            study_department_ids=study.department_ids,
            is_creator=self._began(study, source.door, source.sender),
        )

    def _began(self, study: KnownStudy, door: str, sender: str) -> bool:
        creator = self._creators.get(study.pk)
        if creator is None:
            creator = selectors.creator_of(study.pk)
            if creator is None:
                return False
            self._creators[study.pk] = creator
        return creator == (door, sender)


def _where_moved(candidates: Sequence[Candidate]) -> Sequence[Candidate]:
    """The candidates, those of moved series where the others are now. One query."""
    found = following([candidate.incoming for candidate in candidates])
    return [
        dataclasses.replace(candidate, incoming=follow(candidate.incoming, moves)) if moves else candidate
        for candidate, moves in zip(candidates, found, strict=True)
    ]


def _as_their_studies(candidates: Sequence[Candidate], known: Mapping[str, KnownStudy]) -> Sequence[Candidate]:
    """The candidates, corrected as the others of their studies were. One query more when any of those is corrected."""
    corrected = {study.pk for study in known.values() if study.is_corrected}
    if not corrected:
        return candidates
    decided = inheritable(corrected)
    found = []
    for candidate in candidates:
        study = known.get(candidate.study_uid)
        incoming = inherit(candidate.incoming, decided.get(study.pk, ())) if study else candidate.incoming
        found.append(dataclasses.replace(candidate, incoming=incoming))
    return found


def _identity(candidate: Candidate, patient: KnownPatient) -> str:
    """What speaks against this being the patient of a known study; empty when nothing does."""
    key = candidate.patient_key
    if key is not None and patient.patient_id and key != (patient.issuer_of_patient_id, patient.patient_id):
        return gettext_noop("the patient ID differs")
    return policies.disagreement(patient, candidate.patient)


class _Batch:
    """The new studies of one batch: their plans, and the people that they name."""

    def __init__(self, known_patients: dict[PatientKey, KnownPatient]) -> None:
        self._people: dict[PatientKey, policies.Traits] = dict(known_patients)
        self._first: dict[str, Candidate] = {}
        self._plans: dict[str, tuple[PlannedPlacement, ...]] = {}
        self._rules: list[Rule] | None = None

    def about_new(self, candidate: Candidate) -> SetAside | None:
        """What speaks against an object of a study that is new: its patient, or that nobody may have it."""
        found = "" if candidate.waiting.source.identity_decided else self._disagreement(candidate)
        if found:
            return candidate.set_aside(Reason.IDENTITY_CONFLICT, found)
        if not candidate.incoming.is_copy and not self._plan(candidate):
            return candidate.set_aside(
                Reason.CANNOT_REGISTER, gettext_noop("no routing rule matches, and the sender acts for no department")
            )
        self._first.setdefault(candidate.study_uid, candidate)
        if candidate.patient_key is not None:
            self._people.setdefault(candidate.patient_key, candidate.patient)
        return None

    def planned(self, candidate: Candidate) -> Candidate:
        """The object with the plan of its study: made once, from the first object that came. A copy lies nowhere."""
        if candidate.incoming.is_copy:
            return candidate
        plan = self._plan(candidate)
        return dataclasses.replace(candidate, incoming=dataclasses.replace(candidate.incoming, placements=plan))

    def _disagreement(self, candidate: Candidate) -> str:
        person = self._people.get(candidate.patient_key) if candidate.patient_key else None
        found = policies.disagreement(person, candidate.patient) if person is not None else ""
        first = self._first.get(candidate.study_uid)
        if found or first is None:
            return found
        if None not in {first.patient_key, candidate.patient_key} and first.patient_key != candidate.patient_key:
            return gettext_noop("the patient ID differs")
        return policies.disagreement(first.patient, candidate.patient)

    def _plan(self, candidate: Candidate) -> tuple[PlannedPlacement, ...]:
        plan = self._plans.get(candidate.study_uid)
        if plan is None:
            if self._rules is None:
                self._rules = selectors.routing_rules()
            source = candidate.waiting.source
            plan = routing.plan(
                _facts(candidate),
                rules=() if source.place_in else self._rules,
                sender=source.sender,
                sender_department_ids=source.place_in or source.department_ids,
            )
            self._plans[candidate.study_uid] = plan
        return plan


def _facts(candidate: Candidate) -> Facts:
    source, header = candidate.waiting.source, candidate.incoming.header
    return Facts(
        door=source.door,
        calling_ae_title=source.sender if source.actor_kind == "application_entity" else "",
        station_name=header.series.station_name,
        institutional_department_name=header.study.institutional_department_name,
        modality=header.series.modality,
        requesting_service=header.study.requesting_service,
    )
