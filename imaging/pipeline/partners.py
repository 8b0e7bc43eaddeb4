"""Who carries what to partner archives: the doors that speak the protocols, given to what knows of pushes.

Sharing decides what goes where and may not know of a door; the doors know how to hand over one object. They meet here.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from imaging.dicomweb import sending as stow
from imaging.dimse import storing as dimse
from imaging.events.jobs import Outcome
from imaging.sharing.models import Partner
from imaging.sharing.partners import sending
from imaging.sharing.partners.carrying import Carrier

CARRIERS: Final[Mapping[str, Carrier]] = MappingProxyType(
    {Partner.Kind.DIMSE: dimse.line, Partner.Kind.STOW: stow.line}
)


def send(key: str) -> Outcome:
    """Send what is left of a push: the step ``sending.STEP``."""
    return sending.send(key, CARRIERS)
