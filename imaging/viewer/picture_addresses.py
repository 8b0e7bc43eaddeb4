"""Addresses of ready-made pictures. Each names its version, so that a browser keeps it for as long as it likes."""

from imaging.storage.models import StoredObject
from imaging.studies.models import InstanceVersion, Series, Study
from imaging.viewer.uid_addresses import of_uids

_DIGITS = 16


def tag(picture: StoredObject) -> str:
    """Return the short name of a picture's bytes."""
    return picture.file_sha256[:_DIGITS]


def of_study(study: Study) -> str:
    """Return the address of a study's thumbnail; empty while there is none."""
    if study.thumbnail is None:
        return ""
    return f"{of_uids('viewer:study-thumbnail', study.study_instance_uid)}?v={tag(study.thumbnail)}"


def of_series(series: Series) -> str:
    """Return the address of a series' thumbnail; empty while there is none."""
    if series.thumbnail is None:
        return ""
    names = [series.study.study_instance_uid, series.series_instance_uid]
    return f"{of_uids('viewer:series-thumbnail', *names)}?v={tag(series.thumbnail)}"


def of_cine(series: Series, picture: StoredObject | None) -> str:
    """Return the address of a series' moving picture; empty while there is none."""
    if picture is None:
        return ""
    names = [series.study.study_instance_uid, series.series_instance_uid]
    return f"{of_uids('viewer:series-cine', *names)}?v={tag(picture)}"


def of_instance(version: InstanceVersion, kind: str, picture: StoredObject | None) -> str:
    """Return the address of an instance's `thumbnail` or `preview`; empty while there is none."""
    if picture is None:
        return ""
    series = version.instance.series
    names = [series.study.study_instance_uid, series.series_instance_uid, version.instance.sop_instance_uid]
    return f"{of_uids(f'viewer:instance-{kind}', *names)}?v={tag(picture)}"
