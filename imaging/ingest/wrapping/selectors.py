"""Whether a person may add to a study."""

from collections.abc import Iterable

from imaging.studies import selectors as studies
from imaging.studies.models import Study


def may_add(study: Study, *, department_ids: Iterable[int]) -> bool:
    """Whether one of these departments has the study now."""
    known = studies.known_studies([study.study_instance_uid]).get(study.study_instance_uid)
    return known is not None and not known.department_ids.isdisjoint(department_ids)
