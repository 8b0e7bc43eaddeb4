"""Addresses of the pages. A UID is the only thing about a patient that an address may hold (DESIGN 5.6)."""

from django.urls import path, re_path, register_converter

from imaging.viewer import (
    corrections,
    desk_pictures,
    documents,
    downloads,
    headers,
    help_pages,
    instances,
    list_export,
    lists,
    markings,
    palette,
    patient_record,
    picture_downloads,
    pictures,
    preview,
    priors,
    protecting,
    selected,
    study,
    study_list,
    videos,
    viewer,
    why,
    without_identity,
    wrapping,
)
from imaging.viewer.shared import preview as share_preview
from imaging.viewer.shared import record_preview


class UidConverter:
    """A DICOM UID (PS3.5 section 9.1). Anything else is no address of ours."""

    regex = r"[0-9.]{1,64}"

    def to_python(self, value: str) -> str:
        """Give the view the UID as it is."""
        return value

    def to_url(self, value: str) -> str:
        """Write the UID as it is."""
        return value


register_converter(UidConverter, "uid")

app_name = "viewer"

STUDY = "studies/<uid:study_instance_uid>"
SERIES = f"{STUDY}/series/<uid:series_instance_uid>"
INSTANCE = f"{SERIES}/instances/<uid:sop_instance_uid>"

urlpatterns = [
    path("", study_list.page, name="study-list"),
    path("studies/rows", study_list.rows, name="study-rows"),
    path("studies/total", study_list.total, name="study-total"),
    path("studies/hiding", study_list.hiding, name="study-hiding"),
    re_path(r"^studies/offered/(?P<name>body|source|referring)$", study_list.offered, name="list-offered"),
    path("studies/columns.css", study_list.columns, name="list-columns"),
    path("studies/selected", selected.act, name="list-selected"),
    path("studies/export.csv", list_export.export, name="list-export"),
    path("lists/", lists.page, name="lists"),
    path("lists/save", lists.save, name="list-save"),
    path("lists/layout", lists.layout, name="list-layout"),
    path("lists/<uuid:key>/change", lists.change, name="list-change"),
    path("lists/<uuid:key>/delete", lists.delete, name="list-delete"),
    path(f"{STUDY}/", study.page, name="study"),
    path(f"{STUDY}/live", study.live, name="study-live"),
    path(f"{STUDY}/priors/<uid:prior_instance_uid>/open", priors.open_prior, name="prior-open"),
    path(f"{SERIES}/instances", instances.panel, name="study-instances"),
    path(f"{STUDY}/preview", preview.panel, name="study-preview"),
    path("shared/preview", share_preview.preview, name="share-preview"),
    path("shared/record/preview", record_preview.preview, name="record-preview"),
    path("palette", palette.found, name="palette"),
    path("help/", help_pages.page, name="help-topics"),
    path("help/<slug:topic>", help_pages.page, name="help"),
    path(f"{STUDY}/why", why.page, name="study-why"),
    path(f"{STUDY}/record", patient_record.fragment, name="study-record"),
    path("requests/<uuid:key>/record", patient_record.of_request, name="request-record"),
    path(f"{STUDY}/protect", protecting.protect, name="study-protect"),
    path(f"{STUDY}/protections/<int:protection>/lift", protecting.lift, name="study-protection-lift"),
    path(f"{STUDY}/retry", study.retry, name="study-retry"),
    path(f"{STUDY}/corrections/<uuid:group>/revert", corrections.revert, name="correction-revert"),
    path(f"{SERIES}/headers/", headers.page, name="headers"),
    path("studies/download", downloads.studies, name="download-studies"),
    path(f"{STUDY}/download", downloads.study, name="download-study"),
    path(f"{STUDY}/download/without-identity", without_identity.page, name="download-clean"),
    path(f"{STUDY}/download/without-identity.zip", without_identity.download, name="download-clean-zip"),
    path(f"{SERIES}/download", downloads.series, name="download-series"),
    path(f"{INSTANCE}/image", picture_downloads.image, name="download-image"),
    path(f"{STUDY}/thumbnail", pictures.of_study, name="study-thumbnail"),
    path(f"{SERIES}/thumbnail", pictures.of_series, name="series-thumbnail"),
    path(f"{INSTANCE}/thumbnail", pictures.of_instance, {"kind": "thumbnail"}, name="instance-thumbnail"),
    path(f"{INSTANCE}/preview", pictures.of_instance, {"kind": "preview"}, name="instance-preview"),
    path("import/wrap/", wrapping.page, name="wrap"),
    path("import/wrap/find", wrapping.find, name="wrap-find"),
    path("quarantine/<int:pk>/picture", desk_pictures.of_quarantined, name="quarantined-picture"),
    path("conflicts/<int:pk>/versions/<int:version>/picture", desk_pictures.of_version, name="version-picture"),
    path(f"{SERIES}/cine", pictures.cine_of_series, name="series-cine"),
    path(f"{INSTANCE}/document/", documents.page, name="document"),
    path(f"{INSTANCE}/document/video", videos.stream, name="document-video"),
    path(f"{INSTANCE}/document/file", documents.file, name="document-file"),
    path(f"{INSTANCE}/document/pages/<int:number>", documents.printed_page, name="document-page"),
    path("viewer/<uid:study_instance_uid>/", viewer.page, name="viewer"),
    path("viewer/<uid:study_instance_uid>/manifest.json", viewer.manifest, name="manifest"),
    path("viewer/<uid:study_instance_uid>/markings.json", markings.of_study, name="markings"),
    path("viewer/<uid:study_instance_uid>/annotations/<uuid:key>", markings.annotation, name="annotation"),
    path(
        "viewer/<uid:study_instance_uid>/key-images/<uid:sop_instance_uid>/<int:frame_number>",
        markings.key_image,
        name="key-image",
    ),
]
