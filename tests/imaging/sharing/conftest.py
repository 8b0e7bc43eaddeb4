"""A chest film to be shared."""

import pytest

from imaging.studies.models import Study
from tests.factories import arrivals
from tests.shared_links import Sharing, open_link, person, wish
from tests.studies_in_archive import Archive

__all__ = ["Sharing", "open_link", "person", "wish"]


@pytest.fixture
def chest(archive: Archive) -> Study:
    """A chest film with one image."""
    made = arrivals.dataset(StudyDescription="Chest PA", PatientName="Durand^Jeanne", PatientBirthDate="19620314")
    archive.receive(made)
    return Study.objects.get(study_instance_uid=made.StudyInstanceUID)
