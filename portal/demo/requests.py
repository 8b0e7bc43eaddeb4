"""The demo's catalogue, rooms and requests: what was asked for before somebody looks around. Run again, it completes."""

import datetime as dt
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from accounts.actor import SYSTEM, Actor
from accounts.models import Department, User
from accounts.scope import scope_of_user
from imaging.ingest.models import ApplicationEntity
from imaging.orders import transitions
from imaging.orders.catalogue import questions
from imaging.orders.catalogue import services as catalogue
from imaging.orders.models import ExamRequest, OpeningHours, Procedure, Room, ScheduledStep
from imaging.orders.requesting import selectors, services
from imaging.orders.requesting.policies import Asker
from imaging.orders.transitions import By
from imaging.orders.workflow import Step

#: What cardiology does itself; radiology does the rest.
_OF_CARDIOLOGY: Final = ("US-HEART", "XA-CORONARY")
#: Films are booked straight away as the catalogue has them; this hospital wants hands looked at first.
_VETTED_HERE: Final = ("DX-HAND",)
#: code: (name, modalities, station, minutes of the grid)
_ROOMS: Final = {
    "xray-1": ("X-ray room 1", ["CR", "DX"], "EMERGENCY_DX", 10),
    "ct-1": ("CT 1", ["CT"], "RADIO_CT", 15),
    "us-mr": ("Ultrasound and MR", ["US", "MR"], "RADIO_MR", 30),
}
_HOURS: Final = (dt.time(7), dt.time(20))


def prepare() -> None:
    """Create what is missing; what somebody has changed since stays as it is."""
    radiology = Department.objects.get(code="radiology")
    with transaction.atomic():
        catalogue.load_starter(actor=SYSTEM)
        own = Procedure.objects.filter(department=None)
        own.filter(code__in=_VETTED_HERE).update(needs_vetting=True)
        own.filter(code__in=_OF_CARDIOLOGY).update(department=Department.objects.get(code="cardiology"))
        own.exclude(code__in=_OF_CARDIOLOGY).update(department=radiology)
        for code, room in _ROOMS.items():
            _room(code, room, radiology)
    if not ExamRequest.objects.exists():
        with transaction.atomic():
            for row in _REQUESTS:
                _request(row)


def _room(code: str, plan: tuple[str, list[str], str, int], department: Department) -> None:
    name, modalities, station, minutes = plan
    entity = ApplicationEntity.objects.get(ae_title=station)
    room, created = Room.objects.get_or_create(
        code=code,
        defaults={
            "name": name,
            "department": department,
            "modalities": modalities,
            "station": entity,
            "station_name": station[:16],
            "slot_minutes": minutes,
        },
    )
    if created:
        entity.may_ask_worklist = True
        entity.save(update_fields=["may_ask_worklist"])
        OpeningHours.objects.bulk_create(
            OpeningHours(room=room, weekday=day, opens=_HOURS[0], closes=_HOURS[1]) for day in range(7)
        )


#: (who asks, name, born, sex, number, exam, side, question, priority and reason, answers that are not "no", steps taken)
_REQUESTS: Final[tuple[tuple[Any, ...], ...]] = (
    (
        *("emergency", "Kovačević^Luka", "1988-09-17", "M", "", "DX-HAND", "R"),
        *("Fall on the right hand an hour ago, pain of the fifth metacarpal. Fracture?", (1, "waits in the corridor")),
        *({}, ()),
    ),
    (
        *("emergency", "Nadeau^Philippe Jean", "1955-02-02", "M", "00617742", "CT-HEAD-C", ""),
        *("New right arm weakness since 05:00, apixaban stopped. Venous thrombosis?", (0, "Stroke pathway")),
        *({"iodine-allergy": ("yes", "Urticaria in 2019"), "egfr-iodine": ("38", "")}, ()),
    ),
    (
        *("orthopaedics", "Nguyen^Thi Lan", "1979-06-23", "F", "", "MR-SHOULDER", "R"),
        *("Pain of the right shoulder for three months after a fall. Tear of the cuff?", (2, "")),
        *({"pacemaker": ("unknown", "History being asked of the family doctor")}, ()),
    ),
    (
        *("emergency", "Martin^Élodie", "1992-05-11", "F", "", "US-NECK", ""),
        *("Lymph node of the left neck, growing for two weeks. Suspect?", (2, "")),
        *({}, (Step.VET,)),
    ),
    (
        *("cardiology", "Petit^Marc-Antoine", "1981-07-04", "M", "00814406", "CT-CORONARY", ""),
        *("Atypical chest pain, intermediate risk, normal exercise test. Stenosis?", (2, "")),
        *({"egfr-iodine": ("88", "")}, (Step.RETURN,)),
    ),
    (
        *("orthopaedics", "Benali^Samir", "1988-04-22", "M", "", "DX-HIP", "L"),
        *("Control six weeks after screw fixation. Healing, position?", (2, "")),
        *({}, (Step.SCHEDULE,)),
    ),
    (
        *("emergency", "Ouédraogo^Aminata", "1997-08-30", "F", "00930118", "CT-PE", ""),
        *("Dyspnoea since yesterday, D-dimers 1200, Wells 4.5. Embolism?", (1, "short of breath at rest")),
        *({"egfr-iodine": ("95", "")}, (Step.VET, Step.SCHEDULE)),
    ),
    (
        *("orthopaedics", "Rossi^Giulia", "1968-01-18", "F", "", "DX-LSPINE", ""),
        *("Low back pain for ten days, no trauma, normal neurology.", (2, "")),
        *({}, (Step.REFUSE,)),
    ),
    (
        *("emergency", "Moreau^Jean", "1949-11-03", "M", "00448120", "DX-CHEST", ""),
        *("Fever and cough for four days, crackles on the right. Pneumonia?", (2, "")),
        *({}, (Step.SCHEDULE, Step.ARRIVE)),
    ),
    (
        *("emergency", "Blanc^Rose", "2016-02-14", "F", "00950077", "DX-WRIST", "L"),
        *("Fell off a swing, swelling of the left wrist. Fracture?", (2, "")),
        *({}, (Step.CANCEL,)),
    ),
)
_REASONS: Final = {
    Step.RETURN: "What is the heart rate, and may a beta blocker be given?",
    Step.REFUSE: "Without a warning sign a film of the lumbar spine changes nothing. Ask again if the pain lasts six weeks.",
    Step.CANCEL: "Went to another hospital with her parents",
}


