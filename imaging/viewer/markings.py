"""Annotations and key images as the viewer asks for them: JSON, the reader's own to change, those of others to read."""

import hashlib
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import get_token
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from imaging.dicom import uids
from imaging.studies import access, marking, markings
from imaging.studies.marking import MarkingAbsent, MarkingChanged, MarkingNotYours
from imaging.studies.markings import MarkingInvalid
from imaging.studies.models import Annotation, Instance, KeyImage, Study
from imaging.viewer.errors import of_a_study

#: A shape of four points is 400 bytes; words in another script may take six each.
_LARGEST = 16_384
_Answer = Callable[[], HttpResponseBase]


@require_safe
@of_a_study
def of_study(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """Give what is marked on a study, and the version of the study itself: asked again and again while a viewer is open."""
    study = _open(request, study_instance_uid, access.Purpose.OPEN)
    scope = request.scope  # type: ignore[attr-defined]
    may_tidy = markings.may_tidy(study, scope=scope)
    known = {
        "study_version": study_version(study),
        "annotations": [_annotation(row, request) for row in markings.annotations_of(study, scope=scope)],
        "key_images": [_key_image(row, request, may_tidy) for row in markings.key_images_of(study, scope=scope)],
    }
    etag = f'"{hashlib.sha256(json.dumps(known).encode()).hexdigest()[:32]}"'
    if request.headers.get("If-None-Match") == etag:
        response: HttpResponse = HttpResponse(status=304)
    else:
        # A page that outlived its session signs with this one's token after the reader has signed in again.
        response = JsonResponse({**known, "csrf": get_token(request)})
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-store"
    return response


@require_http_methods(["PUT", "DELETE"])
@of_a_study
def annotation(request: HttpRequest, study_instance_uid: str, key: UUID) -> HttpResponseBase:
    """Save an annotation of the reader under a key that the viewer made, or take it away; both may be asked again."""
    return _said(lambda: (_removed if request.method == "DELETE" else _saved)(request, study_instance_uid, key))


@require_http_methods(["PUT", "DELETE"])
@of_a_study
def key_image(
    request: HttpRequest, study_instance_uid: str, sop_instance_uid: str, frame_number: int
) -> HttpResponseBase:
    """Flag a frame for everybody who may see it, or take the flag away."""
    change = _unflagged if request.method == "DELETE" else _flagged
    return _said(lambda: change(request, _instance(request, study_instance_uid, sop_instance_uid), frame_number))


def study_version(study: Study) -> str:
    """What tells a viewer that images came or went since it was opened; how many there are, it does not tell."""
    counted = f"{study.pk}.{study.version}.{study.series_count}.{study.instance_count}"
    return salted_hmac("imaging.viewer.markings.study_version", counted, algorithm="sha256").hexdigest()[:32]


def _open(request: HttpRequest, study_instance_uid: str, purpose: access.Purpose) -> Study:
    return access.open_study(request.scope, study_instance_uid, actor=request.actor, purpose=purpose)  # type: ignore[attr-defined]


def _instance(request: HttpRequest, study_instance_uid: str, sop_instance_uid: str) -> Instance:
    return access.open_instance(
        request.scope,  # type: ignore[attr-defined]
        study_instance_uid,
        None,
        sop_instance_uid,
        actor=request.actor,  # type: ignore[attr-defined]
        purpose=access.Purpose.CHANGE,
    ).instance


def _said(answer: _Answer) -> HttpResponseBase:
    """Answer, or say why not in words that the viewer shows."""
    try:
        return answer()
    except MarkingChanged as error:
        current = {"version": marking.version_of(error.current), "removed": error.current.removed_at is not None}
        return _refused("changed", _("This mark was changed in another window."), 409, current=current)
    except MarkingInvalid as error:
        return _refused(error.code, _reason(error.code), 409 if error.code == "too_many" else 400)
    except access.RightMissing:
        return _refused("view_only", _("This study is open to you to be looked at: marks on it are not kept."), 403)
    except MarkingNotYours:
        return _refused("not_yours", _("Somebody else made this mark; only they can change it."), 403)
    except MarkingAbsent:
        return _refused("absent", _("This mark is not there any more."), 404)


def _reason(code: str) -> str:
    reasons = {
        "shape": _("This shape cannot be kept."),
        "words": _("The text is empty or too long: %(most)s characters are kept.") % {"most": markings.MOST_WORDS},
        "frame": _("The image has no such frame."),
        "too_many": _("There are too many marks on this study. Delete some first."),
    }
    return reasons[code]


def _refused(code: str, message: str, status: int, **more: Any) -> JsonResponse:
    return JsonResponse({"error": code, "message": message, **more}, status=status)


def _saved(request: HttpRequest, study_instance_uid: str, key: UUID) -> JsonResponse:
    study = _open(request, study_instance_uid, access.Purpose.CHANGE)
    sent = _body(request)
    uid, frame, seen = sent.get("sop_instance_uid"), sent.get("frame"), sent.get("seen")
    if not isinstance(uid, str) or type(frame) is not int or not (seen is None or isinstance(seen, str)):
        raise MarkingInvalid("shape")
    if not uids.is_valid_uid(uid):
        raise access.StudyNotVisible(uid)
    instance = _instance(request, study.study_instance_uid, uid)
    tool = sent.get("tool")
    drawn = marking.Drawn(
        key=key,
        instance=instance,
        frame_number=frame,
        tool=tool if isinstance(tool, str) else "",
        shape=sent.get("shape"),
        seen=seen,
    )
    row = marking.save_annotation(drawn, author=request.user, actor=request.actor)  # type: ignore[attr-defined,arg-type]
    return JsonResponse({"version": marking.version_of(row)})


def _removed(request: HttpRequest, study_instance_uid: str, key: UUID) -> JsonResponse:
    study = _open(request, study_instance_uid, access.Purpose.CHANGE)
    row = marking.remove_annotation(study, key, author=request.user, actor=request.actor)  # type: ignore[attr-defined,arg-type]
    return JsonResponse({"version": marking.version_of(row)})


def _flagged(request: HttpRequest, instance: Instance, frame_number: int) -> JsonResponse:
    note = _body(request).get("note", "") if request.body else ""
    row = marking.flag_key_image(instance, frame_number, note=note, by=request.user, actor=request.actor)  # type: ignore[attr-defined,arg-type]
    return JsonResponse(_key_image(row, request, may_tidy=False))


def _unflagged(request: HttpRequest, instance: Instance, frame_number: int) -> HttpResponse:
    may_tidy = markings.may_tidy(instance.study, scope=request.scope)  # type: ignore[attr-defined]
    marking.unflag_key_image(instance, frame_number, by=request.user, may_tidy=may_tidy, actor=request.actor)  # type: ignore[attr-defined,arg-type]
    return HttpResponse(status=204)


def _body(request: HttpRequest) -> dict[str, Any]:
    """The JSON object of a request. Raises ``MarkingInvalid`` for anything else, NaN and a body without end among them."""
    if int(request.headers.get("Content-Length") or 0) > _LARGEST:
        raise MarkingInvalid("shape")
    try:
        sent = json.loads(request.body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise MarkingInvalid("shape") from None
    if not isinstance(sent, dict):
        raise MarkingInvalid("shape")
    return sent


def _no_number(name: str) -> float:
    raise ValueError(name)


def _annotation(row: Annotation, request: HttpRequest) -> dict[str, Any]:
    return {
        "key": str(row.key),
        "series_instance_uid": row.instance.series.series_instance_uid,
        "sop_instance_uid": row.instance.sop_instance_uid,
        "frame": row.frame_number,
        "tool": row.tool,
        "shape": row.shape,
        "author": str(row.author),
        "own": row.author_id == request.user.pk,
        "version": marking.version_of(row),
    }


def _key_image(row: KeyImage, request: HttpRequest, may_tidy: bool) -> dict[str, Any]:
    own = row.flagged_by_id == request.user.pk
    return {
        "series_instance_uid": row.instance.series.series_instance_uid,
        "sop_instance_uid": row.instance.sop_instance_uid,
        "frame": row.frame_number,
        "note": row.note,
        "by": str(row.flagged_by),
        "own": own,
        "may_unflag": own or may_tidy,
    }
