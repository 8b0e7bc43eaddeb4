"""What others ask of reports: whether a final one stands."""

from imaging.reports.models import Report

#: Signed, and not withdrawn since.
FINAL = frozenset({Report.State.FINAL, Report.State.AMENDED, Report.State.APPENDED})


def is_reported(study_instance_uid: str) -> bool:
    """Whether a final report of a study stands."""
    return Report.objects.filter(study__study_instance_uid=study_instance_uid, state__in=FINAL).exists()
