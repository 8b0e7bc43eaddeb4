"""When X, then Y: the whole of what the portal does by itself, in one table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from imaging import queues
from imaging.access.requests import referrals, tending
from imaging.ehr import services as ehr
from imaging.ehr.sending import delivering as hl7_sending
from imaging.ehr.sending import telling as hl7_telling
from imaging.events.models import Event
from imaging.ingest.desk import releasing
from imaging.ingest.repair import notes as rejection_notes
from imaging.orders.performing import services as performing
from imaging.orders.requesting import notices as requester
from imaging.orders.requesting import patients as typed_patients
from imaging.pipeline import exams, partners
from imaging.privacy.packages import services as packages
from imaging.rendering import services as rendering
from imaging.reports.writing import publishing
from imaging.sharing.making import opening
from imaging.sharing.partners import sending as pushes
from imaging.studies import services as studies
from imaging.webhooks import services as webhooks


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do for the subject of an event. ``run`` takes its UID, is idempotent, and may answer ``Outcome.AGAIN``."""

    name: str
    run: Callable[[str], object]
    queue: str = queues.SHORT


REACTIONS: Final[Mapping[str, tuple[Step, ...]]] = MappingProxyType(
    {
        # subject: a Series Instance UID
        Event.Kind.SERIES_STARTED: (Step("show the series", rendering.make_first_thumbnail),),
        # subject: a Study Instance UID
        Event.Kind.STUDY_CHANGED: (
            Step("merged patients", studies.follow_merge),
            Step("rejection notes", studies.heed_notes),
            Step("match the request", exams.match),
            Step("all that the machine made", performing.settle_as_told),
            Step("thumbnails", rendering.make_thumbnails),
            Step("first previews", rendering.make_first_previews),
            Step("convert frames", rendering.convert_study, queues.LONG),
        ),
        Event.Kind.STUDY_SETTLED: (
            Step("previews", rendering.make_previews),
            Step("moving pictures", rendering.make_cines),
            Step("compact headers", studies.compact_study),
            Step("settle", studies.settle),
            Step("referring physicians", referrals.note_referrer),
            Step("access granted before", tending.follow),
            Step("typed patients", typed_patients.follow),
            Step("images complete", exams.complete),
            Step("reports that came before", ehr.images_arrived),
            Step("owe HL7 of images", hl7_telling.study_settled),
        ),
        # subject: the key of an exam request
        Event.Kind.REQUEST_CHANGED: (
            Step("request changed", exams.request_changed),
            Step("tell the requester", requester.tell_new),
            Step("owe HL7 of a request", hl7_telling.request_changed),
        ),
        # subject: a report's key
        Event.Kind.REPORT_READ: (Step("report read", exams.report_read),),
        Event.Kind.REPORT_CHANGED: (
            Step("report changed", exams.report_changed),
            Step(publishing.STEP, publishing.write_documents, queues.LONG),
            Step("owe HL7 of a report", hl7_telling.report_changed, queues.LONG),
        ),
    }
)

#: What follows for a copy without identity, which is no examination: it is shown, and nothing is done about it. These steps
#: are among those above.
OF_A_COPY: Final = frozenset(
    {
        *("show the series", "thumbnails", "first previews", "convert frames"),
        *("previews", "moving pictures", "compact headers", "settle"),
    }
)

#: Events whose subject is a Study Instance UID.
OF_A_STUDY: Final = frozenset({Event.Kind.STUDY_CHANGED, Event.Kind.STUDY_SETTLED})

#: Events whose subject is a report's key: their jobs are shown with its study.
OF_A_REPORT: Final = frozenset({Event.Kind.REPORT_CHANGED, Event.Kind.REPORT_READ})

#: What people ask for and what is too much for one request: queued by the service that they asked.
ASKED_FOR: Final = (
    Step(releasing.RELEASE_STEP, releasing.go_on, queues.LONG),
    Step(packages.STEP, packages.write, queues.LONG),
    Step(pushes.STEP, partners.send, queues.LONG),
    Step(rejection_notes.NOTE_STEP, rejection_notes.write),
    Step(opening.STEP, opening.run, queues.LONG),
)

#: What other systems are told. subject: a webhook's key; an HL7 receiver's primary key
TOLD: Final = (Step(webhooks.DELIVER_STEP, webhooks.deliver), Step(hl7_sending.STEP, hl7_sending.deliver))

STEPS: Final[Mapping[str, Step]] = MappingProxyType(
    {step.name: step for steps in (*REACTIONS.values(), ASKED_FOR, TOLD) for step in steps}
)
