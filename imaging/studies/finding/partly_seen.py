"""How much of a study somebody sees of whom only a part of it is open: counts of the rows would tell of the rest."""

from collections.abc import Sequence
from typing import Any, Final

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count

from accounts.scope import Scope
from imaging.dicom.matching import Key
from imaging.studies.models import Instance, Series, Study

#: What rows say of all that is below them: nobody who sees a part of that may choose by it.
_OF_ALL: Final = frozenset(
    {
        "ModalitiesInStudy",
        "NumberOfStudyRelatedSeries",
        "NumberOfStudyRelatedInstances",
        "NumberOfSeriesRelatedInstances",
    }
)


def is_partial(scope: Scope) -> bool:
    """Whether a scope names series or instances, of studies that it may not show as a whole."""
    return bool(scope.series or scope.instances)


def tells_of_the_rest(key: Key) -> bool:
    """Whether choosing by a key would tell of what is not seen."""
    return key.name in _OF_ALL


def as_seen(scope: Scope, rows: Sequence[Any]) -> None:
    """Let rows (studies, series, instances with the levels above) say of their parts what the reader sees. Two queries, or none."""
    if not is_partial(scope) or not rows:
        return
    series = {_series_of(row).pk: _series_of(row) for row in rows if not isinstance(row, Study)}
    studies = [row if isinstance(row, Study) else _series_of(row).study for row in rows]
    visible = Instance.objects.visible_to(scope).order_by()
    counts = visible.filter(study__in={study.pk for study in studies}).values("study")
    told: dict[Any, Any] = {
        row["study"]: row
        for row in counts.annotate(
            all_instances=Count("pk"),
            all_series=Count("series", distinct=True),
            all_modalities=ArrayAgg("series__modality", distinct=True),
        )
    }
    for study in studies:
        found = told.get(study.pk, {"all_instances": 0, "all_series": 0, "all_modalities": []})
        study.instance_count, study.series_count = found["all_instances"], found["all_series"]
        study.modalities = [code for code in study.modalities if code in found["all_modalities"]]
    if series:
        below = dict(visible.filter(series__in=series).values_list("series").annotate(count=Count("pk")))
        for row in rows:
            if not isinstance(row, Study):
                _series_of(row).instance_count = below.get(_series_of(row).pk, 0)


def _series_of(row: Any) -> Series:
    found: Series = row if isinstance(row, Series) else row.series
    return found
