"""Documents of a study as pages to read: structured reports, CDA, PDF, presentation states. Everything in them is hostile.

A PDF is never given to the browser's own reader: its pages are pictures made by the decoder pool, so that no script, form or
link in it can do anything. The original goes out as a file to be kept, to who may download.
"""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.roles import Right
from imaging.dicom import clinical_document, content_tree, json_items, presentation_state, uids
from imaging.dicom.errors import DicomError
from imaging.rendering import documents
from imaging.rendering import selectors as rendering
from imaging.rendering import services as rendering_services
from imaging.studies import access
from imaging.studies import selectors as studies
from imaging.studies.models import Instance, InstanceVersion
from imaging.studies.reading import metadata
from imaging.viewer import picture_addresses, report_lines, safe_html, surroundings, videos, wording
from imaging.viewer.errors import of_a_study

_PDF, _CDA = "application/pdf", "text/xml"
#: What a browser may do with a file of a stranger: nothing at all.
_SANDBOX = "sandbox; default-src 'none'"
_FILE_NAMES = {_PDF: "document.pdf", _CDA: "document.xml", "model/stl": "model.stl", "model/obj": "model.obj"}
_MODELS = frozenset({"model/stl", "model/obj", "model/mtl", "application/sla", "model/x.stl-binary"})


@require_safe
@of_a_study
def page(
    request: HttpRequest, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str
) -> HttpResponseBase:
    """Show the document as text, or as pictures of its pages. An image is for the viewer."""
    version = _opened(request, study_instance_uid, series_instance_uid, sop_instance_uid)
    kind = uids.kind_of(version.instance.sop_class_uid)
    is_video = uids.is_video(version.stored_object.transfer_syntax_uid)
    if kind in {"image", "segmentation"} and not is_video:
        return redirect(f"{reverse('viewer:viewer', args=[study_instance_uid])}?series={series_instance_uid}")
    record = metadata.instance_record(version)
    series = version.instance.series
    names = [study_instance_uid, series_instance_uid, sop_instance_uid]
    preview = rendering.picture(version, "preview")
    context = {
        "study": series.study,
        "patient": series.study.patient,
        "series": series,
        "instance": version.instance,
        "kind": wording.KINDS[kind],
        "title": json_items.text(record, "00420010")[:200] or wording.series_label(series),
        "preview": picture_addresses.of_instance(version, "preview", preview),
        "file": reverse("viewer:document-file", args=names) if _may_download(request, version) else "",
        **_neighbours(request, version),
        "headers": _headers(request, names),
        "back": surroundings.around(request, study_instance_uid),
        **(_film(version, names) if is_video else _content(request, version, record, kind)),
    }
    return render(request, "imaging/viewer/document.html", context)


def _headers(request: HttpRequest, names: list[str]) -> str:
    """Return the address of the object's headers; a share has no such page."""
    if surroundings.is_shared(request):
        return ""
    return f"{reverse('viewer:headers', args=names[:2])}?instance={names[2]}"


@require_safe
@of_a_study
def printed_page(
    request: HttpRequest, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str, number: int
) -> HttpResponseBase:
    """Give a page of a PDF as a picture; 404 for a page that there is not."""
    version = _opened(request, study_instance_uid, series_instance_uid, sop_instance_uid)
    try:
        drawn = rendering_services.page(version, number) if _is_pdf(version) else None
    except rendering_services.Unavailable as error:
        busy = HttpResponse(status=503, content_type="text/plain; charset=utf-8")
        busy["Retry-After"] = str(error.retry_after)
        return busy
    except DicomError:
        drawn = None
    if drawn is None:
        raise Http404
    return HttpResponse(drawn.picture.data, content_type=drawn.picture.media_type)


@require_safe
@of_a_study
def file(
    request: HttpRequest, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str
) -> HttpResponseBase:
    """Give the document as it was received, to be kept as a file: no browser shows it on our pages."""
    version = access.open_instance(
        request.scope,  # type: ignore[attr-defined]
        study_instance_uid,
        series_instance_uid,
        sop_instance_uid,
        actor=request.actor,  # type: ignore[attr-defined]
        purpose=access.Purpose.RETRIEVE,
        right=Right.DOWNLOAD,
    )
    content = documents.content(version) if uids.kind_of(version.instance.sop_class_uid) == "document" else None
    if content is None:
        raise Http404
    name = _FILE_NAMES.get(_media_type(metadata.instance_record(version)), "document.bin")
    response = HttpResponse(content, content_type="application/octet-stream")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Content-Security-Policy"] = _SANDBOX
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _opened(request: HttpRequest, study_uid: str, series_uid: str, sop_uid: str) -> InstanceVersion:
    return access.open_instance(
        request.scope,  # type: ignore[attr-defined]
        study_uid,
        series_uid,
        sop_uid,
        actor=request.actor,  # type: ignore[attr-defined]
        purpose=access.Purpose.FRAMES,
    )


def _neighbours(request: HttpRequest, version: InstanceVersion) -> dict[str, Any]:
    """Return the documents before and after this one in its series, and its place."""
    series = version.instance.series
    texts = studies.documents_of(series.study, scope=request.scope).get(series.pk, [])  # type: ignore[attr-defined]
    known = [row.sop_instance_uid for row in texts]
    if version.instance.sop_instance_uid not in known or len(known) < 2:
        return {}
    at = known.index(version.instance.sop_instance_uid)
    names = [series.study.study_instance_uid, series.series_instance_uid]
    near = {"previous": known[at - 1] if at else "", "next": known[at + 1] if at + 1 < len(known) else ""}
    addresses = {way: reverse("viewer:document", args=[*names, uid]) if uid else "" for way, uid in near.items()}
    return {**addresses, "place": at + 1, "count": len(known)}


