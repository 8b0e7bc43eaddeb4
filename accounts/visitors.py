"""Who comes in by a link: no account, no session of the portal, nothing but what the link opens."""

from typing import ClassVar

from django.contrib.auth.models import AnonymousUser


class Visitor(AnonymousUser):
    """The user of a request that a share recognised. Nothing of an account is there to be asked for."""

    #: The views of images let in whoever was recognised, and ask the scope for everything else.
    is_authenticated: ClassVar[bool] = True  # type: ignore[assignment]
    is_anonymous: ClassVar[bool] = False  # type: ignore[assignment]
    is_visitor: ClassVar[bool] = True

    def __str__(self) -> str:
        return "Visitor"
