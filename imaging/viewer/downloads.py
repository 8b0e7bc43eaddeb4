"""Taking images home: studies and series as a zip of DICOM with the index of a disc, one image as a picture.

A download has its length, so that browsers show how far it is and notice when it breaks off; it can go on where it stopped. It
is on record before its first byte, and not given out when it cannot be.
"""

import functools
import logging
from collections.abc import Callable
from typing import Final

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts import audit
from accounts.signing_in import step_up
from accounts.signing_in.acts import Act
from imaging.dicom import uids
from imaging.storage import services as storage
from imaging.studies import access
from imaging.studies.export import services as exports
from imaging.studies.export import without_identity
from imaging.studies.export.cleaning import MOST_OBJECTS
from imaging.viewer import download_turns
from imaging.viewer.export_answers import zip_answer

log = logging.getLogger(__name__)

View = Callable[..., HttpResponseBase]

#: Studies in one zip.
MOST_STUDIES: Final = 100
_AWAY_SECONDS: Final = 30
_PAGE: Final = "refused.html"


class Refused(Exception):
    """There is no download: why, and what to do, in words for whoever asked."""

    def __init__(self, status: int, title: str, text: str, *, retry_after: int = 0) -> None:
        """``retry_after`` in seconds, 0 where trying again does not help."""
        super().__init__(title)
        self.status, self.title, self.text, self.retry_after = status, title, text, retry_after


def explained(view: View, *, page: str = _PAGE) -> View:
    """Make a view of a download, whoever asks: what is in the way is said on ``page`` (``title``, ``text``), and nothing is kept."""

    @functools.wraps(view)
    def answer(request: HttpRequest, *args: str, **names: str) -> HttpResponseBase:
        try:
            response = view(request, *args, **names)
        except access.StudyNotVisible:
            raise Http404 from None
        except Exception as error:
            said = error if isinstance(error, Refused) else _why(error)
            if said is None:
                raise
            response = refused(request, said.status, said.title, said.text, page=page)
            if said.retry_after:
                response["Retry-After"] = str(said.retry_after)
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = "private, no-store"
        return response

    return answer


def told(view: View) -> View:
    """Make a view of a download for people who signed in."""
    return login_required(explained(view))


def _why(error: Exception) -> Refused | None:
    """What is said of an error that is in the way of a download; None for one that is nobody's to explain."""
    if isinstance(error, download_turns.TooMany | download_turns.Crowded):
        return _later(is_yours=isinstance(error, download_turns.TooMany))
    if isinstance(error, access.RightMissing):
        return Refused(
            403,
            _("You can read this study but not download it"),
            _("Nothing was downloaded. The department that owns the study can give you the right; ask there."),
        )
    if isinstance(error, exports.IdentityKept):
        log.error("A download was refused: nobody said that the objects are without identity.")
        return Refused(
            403,
            _("These images cannot be downloaded without identity"),
            _("They were shared without the patient’s name, and the files still hold it. Nothing was given out."),
        )
    if isinstance(error, without_identity.NothingLeft | without_identity.TooMany):
        return _not_cleaned(is_too_much=isinstance(error, without_identity.TooMany))
    if isinstance(error, audit.AuditUnavailable):
        log.error("A download was refused, because it cannot be put on record", exc_info=error)
        return Refused(
            503,
            _("Nothing can be downloaded at the moment"),
            _(
                "Every download is put on record, and the record cannot be written just now. The images are safe; tell your "
                "IT department, and try again later."
            ),
        )
    if isinstance(error, storage.StorageAway):
        log.warning("A content is out of reach: the store that holds it does not answer.")
        return Refused(
            503,
            _("These images are out of reach for now"),
            _("They are safe, in a store that does not answer at the moment. Try again in a minute."),
            retry_after=_AWAY_SECONDS,
        )
    return None


def _not_cleaned(*, is_too_much: bool) -> Refused:
    if is_too_much:
        title = _("These are too many images to be cleaned at once")
        text = _(
            "Nothing was given out. Of up to %(most)d objects copies are made while you wait: choose one series, or share "
            "the images without the patient’s identity, which is done in the background."
        ) % {"most": MOST_OBJECTS}
    else:
        title = _("None of these images can be given without identity")
        text = _(
            "A person would have to look at each of them first, or no copy of it can be made. Nothing was given out. Share the "
            "images without the patient’s identity: there you can look at them."
        )
    return Refused(409, title, text)


def _later(*, is_yours: bool) -> Refused:
    if is_yours:
        title = _("You have as many downloads as one may have")
        text = _("You have %(most)d downloads under way. This one was not begun; start it when one of them has ended.")
        text %= {"most": download_turns.MOST_OF_ONE}
    else:
        title = _("Many downloads are under way")
        text = _("This one was not begun, so that everybody else can go on reading. Try again in a moment.")
    return Refused(429 if is_yours else 503, title, text, retry_after=download_turns.RETRY_AFTER)


@require_GET
@told
def study(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """Give a study as a zip."""
    return _zip(request, [study_instance_uid])


@require_GET
@told
def series(request: HttpRequest, study_instance_uid: str, series_instance_uid: str) -> HttpResponseBase:
    """Give a series as a zip."""
    return _zip(request, [study_instance_uid], series_instance_uid)


@require_POST
@step_up.required(Act.EXPORT)
@told
def studies(request: HttpRequest) -> HttpResponseBase:
    """Give the studies that the fields `study` name as one zip; all of them, or none."""
    named = [uid for uid in dict.fromkeys(request.POST.getlist("study")) if uid]
    if not named or len(named) > MOST_STUDIES:
        return refused(
            request,
            400,
            _("Nothing was downloaded"),
            _("Choose between one and %(most)d studies, then download them.") % {"most": MOST_STUDIES},
        )
    if not all(uids.is_valid_uid(uid) for uid in named):
        raise Http404
    return _zip(request, named)


def refused(request: HttpRequest, status: int, title: str, text: str, *, page: str = _PAGE) -> HttpResponse:
    """Say on a page why there is no download."""
    return render(request, page, {"title": title, "text": text, "code": status}, status=status)


def _zip(request: HttpRequest, study_uids: list[str], series_uid: str = "") -> HttpResponseBase:
    return zip_answer(
        request,
        scope=request.scope,  # type: ignore[attr-defined]
        actor=request.actor,  # type: ignore[attr-defined]
        study_uids=study_uids,
        series_uids=[series_uid] if series_uid else (),
    )