def _may_download(request: HttpRequest, version: InstanceVersion) -> bool:
    """Whether there is a file that this reader may take; the view asks again."""
    if uids.kind_of(version.instance.sop_class_uid) != "document":
        return False
    rows = studies.series_of(version.instance.series.study, scope=request.scope, right=Right.DOWNLOAD)  # type: ignore[attr-defined]
    return rows.filter(pk=version.instance.series_id).exists()


def _content(request: HttpRequest, version: InstanceVersion, record: dict[str, Any], kind: str) -> dict[str, Any]:
    if kind in {"structured_report", "key_objects"}:
        return _report(request, version, record)
    if kind == "presentation_state":
        return _presentation(request, version, record)
    if kind != "document":
        return {}
    if version.instance.sop_class_uid == uids.ENCAPSULATED_PDF:
        return _printed(version)
    if version.instance.sop_class_uid == uids.ENCAPSULATED_CDA:
        return _clinical(version)
    is_model = _media_type(record) in _MODELS
    words = _("A three-dimensional model. It cannot be shown here; the file can be downloaded.") if is_model else ""
    return {"notice": words or _("This kind of document cannot be shown here; the file can be downloaded.")}


def _film(version: InstanceVersion, names: list[str]) -> dict[str, Any]:
    """A video plays where the browser knows its container; else there is its picture."""
    count = version.instance.number_of_frames
    if not videos.is_playable(version):
        return {
            "frame_count": count,
            "notice": _("This video cannot be played here. The object itself is kept and can be retrieved."),
        }
    return {"frame_count": count, "video": reverse("viewer:document-video", args=names)}


def _report(request: HttpRequest, version: InstanceVersion, record: dict[str, Any]) -> dict[str, Any]:
    tree = content_tree.read(record)
    study = version.instance.series.study
    known = _visible(request, version, report_lines.referenced(tree.root))
    return {
        "title": tree.title.meaning or wording.series_label(version.instance.series),
        "lines": report_lines.of_tree(tree.root, known, study),
        "is_cut": tree.is_cut,
        "is_partial": tree.completion == "PARTIAL",
        "is_unverified": tree.verification == "UNVERIFIED",
    }


def _presentation(request: HttpRequest, version: InstanceVersion, record: dict[str, Any]) -> dict[str, Any]:
    state = presentation_state.read(record)
    known = _visible(request, version, {reference.sop_instance_uid for reference in state.references})
    study = version.instance.series.study
    nodes = [content_tree.Node("IMAGE", reference=reference) for reference in state.references[:200]]
    tree = content_tree.Node("CONTAINER", children=[content_tree.Node("CONTAINER", children=nodes)])
    lines = report_lines.of_tree(tree, known, study)[1:]
    lines += [report_lines.Line(0, _("Annotation"), words) for words in state.words]
    facts = report_lines.Line(0, _("Description"), state.description) if state.description else None
    return {
        "title": state.label or wording.series_label(version.instance.series),
        "lines": [*filter(None, [facts]), *lines],
    }


def _printed(version: InstanceVersion) -> dict[str, Any]:
    """A PDF: how many pages it has is told by the pool when it draws the first."""
    try:
        first = rendering_services.page(version, 1)
    except rendering_services.Unavailable:
        return {"notice": _("The picture service is busy. Load the page again in a moment.")}
    except DicomError as error:
        return {"notice": _cannot_be_shown(error)}
    if first is None:
        return {"notice": _("The document is larger than can be shown here; the file can be downloaded.")}
    series = version.instance.series
    names = [series.study.study_instance_uid, series.series_instance_uid, version.instance.sop_instance_uid]
    numbers = range(1, min(first.pages, 200) + 1)
    pages = [(number, reverse("viewer:document-page", args=[*names, number])) for number in numbers]
    ratio = first.picture.width, first.picture.height
    return {"pages": pages, "page_count": first.pages, "page_width": ratio[0], "page_height": ratio[1]}


def _clinical(version: InstanceVersion) -> dict[str, Any]:
    data = documents.content(version, most=clinical_document.MAX_BYTES)
    if data is None:
        return {"notice": _("The document is larger than can be shown here; the file can be downloaded.")}
    try:
        found = clinical_document.read(data)
    except DicomError as error:
        return {"notice": _cannot_be_shown(error)}
    return {
        "title": found.title or found.kind or wording.series_label(version.instance.series),
        "clinical": found,
        "clinical_html": safe_html.of_blocks(found.sections),
        "notice": _("The document holds another file, which cannot be shown here.") if found.has_other_body else "",
    }


def _cannot_be_shown(error: DicomError) -> str:
    if error.code == "forbidden_xml":
        return _("The document is not shown: it carries definitions that a clinical document must not have.")
    return _(
        "The document cannot be shown: it is damaged, protected, or not what it says it is. The file is kept as received."
    )


def _visible(request: HttpRequest, version: InstanceVersion, wanted: set[str]) -> dict[str, Instance]:
    """The objects of the study that are spoken of and that the reader may see."""
    return studies.instances_by_uid(version.instance.series.study, wanted, scope=request.scope)  # type: ignore[attr-defined]


def _media_type(record: dict[str, Any]) -> str:
    return json_items.text(record, "00420012").lower()


def _is_pdf(version: InstanceVersion) -> bool:
    return version.instance.sop_class_uid == uids.ENCAPSULATED_PDF
