"""One study as a line of the list, with the texts that the template cannot make itself."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from django.template import Engine, Template
from django.utils import timezone

from accounts.labels import name_of
from accounts.scope import Scope
from imaging.reports.selectors import Standing
from imaging.studies import selectors as studies
from imaging.studies.finding.prior_counts import prior_counts
from imaging.studies.models import Study
from imaging.viewer import picture_addresses, wording
from imaging.viewer.list_reports import MARKS, Mark
from imaging.viewer.uid_addresses import of_uids

_MOST_MODALITIES = 2
_ICONS = {
    Study.Status.ARRIVING: "st-acquiring",
    Study.Status.COMPLETE: "st-complete",
    Study.Status.ATTENTION: "alert-triangle",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One study of the list. `prior_count` are the patient's other studies that this reader finds; `report` how far its report is."""

    study: Study
    departments: str
    thumbnail: str
    prior_count: int
    is_fresh: bool
    now: dt.datetime
    report: Mark | None = None

    @property
    def address(self) -> str:
        """The study's page."""
        return of_uids("viewer:study", self.study.study_instance_uid)

    @property
    def images(self) -> str:
        """The viewer."""
        return of_uids("viewer:viewer", self.study.study_instance_uid)

    @property
    def preview(self) -> str:
        """The fragment that the preview panel shows."""
        return of_uids("viewer:study-preview", self.study.study_instance_uid)

    @property
    def modalities(self) -> list[str]:
        """The first modalities: more than a few would push the description away."""
        return self.study.modalities[:_MOST_MODALITIES]

    @property
    def more_modalities(self) -> str:
        """The modalities that found no room."""
        return ", ".join(self.study.modalities[_MOST_MODALITIES:])

    @property
    def is_today(self) -> bool:
        """Whether the study is of today, in the reader's zone."""
        return timezone.localdate(self.study.study_at) == timezone.localdate(self.now)

    @property
    def received_today(self) -> bool:
        """Whether its last image came today."""
        return timezone.localdate(self.study.last_received_at) == timezone.localdate(self.now)

    @property
    def label(self) -> str:
        """The label that does not keep this reader away, in a word; empty for most."""
        return name_of(self.study.sensitivity)

    @property
    def ago(self) -> str:
        """How long ago the study was made."""
        return wording.ago(self.study.study_at, self.now) if self.study.study_time_known else ""

    @property
    def machine_time(self) -> str:
        """The study's date, with its time where that is known, for `datetime`."""
        local = timezone.localtime(self.study.study_at)
        return local.isoformat() if self.study.study_time_known else local.date().isoformat()

    @property
    def status(self) -> str:
        """The study's status in words."""
        return str(wording.STATUSES.get(Study.Status(self.study.status), ""))

    @property
    def status_icon(self) -> str:
        """The shape of the study's status."""
        return _ICONS[Study.Status(self.study.status)]


@lru_cache(maxsize=128)
def cells_of(templates: tuple[str, ...]) -> Template:
    """Return the templates of a line's cells as one: to include each of them in each line takes most of a page's time."""
    engine = Engine.get_default()
    return Template("".join(engine.get_template(name).source for name in templates), engine=engine)


def rows_of(
    found: Iterable[studies.StudyRow],
    *,
    scope: Scope,
    since: dt.datetime | None,
    now: dt.datetime,
    reports: Mapping[int, Standing],
) -> list[Row]:
    """Return the lines of one page; those that first arrived after `since` are fresh. `reports` by primary key of the study."""
    entries = list(found)
    counts = prior_counts(scope, [entry.study for entry in entries])
    return [
        Row(
            study=entry.study,
            departments=", ".join(department.label for department in entry.departments),
            thumbnail=picture_addresses.of_study(entry.study),
            prior_count=counts.get(entry.study.patient_id, 0),
            is_fresh=since is not None and entry.study.first_received_at > since,
            now=now,
            report=MARKS.get(reports[entry.study.pk]) if entry.study.pk in reports else None,
        )
        for entry in entries
    ]
