"""Studies as a zip in an answer, for whoever may take them: the portal's own people, the recipient of a share.

The caller says who asks and what they may see; nothing here knows of sessions. The answer has its length, can go on where it
broke off, and ends when the caller's reason to give it ends.
"""

import itertools
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from accounts.actor import Actor
from accounts.scope import Scope
from imaging.storage import services as storage
from imaging.studies.export import services as exports
from imaging.studies.export import without_identity
from imaging.studies.export.services import Export, Handed
from imaging.studies.export.without_identity import Cleaning
from imaging.viewer import byte_ranges, export_names, export_page
from imaging.viewer.download_turns import Turn
from imaging.viewer.export_page import Cover

log = logging.getLogger(__name__)

StillAllowed = Callable[[], bool]

#: Damage that is found before the first byte is told in the zip, and what was corrected or withdrawn by then is followed;
#: so often it is begun anew for that.
_ATTEMPTS: Final = 5
#: Seconds between two questions whether the download may go on.
_ASKED_AGAIN: Final = 0.25
#: Bytes of which one answer to that question holds, so that a slow line asks often too.
_AT_ONCE: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Package:
    """What lies around the images. ``cover`` is told on the page, ``handed`` on the receipts (today, from the portal's own).

    ``form`` is for the record; ``file_name``, without ending, is what the browser calls it: empty for modality and date.
    With ``cleaning`` copies without identity go out, and nothing lies around them.
    """

    cover: Cover = field(default_factory=Cover)
    handed: Handed | None = None
    form: str = "zip"
    file_name: str = ""
    cleaning: Cleaning | None = None


class NoLongerAllowed(Exception):
    """The reason for which a download was given ended: the connection ends before its announced end."""


def zip_answer(
    request: HttpRequest,
    *,
    scope: Scope,
    actor: Actor,
    study_uids: Sequence[str],
    series_uids: Sequence[str] = (),
    package: Package | None = None,
    still_allowed: StillAllowed | None = None,
) -> HttpResponseBase:
    """The studies, or some series of the first, as a zip with page, previews, index and receipts; or the part asked for.

    ``still_allowed`` is asked four times a second while bytes go out, and ends them with a no.
    Raises what ``exports.prepare`` does, and ``download_turns.TooMany`` and ``Crowded``: see ``downloads.explained``.
    """
    packed = package or Package()

    def prepare() -> Export:
        return _prepared(packed, scope, study_uids, actor=actor, series_uids=series_uids)

    turn = Turn(actor)
    try:
        export, body = _begun(request, prepare, turn, still_allowed)
    except BaseException:
        turn.release()
        raise
    response = byte_ranges.answer(body.part, "application/zip", lambda: body)
    if body.part.is_empty:
        body.close()
    response["ETag"] = f'"{export.etag}"'
    response["Content-Disposition"] = export_names.attachment(packed.file_name, "zip", otherwise=export.name)
    # What the browser keeps is the file; the answer itself is asked for again, to go on with a part of it.
    response["Cache-Control"] = "private, no-cache"
    if still_allowed is not None:
        # A proxy that takes all of it at once would go on giving it out (nginx).
        response["X-Accel-Buffering"] = "no"
    return response


def _prepared(
    packed: Package, scope: Scope, study_uids: Sequence[str], *, actor: Actor, series_uids: Sequence[str]
) -> Export:
    """The export with what lies around it, or without identity and without anything that names the patient."""
    if packed.cleaning is not None:
        return without_identity.prepare(
            scope,
            study_uids,
            actor=actor,
            form=packed.form,
            series_instance_uids=series_uids,
            cleaning=packed.cleaning,
            handed=packed.handed or Handed(timezone.localdate()),
        )
    return exports.prepare(
        scope,
        study_uids,
        actor=actor,
        form=packed.form,
        series_instance_uids=series_uids,
        around=export_page.around(packed.cover, scope=scope),
        handed=packed.handed,
    )


def _begun(
    request: HttpRequest, prepare: Callable[[], Export], turn: Turn, still_allowed: StillAllowed | None
) -> tuple[Export, "Body"]:
    """The export and its bytes, the first of them read: what cannot be read at all is said before the answer begins."""
    for attempt in itertools.count(1):
        export = prepare()
        part = byte_ranges.asked(request, export.length, f'"{export.etag}"')
        body = Body(export, part, turn, still_allowed)
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

    def __init__(
        self, export: Export, part: byte_ranges.Asked, turn: Turn, still_allowed: StillAllowed | None = None
    ) -> None:
        """Nothing is read yet."""
        self.part = part
        self._turn = turn
        self._ahead = 1 if part.start else 2 * len(export.notes) + 2
        self._transfer = export.transfer(part.start, max(part.length, 0))
        self._still_allowed = still_allowed
        self._asked_at = time.monotonic()
        self._pieces = iter(self._transfer) if still_allowed is None else _small(self._transfer)

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
            piece = next(self._pieces)
        except StopIteration:
            raise
        except Exception as error:
            log.error("A download was ended, because an object cannot be given: %s.", type(error).__name__)  # noqa: TRY400
            raise
        self._ask()
        return piece

    def _ask(self) -> None:
        """Raise ``NoLongerAllowed`` when the download may not go on, at the latest a second after that came to be so."""
        if self._still_allowed is None or time.monotonic() - self._asked_at < _ASKED_AGAIN:
            return
        self._asked_at = time.monotonic()
        if not self._still_allowed():
            log.info("A download was ended, because the reason for it has ended.")
            self._transfer.close("no longer allowed")
            raise NoLongerAllowed

    def close(self, *, keep_turn: bool = False) -> None:
        """Let go of everything."""
        self._transfer.close()
        if not keep_turn:
            self._turn.release()


def _small(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes, no more than so many at once."""
    for piece in pieces:
        if len(piece) <= _AT_ONCE:
            yield piece
            continue
        view = memoryview(piece)
        for start in range(0, len(piece), _AT_ONCE):
            yield bytes(view[start : start + _AT_ONCE])
