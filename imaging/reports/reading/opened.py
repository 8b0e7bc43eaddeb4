"""That who asked for an exam has read its report: told by an event, as reports know no order."""

from accounts.models import User
from imaging.events import services as events
from imaging.events.models import Event
from imaging.reports.models import ReadingItem, Report
from imaging.reports.selectors import FINAL


def note_opened(report: Report, reader: object) -> None:
    """Tell that a final report was opened by the person who had asked; of other readers nothing is told."""
    if not isinstance(reader, User) or report.state not in FINAL:
        return
    if ReadingItem.objects.filter(study=report.study_id, asked_by=reader).exists():
        events.append(kind=Event.Kind.REPORT_READ, subject_uid=str(report.key))


def asked_by(study_instance_uid: str) -> User | None:
    """Who asked for the exam that a study answers."""
    rows = ReadingItem.objects.filter(study__study_instance_uid=study_instance_uid).select_related("asked_by")
    item = rows.first()
    return item.asked_by if item is not None else None