def _request(row: tuple[Any, ...]) -> None:
    username, name, born, sex, number, code, side, question, (priority, why), special, steps = row
    person = _asker(username)
    typed = {
        "typed_name": name,
        "typed_birth_date": dt.date.fromisoformat(born),
        "typed_sex": sex,
        "typed_patient_id": number,
    }
    made = services.begin(person, typed=typed)
    changes = {
        "procedure": Procedure.objects.get(code=code),
        "laterality": side,
        "clinical_question": question,
        "priority": priority,
        "priority_reason": why,
        "contact": "4417",
    }
    made = services.save(person, made.key, changes, {}, seen_version=None)
    answers = {}
    for asked in services.asked(made):
        given, more = special.get(asked.code, ("" if asked.answer == "number" else questions.NO, ""))
        answers[asked.code] = questions.kept(asked, given or questions.UNKNOWN, more)
    services.save(person, made.key, {}, answers, seen_version=None)
    made = services.send(person, made.key, seen_version=None)
    for step in steps:
        _take(made, step)


def _asker(username: str) -> Asker:
    user = User.objects.get(username=username)
    actor = Actor(kind="user", id=str(user.pk), name=user.get_username(), door="command")
    person = selectors.asker(user, actor=actor, scope=scope_of_user(user))
    if person is None:
        raise LookupError(f"{username} may not ask for exams")
    return person


def _take(request: ExamRequest, step: Step) -> None:
    changes: dict[str, Any] = {}
    if step is Step.SCHEDULE:
        changes["scheduled_for"] = _booked(request).starts_at
    if step is Step.ARRIVE:
        request.steps.update(status=ScheduledStep.Status.ARRIVED)
    if step is Step.VET and request.procedure is not None:
        changes["protocol"] = request.procedure.protocol
    by = By(Actor(kind="system", id="system", name="Dr Paul Roy" if step is not Step.CANCEL else "Dr Inès Caron"))
    transitions.take(request.key, step, by=by, reason=_REASONS.get(step, ""), changes=changes)


def _booked(request: ExamRequest) -> ScheduledStep:
    """A place in the room of the exam: the next of the grid that is free, from tomorrow morning on."""
    procedure = request.procedure
    if procedure is None:
        raise LookupError(str(request.key))
    room = Room.objects.get(modalities__contains=[procedure.modality])
    day = timezone.localdate() + dt.timedelta(days=1)
    starts = timezone.make_aware(dt.datetime.combine(day, dt.time(8)))
    last = ScheduledStep.objects.filter(room=room, status__in=ScheduledStep.LIVE).order_by("-ends_at").first()
    if last is not None:
        starts = max(starts, last.ends_at)
    return ScheduledStep.objects.create(
        request=request,
        step_id=f"S{request.accession_number}"[:16],
        room=room,
        modality=procedure.modality,
        station_ae_title=room.station.ae_title if room.station else "",
        starts_at=starts,
        ends_at=starts + dt.timedelta(minutes=procedure.duration_minutes),
    )
