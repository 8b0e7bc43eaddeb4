"""What proves to a partner who we are: kept sealed, never shown again."""

import base64

from accounts.signing_in import sealing
from imaging.sharing.models import Partner
from imaging.sharing.partners.carrying import TurnedAway


def keep_secret(partner: Partner, secret: str) -> None:
    """Seal a token or password into a partner's row, which the caller saves."""
    partner.sealed_secret = sealing.seal(secret)


def header_of(partner: Partner) -> dict[str, str]:
    """Return the header ``Authorization`` of a request to a DICOMweb partner, if it asks for one. Raises ``TurnedAway``."""
    if partner.auth == Partner.Auth.NONE:
        return {}
    try:
        secret = sealing.opened(partner.sealed_secret)
    except sealing.Unreadable:
        raise TurnedAway("no_secret") from None
    if partner.auth == Partner.Auth.BEARER:
        return {"Authorization": f"Bearer {secret}"}
    both = base64.b64encode(f"{partner.account}:{secret}".encode()).decode()
    return {"Authorization": f"Basic {both}"}
