"""A small hospital whose rights change, and a plain account of who may see what: the doors are compared with it.

The account knows nothing of placements, queries or caches: sets of names, and a clock that tests may put forward.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pynetdicom import AE, build_context

from accounts import services as accounts
from accounts.actor import SYSTEM, Actor
from accounts.models import Department, Membership, User
from accounts.roles import Role
from accounts.scope import scope_of_user
from imaging.dimse import listener
from imaging.dimse.admission import Admission
from imaging.dimse.finding import STUDY_ROOT_FIND
from imaging.dimse.server import Server
from imaging.ingest.models import ApplicationEntity
from imaging.orders.models import Procedure, StudyLink
from imaging.pipeline import steps
from imaging.reports.writing import selectors as writing
from imaging.reports.writing import services as drafts
from imaging.reports.writing import signing
from imaging.studies import services as studies
from imaging.studies.models import Grant, Placement, Protection, Study
from imaging.studies.rows.incoming import PlannedPlacement
from tests.factories import arrivals
from tests.factories.accounts import DepartmentFactory, SiteFactory, UserFactory, issue_machine_key
from tests.factories.exam_requests import exam_request, procedure

DEPARTMENTS = ("emergency", "orthopaedics", "cardiology")
PATIENTS = ("P1", "P2", "P3")
#: Who works where at the start: a person each, and a machine and a workstation of orthopaedics.
PEOPLE = {"alice": "emergency", "bob": "orthopaedics", "dora": "cardiology"}
AE_TITLE = "ORTHO_WS"
#: Who performs what everybody asks for.
PERFORMING = "cardiology"


@dataclass(slots=True)
class Given:
    """A grant as the account remembers it."""

    row: Grant
    holder: str
    patient: str
    study: str
    lifts: bool
    until: datetime
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """An exam request as the account remembers it; ``study`` answers it."""

    by: str
    patient: str
    study: str


@dataclass(slots=True)
class World:
    """Six studies of three patients in three departments."""

    folder: Path
    later: timedelta = timedelta()
    beginnings: int = 0
    is_drained: bool = True
    departments: dict[str, Department] = field(default_factory=dict)
    people: dict[str, User] = field(default_factory=dict)
    key: str = ""
    scribe: User = field(init=False)
    exam: Procedure = field(init=False)
    patient_of: dict[str, str] = field(default_factory=dict)
    placed: set[tuple[str, str]] = field(default_factory=set)
    members: set[tuple[str, str]] = field(default_factory=set)
    given: list[Given] = field(default_factory=list)
    labels: dict[tuple[str, str], Protection] = field(default_factory=dict)
    asked: dict[str, Asked] = field(default_factory=dict)
    reports: dict[str, str] = field(default_factory=dict)

    def now(self) -> datetime:
        """The clock of this world."""
        return datetime.fromtimestamp(time.time(), UTC) + self.later

    def build(self) -> None:
        """Make people, departments and what never changes."""
        site = SiteFactory.create()
        for code in DEPARTMENTS:
            self.departments[code] = DepartmentFactory.create(code=code, site=site)
        for name in PEOPLE:
            self.people[name] = UserFactory.create(username=name)
        self.scribe = UserFactory.create(username="scribe")
        self.exam = procedure()
        self.key = issue_machine_key(self.departments["orthopaedics"], name="ortho-gateway").plaintext
        workstation = ApplicationEntity.objects.create(ae_title=AE_TITLE, may_query=True)
        workstation.departments.set([self.departments["orthopaedics"]])

    def begin(self) -> None:
        """Six new studies of new patients, nothing granted, everybody in one department; what was before is nobody's."""
        self.later, self.is_drained = timedelta(), True
        self.beginnings += 1
        Grant.objects.all().delete()
        Placement.objects.all().delete()
        Membership.objects.all().delete()
        Protection.objects.all().delete()
        self.labels, self.asked, self.reports = {}, {}, {}
        self.given, self.placed, self.members, self.patient_of = [], set(), set(), {}
        for name, code in PEOPLE.items():
            self.join(name, code)
        for number in range(6):
            code = DEPARTMENTS[0] if number < 4 else DEPARTMENTS[number - 3]
            self.arrive(PATIENTS[number % 3], code)

    # What may happen: each does it by the services that people and machines reach, and notes it.

    def arrive(self, patient: str, code: str) -> None:
        """A new study of a patient arrives for a department."""
        made = arrivals.dataset(PatientID=self._id(patient), PatientName=f"Name^{patient}")
        studies.register([arrivals.incoming(made, self.folder, self.departments[code])], actor=SYSTEM)
        self.patient_of[made.StudyInstanceUID] = patient
        self.placed.add((made.StudyInstanceUID, code))
        study = Study.objects.select_related("patient").get(study_instance_uid=made.StudyInstanceUID)
        self._ask(study, code, patient)
        self._report(study, code)

    def _ask(self, study: Study, code: str, patient: str) -> None:
        """It answers a request of its department, for which a letter would say the same."""
        row = exam_request(
            asking=self.departments[code],
            performing=self.departments[PERFORMING],
            patient=study.patient,
            procedure=self.exam,
        )
        StudyLink.objects.create(request=row, study=study, basis=StudyLink.Basis.PERSON, made_by="scribe")
        self.asked[str(row.key)] = Asked(code, patient, study.study_instance_uid)

    def _report(self, study: Study, code: str) -> None:
        """Its report is signed, by somebody who works in its department while they do."""
        user = self.scribe
        held = accounts.add_membership(
            actor=SYSTEM, user=user, department=self.departments[code], role=Role.RADIOLOGIST
        )
        actor = Actor(kind="user", id=str(user.pk), name=user.get_username())
        person = writing.writer(user, actor=actor, scope=scope_of_user(user, actor=actor))
        if person is not None and study.sensitivity == "":
            text = [{"code": "impression", "title": "Impression", "text": "Nothing new."}]
            draft = drafts.save(person, study, drafts.Wish(text, 0, "en"))
            made = signing.sign(person, study, seen_revision=draft.revision)
            self.reports[str(made.report.key)] = study.study_instance_uid
        accounts.end_membership(actor=SYSTEM, membership=held)

    def grant(self, number: int, holder: str, gives: Grant.Gives, minutes: int, *, whole: bool) -> None:
        """A person or a department is granted a study, or its patient, for so many minutes."""
        study = self._study(number)
        place = self._holder(holder)
        if not place.is_personal and gives is Grant.Gives.EMERGENCY:
            gives = Grant.Gives.VIEW
        until = self.now() + timedelta(minutes=minutes)
        row = studies.grant(
            study.patient if whole else study,
            holder=place,
            gives=gives,
            basis=Grant.Basis.REQUEST,
            actor=SYSTEM,
            until=until,
        )
        uid = study.study_instance_uid
        patient = self.patient_of[uid] if whole else ""
        self.given.append(Given(row, holder, patient, "" if whole else uid, gives is Grant.Gives.EMERGENCY, until))

    def revoke(self, number: int) -> None:
        """One of the grants is taken back."""
        if self.given:
            held = self.given[number % len(self.given)]
            studies.end_grant(held.row, actor=SYSTEM)
            held.ended = True

    def label(self, number: int, *, whole: bool) -> None:
        """A study, or its patient, is protected; or is not any more."""
        study = self._study(number)
        uid = study.study_instance_uid
        key = ("patient", self.patient_of[uid]) if whole else ("study", uid)
        if key in self.labels:
            studies.lift_protection(self.labels.pop(key), reason="enough", actor=SYSTEM)
        else:
            target = study.patient if whole else study
            self.labels[key] = studies.protect(target, "vip", reason="well known", actor=SYSTEM)

    def wait(self, minutes: int) -> None:
        """Time goes by; what the background does with it comes later."""
        self.later += timedelta(minutes=minutes)
        self.is_drained = False

    def move(self, number: int, patient: str) -> None:
        """A study turns out to be another patient's."""
        study = self._study(number)
        element = {"00100020": {"vr": "LO", "Value": [self._id(patient)]}}
        studies.correct(study, element, reason="mixed up", actor=SYSTEM)
        uid = study.study_instance_uid
        came_from, self.patient_of[uid] = self.patient_of[uid], patient
        if ("patient", came_from) in self.labels and came_from != patient:
            self._keep_protected(uid, came_from, patient)

    def _keep_protected(self, uid: str, came_from: str, patient: str) -> None:
        """What a protected patient leaves stays as protected; and who is only known by another ID now, too."""
        if came_from not in self.patient_of.values():
            moved = self.labels.pop(("patient", came_from))
            self.labels.setdefault(("patient", patient), moved)
            # What was asked for under the former number names the person still.
            left = Protection.objects.live().get(patient__patient_id=self._id(came_from))
            self.labels[("patient", came_from)] = left
        else:
            row = Protection.objects.live().get(study__study_instance_uid=uid)
            self.labels.setdefault(("study", uid), row)

    def route(self, number: int, code: str) -> None:
        """A study is placed in one more department, or taken out of it."""
        study = self._study(number)
        placement = (study.study_instance_uid, code)
        if placement in self.placed:
            row = Placement.objects.get(study=study, department=self.departments[code])
            studies.remove_placement(row, actor=SYSTEM)
            self.placed.discard(placement)
        else:
            plan = PlannedPlacement(self.departments[code].pk, "requesting", "by_hand")
            studies.place_study(study, plan, actor=SYSTEM)
            self.placed.add(placement)

    def join(self, name: str, code: str) -> None:
        """A person begins to work in a department, or ends."""
        membership = (name, code)
        if membership in self.members:
            held = Membership.objects.active_at(self.now()).filter(
                user=self.people[name], department=self.departments[code]
            )
            for row in held:
                accounts.end_membership(actor=SYSTEM, membership=row)
            self.members.discard(membership)
        else:
            accounts.add_membership(
                actor=SYSTEM, user=self.people[name], department=self.departments[code], role="clinician"
            )
            self.members.add(membership)

    def drain(self) -> None:
        """The background takes what has ended away."""
        steps.drain()
        self.is_drained = True

    # Who may see what, by this account.

    def seen_by(self, name: str) -> set[str]:
        """The studies that a person may open now."""
        works_in = {code for person, code in self.members if person == name}
        # What was granted to the person alone is seen by who works somewhere.
        seen = self._seen(works_in | {name}) if works_in else set()
        return {uid for uid in seen if not self._is_labelled(uid) or uid in self._opened_in_emergency(name)}

    def requests_seen_by(self, name: str) -> set[str]:
        """The requests (keys) that a person may open: of the departments that ask and perform, and nothing protected."""
        works_in = {code for person, code in self.members if person == name}
        return {
            key
            for key, one in self.asked.items()
            if works_in & {one.by, PERFORMING}
            and ("patient", one.patient) not in self.labels
            and not self._is_labelled(one.study)
        }

    def reports_seen_by(self, name: str) -> set[str]:
        """The reports (keys) that a person may open: those of the studies that they see."""
        seen = self.seen_by(name)
        return {key for key, uid in self.reports.items() if uid in seen}

    def seen_by_orthopaedics(self) -> set[str]:
        """The studies that a machine or workstation of orthopaedics may open now."""
        return {uid for uid in self._seen({"orthopaedics"}) if not self._is_labelled(uid)}

    def _is_labelled(self, uid: str) -> bool:
        return ("study", uid) in self.labels or ("patient", self.patient_of[uid]) in self.labels

    def _opened_in_emergency(self, name: str) -> set[str]:
        return self._named([entry for entry in self._live() if entry.holder == name and entry.lifts])

    def _seen(self, holders: set[str]) -> set[str]:
        granted = self._named([entry for entry in self._live() if entry.holder in holders])
        return granted | {uid for uid, code in self.placed if code in holders}

    def _live(self) -> list[Given]:
        return [entry for entry in self.given if not entry.ended and entry.until > self.now()]

    def _named(self, grants: list[Given]) -> set[str]:
        return {
            uid
            for uid, patient in self.patient_of.items()
            for entry in grants
            if entry.study == uid or (entry.patient and entry.patient == patient)
        }

    def _study(self, number: int) -> Study:
        uids = list(self.patient_of)
        return Study.objects.select_related("patient").get(study_instance_uid=uids[number % len(uids)])

    def _id(self, patient: str) -> str:
        return f"{patient}-{self.beginnings}"

    def _holder(self, holder: str) -> Department:
        if holder in self.departments:
            return self.departments[holder]
        user = User.objects.get(username=holder)
        return accounts.own_place_of(user, site=self.departments["emergency"].site)


class DicomDoor:
    """The portal's own listener, asked by the workstation of orthopaedics."""

    def __init__(self) -> None:
        self._admission = Admission(ae_title="NEGATOSCOPE", is_demo=False)
        self._admission.start()
        self._server = Server(listener.bind("127.0.0.1", 0), ae_title="NEGATOSCOPE", admission=self._admission)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def found(self, question: Callable[[], object]) -> set[str]:
        """Study Instance UIDs of the answers to a C-FIND."""
        association = AE(AE_TITLE).associate(
            "127.0.0.1",
            self._server.server_address[1],
            contexts=[build_context(STUDY_ROOT_FIND)],
            ae_title="NEGATOSCOPE",
        )
        answers = list(association.send_c_find(question(), STUDY_ROOT_FIND))
        association.release()
        assert answers[-1][0].Status == 0, answers[-1][0]
        return {str(match.StudyInstanceUID) for _status, match in answers if match is not None}

    def close(self) -> None:
        """Stop listening."""
        self._server.stop(timedelta(seconds=5))
        self._admission.stop()
