"""Who speaks in an exported event: this portal, under the name that its address has."""

from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

#: What the portal is called as a participant of its own events.
APPLICATION: Final = "negatoscope"


def host() -> str:
    """Return the host name of the portal's public address."""
    return urlsplit(settings.PUBLIC_URL).hostname or "localhost"
