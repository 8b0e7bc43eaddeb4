"""The counts of a study, after it was changed what of it can be seen."""

from imaging.studies.models import Instance, Series, Study
from imaging.studies.rows import columns, placement, status


def recount(study: Study) -> None:
    """Counts and modalities of what is left to see; pictures are chosen anew by who hears of the change."""
    rows = list(Series.objects.filter(study=study))
    for series in rows:
        frames = Instance.objects.filter(series=series, is_rejected=False).values_list("number_of_frames", flat=True)
        counts = list(frames)
        series.instance_count, series.frame_count = len(counts), min(sum(counts), columns.LARGEST_INTEGER)
        series.version += 1
        series.thumbnail = None
        series.save(update_fields=["instance_count", "frame_count", "version", "thumbnail"])
    shown = [series for series in rows if series.instance_count]
    study.series_count = len(shown)
    study.instance_count = sum(series.instance_count for series in shown)
    study.modalities = columns.modalities([], [series.modality for series in shown])
    study.version += 1
    study.thumbnail = None
    study.settled_at = None
    study.save(update_fields=["series_count", "instance_count", "modalities", "version", "thumbnail", "settled_at"])
    status.refresh([study.study_instance_uid])
    placement.refresh(studies=[study.pk])
