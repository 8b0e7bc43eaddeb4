"""The part of DICOMweb that a share has: searching and retrieving, nothing is stored there."""

from django.urls import path

from imaging.dicomweb import qido, retrieve
from imaging.dicomweb import urls as all_of_it

app_name = "dicomweb"

_STORED_TO = frozenset({"studies", "study"})

urlpatterns = [
    path("studies", qido.of_studies, name="studies"),
    path(all_of_it.STUDY, retrieve.study, name="study"),
    *(entry for entry in all_of_it.urlpatterns if entry.name not in _STORED_TO),
]
