"""Of which shares there may be a link for a health wallet."""

from typing import Final

from imaging.sharing.models import Share
from imaging.sharing.models.choices import Factor

#: Second proofs that are no weaker than the passcode of a health link: what one of them guards may also be guarded by it.
_AS_STRONG: Final = frozenset({Factor.EMAIL, Factor.SMS, Factor.PRINTED})


def is_offered(share: Share) -> bool:
    """Whether a health link can be made now.

    A wallet keeps a copy of what it reads, so the share must be one that may be downloaded; what is shared without identity
    leaves in copies of its own, never as rows about the patient. Of a patient's record there is none: what it shows changes
    with the rules and with who holds it, and a copy would not.
    """
    if share.kind == Share.Kind.RECORD:
        return False
    return share.is_standing and share.may_download and not share.is_deidentified and share.factor in _AS_STRONG
