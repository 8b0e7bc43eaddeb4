"""Why a sign-in by a provider ended without anybody coming in: a stable code for the log, a sentence for the person."""

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_AGAIN: Final = _("What %(provider)s answered could not be verified, so nobody was signed in. Begin again here.")
_OTHER_WAY: Final = _("Sign in with the password of your account here, or try again in a few minutes.")

#: Code: what happened, and what to do next. `%(provider)s` is the provider's name.
WORDS: Final[dict[str, tuple[str | Promise, str | Promise]]] = {
    "no_answer": (_("%(provider)s does not answer at the moment. Nothing was changed."), _OTHER_WAY),
    "not_set_up": (
        _("%(provider)s is not set up completely. Nothing was changed."),
        _("Sign in with the password of your account here, and tell the administrator."),
    ),
    "not_verified": (
        _AGAIN,
        _("If it happens again, tell the administrator: the audit says what was wrong."),
    ),
    "launch_not_verified": (
        _("The launch from %(provider)s could not be verified. Nothing was opened, nobody was signed in."),
        _("Open the images there again. If it happens again, tell the administrator: the audit says what was wrong."),
    ),
    "too_old": (
        _("This way in from %(provider)s is used up: it opens once, and for a minute."),
        _("Open the images there again."),
    ),
    "refused_there": (
        _("The sign-in at %(provider)s was not completed."),
        _("Begin again, or sign in with the password of your account here."),
    ),
    "begun_elsewhere": (
        _("This sign-in took too long, or was begun in another window."),
        _("Begin again here, and stay in one window."),
    ),
    "not_admitted": (
        _("%(provider)s knows you, but you may not come in here with it."),
        _("Ask your administrator: your groups there give you nothing here."),
    ),
    "address_taken": (
        _("There is an account here already with your name or e-mail address. It was not opened."),
        _("If it is yours, sign in to it with its password and link %(provider)s under your account."),
    ),
    "switched_off": (
        _("Your account here is switched off."),
        _("Ask your administrator whether it should be switched on again."),
    ),
    "somebody_else": (
        _("%(provider)s recognised somebody else than the person who is signed in. Nothing was changed."),
        _("Sign out there, then begin again."),
    ),
    "taken": (
        _("This identity at %(provider)s belongs to another account here. Nothing was changed."),
        _("Ask your administrator, if it should be yours."),
    ),
    "not_fresh": (
        _("%(provider)s did not ask you to prove again who you are."),
        _("Use another way to confirm, or tell the administrator."),
    ),
}


class SignInRefused(Exception):
    """Nobody came in. ``code`` is a key of :data:`WORDS`; ``why`` a short note for the audit, never a token."""

    def __init__(self, code: str, why: str = "") -> None:
        super().__init__(why or code)
        self.code = code
        self.why = why or code
