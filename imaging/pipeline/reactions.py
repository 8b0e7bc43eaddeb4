"""When X, then Y: the whole of what the portal does by itself, in one table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from imaging import queues
from imaging.access.requests import notices as access_notices
from imaging.access.requests import referrals, tending
from imaging.events.models import Event
from imaging.ingest.desk import releasing
from imaging.privacy.packages import services as packages
from imaging.rendering import services as rendering
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
        ),
    }
)

#: What people ask for and what is too much for one request: queued by the service that they asked.
ASKED_FOR: Final = (
    Step(releasing.RELEASE_STEP, releasing.go_on, queues.LONG),
    Step(packages.STEP, packages.write, queues.LONG),
)

#: What is told of access requests. subject: a request's key and what happened
TOLD_OF_ACCESS: Final = (Step(access_notices.TELL_STEP, access_notices.tell),)

#: What follows every line of the change feed. subject: a webhook's key
TOLD: Final = (Step(webhooks.DELIVER_STEP, webhooks.deliver),)

STEPS: Final[Mapping[str, Step]] = MappingProxyType(
    {step.name: step for steps in (*REACTIONS.values(), ASKED_FOR, TOLD_OF_ACCESS, TOLD) for step in steps}
)
