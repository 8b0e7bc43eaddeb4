"""Why a piece of an upload was not taken: each with its HTTP status and a sentence for the person who sends it."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy


class Refusal(Exception):
    """What is said: ``status`` of HTTP, and ``sentence``, which says what happened, what was kept, and what to do."""

    status = 400
    sentence: str | Promise = _(
        "The browser sent something unexpected. Load the page again and choose the files once more."
    )


class Malformed(Refusal):
    """A header that the protocol does not allow."""


class NotSignedIn(Refusal):
    """The session has ended."""

    status = 401
    sentence = _("You are signed out. What arrived is kept: sign in again and go on.")


class NotAllowed(Refusal):
    """The capability is missing in the department of the import."""

    status = 403
    sentence = _("You may not bring images to this department. Ask its manager, or choose another one.")


class NotFound(Refusal):
    """There is no such upload of this person's."""

    status = 404
    sentence = _("This upload is not there: it was cancelled, has expired, or is not yours.")


class Closed(Refusal):
    """The import takes no more files."""

    status = 410
    sentence = _("This import takes no more files. Begin a new one for what is missing.")


class LinkEnded(Refusal):
    """The link by which somebody outside sends was ended."""

    status = 410
    sentence = _(
        "The link was closed, and nothing of what was not finished is kept. Ask the person who shared it with you."
    )


class WrongOffset(Refusal):
    """The piece does not begin where the file ends."""

    status = 409
    sentence = _("Part of this file had arrived already. It goes on from there.")


class LengthNeeded(Refusal):
    """The request does not say how long it is."""

    status = 411


class WrongVersion(Refusal):
    """Another version of the protocol."""

    status = 412


class TooLarge(Refusal):
    """The file is longer than one may send, or the piece longer than was announced."""

    status = 413
    sentence = _("Refused: too large. Nothing of this file was kept; bring it as a zip in parts, or ask IT.")


class ShareUsed(Refusal):
    """The person's unfinished imports hold all that they may."""

    status = 413
    sentence = _("Your unfinished imports hold as much as they may. Finish or cancel one, then send this file again.")


class WrongType(Refusal):
    """Bytes of another media type than the protocol's."""

    status = 415


class Busy(Refusal):
    """Somebody else is writing to this file."""

    status = 423
    sentence = _("This file is being sent from another window.")


class Damaged(Refusal):
    """The piece does not have the digest that came with it."""

    status = 460
    sentence = _("This piece was damaged on the way and is sent again.")


class CutOff(Damaged):
    """The request ended before this file was whole; nothing of it was kept."""

    status = 408


class Crowded(Refusal):
    """As many files are arriving in this process as may at once: a browser tries again by itself."""

    status = 503
    sentence = _("Many files are arriving at the moment. What arrived is kept, and this one goes on by itself.")


class NoRoom(Refusal):
    """The disk's reserve would be touched."""

    status = 507
    sentence = _("The server has no room for more now. What arrived is kept: tell IT, and go on later.")


class Empty(Refusal):
    """There is nothing to finish."""

    status = 409
    sentence = _("No file has arrived yet.")


class Incomplete(Refusal):
    """Files are missing, or not whole."""

    status = 409

    def __init__(self, missing: int) -> None:
        """``missing`` files have not arrived whole."""
        super().__init__(missing)
        self.missing = missing
        self.sentence = ngettext_lazy(
            "%(count)d file has not arrived whole. Choose the folder again: only what is missing is sent.",
            "%(count)d files have not arrived whole. Choose the folder again: only what is missing is sent.",
            missing,
        ) % {"count": missing}
