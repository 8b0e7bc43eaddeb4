"""Making the letter of a share out of what opens it, which only the page that just showed it can say."""

from accounts import audit
from accounts.actor import Actor
from accounts.messaging import codes
from imaging.sharing import log, secrets
from imaging.sharing.letters import content, typeset
from imaging.sharing.making.services import Handed
from imaging.sharing.models import Share


class NotThisLink(Exception):
    """What was handed in does not open the share, or not any more. Nothing was printed."""


def letter_of(share: Share, handed: Handed, *, actor: Actor) -> bytes:
    """Return the letter as a PDF, and put on record that it was made. Raises ``NotThisLink`` and ``LetterFailed``."""
    if share.state != Share.State.OPEN or share.is_over or not _opens(share, handed):
        raise NotThisLink
    made = typeset.pdf(content.letter(share, handed))
    log.record(audit.Action.SHARE_SENT, share, actor=actor, detail={"to": "letter"})
    return made


def _opens(share: Share, handed: Handed) -> bool:
    """Whether all of it is right. The secret first: who does not have it learns nothing about the codes."""
    if not secrets.is_proved(share.secret_digest, handed.secret):
        return False
    if not codes.is_printed_code(share.code_digest, handed.code):
        return False
    return codes.is_printed_code(share.proof_digest, handed.proof) if share.proof_digest else not handed.proof
