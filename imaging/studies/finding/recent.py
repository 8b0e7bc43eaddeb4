"""How many studies were made of late: figures for those who run the portal, without a patient in them."""

import datetime as dt
from typing import Final

from django.db import connection
from django.db.models import Count
from django.db.models.functions import TruncDate
from django.utils import timezone

from imaging.studies.finding.relative_days import midnight
from imaging.studies.models import Study

#: So many of the latest studies are looked at for their modalities.
_MOST: Final = 20_000
_MODALITIES: Final = """
    SELECT modality, count(*) FROM (
        SELECT modalities FROM imaging_study WHERE study_at >= %s AND study_at < %s ORDER BY study_at DESC LIMIT %s
    ) AS latest, unnest(latest.modalities) AS modality
    WHERE modality <> '' GROUP BY modality ORDER BY count(*) DESC, modality LIMIT %s
"""


def studies_by_day(*, days: int) -> list[tuple[dt.date, int]]:
    """Return how many studies were made on each of the last days, today last. One scan of the index by date."""
    today = timezone.localdate()
    first = today - dt.timedelta(days=days - 1)
    rows = Study.objects.filter(study_at__gte=midnight(first), study_at__lt=midnight(today + dt.timedelta(days=1)))
    zone = timezone.get_current_timezone()
    found = dict(
        rows.order_by().annotate(day=TruncDate("study_at", tzinfo=zone)).values_list("day").annotate(count=Count("pk"))
    )
    return [(day, found.get(day, 0)) for day in (first + dt.timedelta(days=step) for step in range(days))]


def studies_by_modality(*, days: int, limit: int = 8) -> list[tuple[str, int]]:
    """Return in how many studies of the last days each modality stands, the most frequent first."""
    today = timezone.localdate()
    since, until = midnight(today - dt.timedelta(days=days - 1)), midnight(today + dt.timedelta(days=1))
    with connection.cursor() as cursor:
        cursor.execute(_MODALITIES, [since, until, _MOST, limit])
        return [(str(modality), int(count)) for modality, count in cursor.fetchall()]
