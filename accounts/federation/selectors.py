"""Questions about providers, for the pages."""

from accounts.federation.models import Protocol
from accounts.models import FederatedIdentity, IdentityProvider, User


def offered() -> list[IdentityProvider]:
    """Return the providers that have a button on the sign-in page."""
    return list(IdentityProvider.objects.active().filter(protocol__in=(Protocol.OIDC, Protocol.SAML)))


def confirming(user: User) -> list[IdentityProvider]:
    """Return the providers with which this person can prove again who they are."""
    return list(IdentityProvider.objects.speaking(Protocol.OIDC).filter(identities__user=user))


def identities_of(user: User) -> list[FederatedIdentity]:
    """Return what is linked to an account."""
    return list(FederatedIdentity.objects.filter(user=user).select_related("provider").order_by("provider__name"))


def linkable(user: User) -> list[IdentityProvider]:
    """Return the providers that a person could still link."""
    return list(IdentityProvider.objects.speaking(Protocol.OIDC).exclude(identities__user=user))
