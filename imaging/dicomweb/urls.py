"""DICOMweb addresses (PS3.18 sections 10.1 and 10.4). Names follow the standard's transactions."""

from django.urls import path, register_converter

from imaging.dicomweb import answers, bulkdata, frames, metadata, qido, rendered, rendered_many, retrieve, store


class DicomUidConverter:
    """A UID (PS3.5 section 9.1). Anything else is no resource."""

    regex = r"[0-9.]{1,64}"

    def to_python(self, value: str) -> str:
        """Give the view the UID as it is."""
        return value

    def to_url(self, value: str) -> str:
        """Write the UID as it is."""
        return value


class FrameListConverter(DicomUidConverter):
    """Frame numbers with commas between them (PS3.18 section 10.1.1); the view checks each."""

    regex = r"[0-9,]{1,8192}"


class BulkPathConverter(DicomUidConverter):
    """The path of a value inside its instance: `00420011` or `54000100/1/54001010`."""

    regex = r"[0-9A-Fa-f]{8}(?:/[0-9]{1,6}/[0-9A-Fa-f]{8}){0,16}"


register_converter(DicomUidConverter, "dicomuid")
register_converter(FrameListConverter, "framelist")
register_converter(BulkPathConverter, "bulkpath")

app_name = "dicomweb"

STUDY = "studies/<dicomuid:study_instance_uid>"
SERIES = f"{STUDY}/series/<dicomuid:series_instance_uid>"
INSTANCE = f"{SERIES}/instances/<dicomuid:sop_instance_uid>"
FRAMES = f"{INSTANCE}/frames/<framelist:frame_list>"

urlpatterns = [
    path("", answers.root, name="root"),
    path("studies", store.resource(qido.of_studies), name="studies"),
    path(STUDY, store.resource(retrieve.study), name="study"),
    path(SERIES, retrieve.series, name="series"),
    path(INSTANCE, retrieve.instance, name="instance"),
    path("series", qido.of_series, name="all-series"),
    path("instances", qido.of_instances, name="all-instances"),
    path(f"{STUDY}/series", qido.of_series, name="series-of-study"),
    path(f"{STUDY}/instances", qido.of_instances, name="instances-of-study"),
    path(f"{SERIES}/instances", qido.of_instances, name="instances-of-series"),
    path(f"{STUDY}/metadata", metadata.of_study, name="study-metadata"),
    path(f"{SERIES}/metadata", metadata.of_series, name="series-metadata"),
    path(f"{INSTANCE}/metadata", metadata.of_instance, name="instance-metadata"),
    path(FRAMES, frames.retrieve, name="frames"),
    path(f"{STUDY}/rendered", rendered_many.of_study, name="study-rendered"),
    path(f"{SERIES}/rendered", rendered_many.of_series, name="series-rendered"),
    path(f"{STUDY}/thumbnail", rendered_many.thumbnail_of_study, name="study-thumbnail"),
    path(f"{SERIES}/thumbnail", rendered_many.thumbnail_of_series, name="series-thumbnail"),
    path(f"{INSTANCE}/rendered", rendered.of_instance, name="rendered"),
    path(f"{INSTANCE}/thumbnail", rendered.thumbnail_of_instance, name="thumbnail"),
    path(f"{FRAMES}/rendered", rendered.of_frames, name="frames-rendered"),
    path(f"{FRAMES}/thumbnail", rendered.thumbnail_of_frames, name="frames-thumbnail"),
    path(f"{INSTANCE}/bulkdata/<bulkpath:value_path>", bulkdata.retrieve, name="bulkdata"),
]
