"""Taking images home: studies and series as a zip of DICOM with the index of a disc, one image as a picture.

A download has its length, so that browsers show how far it is and notice when it breaks off; it can go on where it stopped. It
is on record before its first byte, and not given out when it cannot be.
"""

import functools
import itertools
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
from imaging.studies.export.services import Export
from imaging.viewer import byte_ranges, download_turns
from imaging.viewer.download_turns import Turn

log = logging.getLogger(__name__)

View = Callable[..., HttpResponseBase]

#: Studies in one zip.
MOST_STUDIES: Final = 100
#: Damage that is found before the first byte is told in the zip, and what was corrected or withdrawn by then is followed;
#: so often it is begun anew for that.
_ATTEMPTS: Final = 5
_AWAY_SECONDS: Final = 30


def told(view: View) -> View:
    """Make a view of a download: for people who signed in; whatever is in the way is said on a page, and nothing is kept."""

    @functools.wraps(view)
    def answer(request: HttpRequest, *args: str, **names: str) -> HttpResponseBase:
        try:
            response = view(request, *args, **names)
        except access.StudyNotVisible:
            raise Http404 from None
        except access.RightMissing:
            response = refused(
                request,
                403,
                _("You can read this study but not download it"),
                _("Nothing was downloaded. The department that owns the study can give you the right; ask there."),
            )
        except (download_turns.TooMany, download_turns.Crowded) as error:
            response = _later(request, is_yours=isinstance(error, download_turns.TooMany))
        except audit.AuditUnavailable:
            log.exception("A download was refused, because it cannot be put on record")
            response = refused(
                request,
                503,
                _("Nothing can be downloaded at the moment"),
                _(
                    "Every download is put on record, and the record cannot be written just now. The images are safe; tell your "
                    "IT department, and try again later."
                ),
            )
        except storage.StorageAway:
            log.warning("A content is out of reach: the store that holds it does not answer.")
            response = refused(
                request,
                503,
                _("These images are out of reach for now"),
                _("They are safe, in a store that does not answer at the moment. Try again in a minute."),
            )
            response["Retry-After"] = str(_AWAY_SECONDS)
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = "private, no-store"
        return response

    return login_required(answer)


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


def refused(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    """Say on a page why there is no download."""
    return render(
        request, "imaging/viewer/download_refused.html", {"title": title, "text": text, "code": status}, status=status
    )


def _later(request: HttpRequest, *, is_yours: bool) -> HttpResponse:
    if is_yours:
        text = _("You have %(most)d downloads under way. This one was not begun; start it when one of them has ended.")
        response = refused(
            request, 429, _("You have as many downloads as one may have"), text % {"most": download_turns.MOST_OF_ONE}
        )
    else:
        response = refused(
            request,
            503,
            _("Many downloads are under way"),
            _("This one was not begun, so that everybody else can go on reading. Try again in a moment."),
        )
    response["Retry-After"] = str(download_turns.RETRY_AFTER)
    return response


def _zip(request: HttpRequest, study_uids: list[str], series_uid: str = "") -> HttpResponseBase:
    turn = Turn(request.actor)  # type: ignore[attr-defined]
    try:
        export, body = _begun(request, study_uids, series_uid, turn)
    except BaseException:
        turn.release()
        raise
    etag = f'"{export.etag}"'
    response = byte_ranges.answer(body.part, "application/zip", lambda: body)
    if body.part.is_empty:
        body.close()
    response["ETag"] = etag
    response["Content-Disposition"] = f'attachment; filename="{export.name}.zip"'
    # What the browser keeps is the file; the answer itself is asked for again, to go on with a part of it.
    response["Cache-Control"] = "private, no-cache"
    return response


def _begun(request: HttpRequest, study_uids: list[str], series_uid: str, turn: Turn) -> tuple[Export, "Body"]:
    """The export and its bytes, the first of them read: what cannot be read at all is said before the answer begins."""
    for attempt in itertools.count(1):
        export = exports.prepare(
            request.scope,  # type: ignore[attr-defined]
            study_uids,
            actor=request.actor,  # type: ignore[attr-defined]
            form="zip",
            series_instance_uid=series_uid,
        )
        part = byte_ranges.asked(request, export.length, f'"{export.etag}"')
        body = Body(export, part, turn)
        try:
            body.begin()
        except (storage.ObjectDamaged, storage.ObjectMissing, exports.ExportChanged):
            body.close(keep_turn=True)
            if attempt == _ATTEMPTS:
                raise
        except BaseException:
            body.close()
            raise
        else:
            break
    return export, body


class Body:
    """The bytes of a download as the web server takes them. It is closed when all are sent, and when the reader leaves."""

    def __init__(self, export: Export, part: byte_ranges.Asked, turn: Turn) -> None:
        """Nothing is read yet."""
        self.part = part
        self._turn = turn
        self._ahead = 1 if part.start else 2 * len(export.notes) + 2
        self._transfer = export.transfer(part.start, max(part.length, 0))

    def begin(self) -> None:
        """Read up to the first object."""
        if not self.part.is_empty:
            self._transfer.read_ahead(self._ahead)

    def __iter__(self) -> "Body":
        """Itself: it is sent once."""
        return self

    def __next__(self) -> bytes:
        """The next piece; what cannot be read ends the connection before its announced end, so that it is noticed."""
        self._turn.keep()
        try:
            return next(self._transfer)
        except StopIteration:
            raise
        except Exception as error:
            log.error("A download was ended, because an object cannot be given: %s.", type(error).__name__)  # noqa: TRY400
            raise

    def close(self, *, keep_turn: bool = False) -> None:
        """Let go of everything."""
        self._transfer.close()
        if not keep_turn:
            self._turn.release()
