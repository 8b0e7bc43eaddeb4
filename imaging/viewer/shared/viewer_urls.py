"""The part of the viewer's addresses that a share has: looking, never marking, and no prior that was not shared."""

from django.urls import path

from imaging.viewer import documents, picture_downloads, videos, viewer
from imaging.viewer import pictures as pictures_of_images
from imaging.viewer.shared import markings, pictures
from imaging.viewer.urls import INSTANCE, SERIES, STUDY

app_name = "viewer"

urlpatterns = [
    path(f"{INSTANCE}/image", picture_downloads.image, name="download-image"),
    path(f"{STUDY}/thumbnail", pictures.of_study, name="study-thumbnail"),
    path(f"{SERIES}/thumbnail", pictures.of_series, name="series-thumbnail"),
    path(f"{INSTANCE}/thumbnail", pictures_of_images.of_instance, {"kind": "thumbnail"}, name="instance-thumbnail"),
    path(f"{INSTANCE}/preview", pictures_of_images.of_instance, {"kind": "preview"}, name="instance-preview"),
    path(f"{SERIES}/cine", pictures.cine_of_series, name="series-cine"),
    path(f"{INSTANCE}/document/", documents.page, name="document"),
    path(f"{INSTANCE}/document/video", videos.stream, name="document-video"),
    path(f"{INSTANCE}/document/file", documents.file, name="document-file"),
    path(f"{INSTANCE}/document/pages/<int:number>", documents.printed_page, name="document-page"),
    path("viewer/<uid:study_instance_uid>/", viewer.page, name="viewer"),
    path("viewer/<uid:study_instance_uid>/manifest.json", viewer.manifest, name="manifest"),
    path("viewer/<uid:study_instance_uid>/markings.json", markings.of_study, name="markings"),
]
