"""Instances at the place that their corrected headers name: the rows follow what goes out, and everything below goes along."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Q

from imaging.dicom import correctable
from imaging.studies.models import Annotation, Correction, Instance, InstanceVersion, KeyImage, Series, Study
from imaging.studies.reading import metadata


@dataclass(frozen=True, slots=True)
class Place:
    """Where an instance is to lie."""

    study: Study
    series_instance_uid: str


def relocate(wanted: Mapping[int, Place]) -> None:
    """Give instances, by primary key, the study and series that they are to lie in; counts are the caller's.

    The studies that they leave and reach are locked. A series of which everything goes, under its own UID, goes as it is.
    """
    groups: dict[tuple[int, int, str], list[int]] = defaultdict(list)
    rows = Instance.objects.filter(pk__in=wanted).values_list(
        "pk", "series_id", "study_id", "series__series_instance_uid"
    )
    studies = {place.study.pk: place.study for place in wanted.values()}
    for pk, series_id, study_id, series_uid in rows:
        place = wanted[pk]
        if (study_id, series_uid) != (place.study.pk, place.series_instance_uid):
            groups[series_id, place.study.pk, place.series_instance_uid].append(pk)
    for (series_id, study_id, series_uid), keys in sorted(groups.items()):
        _move(Series.objects.get(pk=series_id), keys, studies[study_id], series_uid)


def _move(series: Series, keys: list[int], study: Study, series_uid: str) -> None:
    instances = Instance.objects.filter(pk__in=keys)
    is_whole = not Instance.objects.filter(series=series).exclude(pk__in=keys).exists()
    if is_whole and series.series_instance_uid == series_uid:
        series.study = study
        series.version += 1
        series.save(update_fields=["study", "version"])
        instances.update(study=study)
    else:
        target = _series(series, study, series_uid)
        versions = InstanceVersion.objects.filter(instance__in=keys).values_list("pk", flat=True)
        metadata.divide(series, list(versions), into=target)
        instances.update(study=study, series=target)
        for one in (series, target):
            one.version += 1
            one.save(update_fields=["version"])
    Annotation.objects.filter(instance__in=keys).update(study=study)
    KeyImage.objects.filter(instance__in=keys).update(study=study)
    # What was taken back of earlier moves stays told where it had been decided.
    told_there = Q(reverted_at__isnull=False, attributes__has_key=correctable.STUDY_UID)
    Correction.objects.filter(version__instance__in=keys).exclude(told_there).update(study=study)


def _series(like: Series, study: Study, series_uid: str) -> Series:
    """The series of this UID, made like the one that its images come from."""
    found = Series.objects.filter(series_instance_uid=series_uid).first()
    if found is not None:
        if found.study_id != study.pk:
            raise ValueError("the series lies in another study")
        return found
    made = Series.objects.get(pk=like.pk)
    made.pk, made._state.adding = None, True
    made.study, made.series_instance_uid, made.thumbnail = study, series_uid, None
    made.instance_count = made.frame_count = made.version = 0
    made.save()
    return made
