"""The filters of a study list as conditions on rows: on placements, which carry copies of all keys, and on studies.

Studies are asked only for what is open to a reader by name, without a placement.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Final

from django.db.models import Exists, OuterRef, Q

from imaging.dicom import person_name
from imaging.events.models import Change
from imaging.studies.finding import matching
from imaging.studies.finding.list_filters import StudyFilters
from imaging.studies.finding.matching import Rows
from imaging.studies.finding.relative_days import midnight
from imaging.studies.models import Instance, Series

_MOST_WORDS: Final = 8
_LONGEST_SEARCH: Final = 400
#: Letters that a trigram needs: a shorter word is looked for at the beginning of names only.
_TRIGRAM: Final = 3
_LONGEST_NUMBER: Final = 64


_OF_PATIENT: Final[Mapping[str, str]] = {
    name: f"patient__{name}" for name in ("name_norm", "patient_id", "birth_date", "sex")
}


def column(name: str, rows: Rows) -> str:
    """Path of a list's column from these rows."""
    return _OF_PATIENT.get(name, name) if rows is Rows.STUDY else name


def conditions(filters: StudyFilters, rows: Rows) -> list[Q]:
    """All that must hold, each by itself."""
    wanted = [*_words(filters, rows), *_days(filters), *_of_study(filters, rows)]
    if filters.attributes:
        wanted.append(matching.condition(filters.attributes, rows))
    if filters.modalities and rows is Rows.STUDY:
        # Placements are found by their combinations of modalities, for which there is an index.
        wanted.append(Q(modalities__overlap=list(filters.modalities)))
    for name, values in (
        ("body_part_examined", filters.body_parts),
        ("status", filters.statuses),
        ("source", filters.sources),
    ):
        if values:
            wanted.append(Q(**{f"{name}__in": [text.replace("\x00", "") for text in values]}))
    return wanted


def _days(filters: StudyFilters) -> Iterator[Q]:
    if filters.since is not None:
        yield Q(study_at__gte=filters.since)
    if filters.until is not None:
        yield Q(study_at__lt=filters.until)
    if filters.date_from is not None:
        yield Q(study_at__gte=midnight(filters.date_from))
    if filters.date_to is not None and filters.date_to < date.max:
        yield Q(study_at__lt=midnight(filters.date_to + timedelta(days=1)))


def _of_study(filters: StudyFilters, rows: Rows) -> Iterator[Q]:
    """What placements carry no copy of."""
    study = "" if rows is Rows.STUDY else "study__"
    if filters.patients:
        yield Q(**{f"{study}patient__in": list(filters.patients)})
    own = OuterRef("pk" if rows is Rows.STUDY else "study")
    for group in filters.sop_classes:
        yield Q(Exists(Instance.objects.filter(study=own, sop_class_uid__in=group, is_rejected=False)))
    for group in filters.series_body_parts:
        yield Q(Exists(Series.objects.filter(study=own, body_part_examined__in=group, instance_count__gt=0)))
    if filters.changed_since is not None:
        yield _changed(filters.changed_since, study)
    if filters.changed_until is not None:
        yield ~_changed(filters.changed_until, study)


def _changed(since: datetime, study: str) -> Q:
    """What the feed tells of from this moment on. For what was before all that is kept of it, the last image that came speaks too."""
    told = Q(
        **{f"{study}study_instance_uid__in": Change.objects.filter(changed_at__gte=since).values("study_instance_uid")}
    )
    arrived = Q(last_received_at__gte=since)
    first = Change.objects.order_by("sequence").values_list("changed_at", flat=True).first()
    if first is None:
        return arrived
    return told if first <= since else told | arrived


def _words(filters: StudyFilters, rows: Rows) -> Iterator[Q]:
    for word in _few(filters.search[:_LONGEST_SEARCH].replace("\x00", "")):
        yield _word(word, rows)
    for word in _few(person_name.normalised(filters.referring[:_LONGEST_SEARCH])):
        yield _part("referring_norm", word)


def _few(text: str) -> list[str]:
    """The words of a text, each once, and not more than a person types."""
    return list(dict.fromkeys(text.split()))[:_MOST_WORDS]


def _word(word: str, rows: Rows) -> Q:
    """One word of a search: part of a name, or the beginning of a patient ID or accession number."""
    wanted = Q()
    for part in person_name.normalised(word).split():
        wanted &= _part(column("name_norm", rows), part)
    # Letters alone are a name: asking the other columns too would cost the name's index.
    if wanted and not any(char.isdigit() for char in word):
        return wanted
    word = word[:_LONGEST_NUMBER]
    numbers = Q(**{f"{column('patient_id', rows)}__startswith": word}) | Q(accession_number__startswith=word)
    return wanted | numbers if wanted else numbers


def _part(name: str, part: str) -> Q:
    """Part of a normalised name; one or two letters only where a name begins."""
    if len(part) >= _TRIGRAM:
        return Q(**{f"{name}__contains": part})
    return Q(**{f"{name}__startswith": part}) | Q(**{f"{name}__contains": f" {part}"})
