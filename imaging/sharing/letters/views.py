"""The letter, made for who has just been shown the link.

What opens a share is kept nowhere: not in a row, not in the session, not in an address. The page that shows it once carries it
back in the body of a POST. It needs no signature and no end of its own: it is checked against the digests of the share, so that
only what opens the share now is ever printed, and a link that was renewed or ended since is refused.
"""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from imaging.sharing.desk import policies, selectors
from imaging.sharing.desk.selectors import Keeper
from imaging.sharing.desk.views import for_keepers
from imaging.sharing.letters import services
from imaging.sharing.letters.services import NotThisLink
from imaging.sharing.letters.typeset import LetterFailed
from imaging.sharing.making.services import Handed


@sensitive_post_parameters("secret", "code", "proof")
@require_POST
@for_keepers
def letter(request: HttpRequest, person: Keeper, key: str) -> HttpResponseBase:
    """Give the letter as a PDF, for the one who made the link or renewed it."""
    share = selectors.share_for(person, key)
    if share is None or not policies.acts_of(person, share).renew:
        raise Http404
    handed = Handed(
        request.POST.get("secret", "")[:128],
        request.POST.get("code", "")[:64],
        request.POST.get("proof", "")[:64],
    )
    try:
        made = services.letter_of(share, handed, actor=person.actor)
    except NotThisLink:
        messages.warning(
            request, _("No letter was made: this link opens nothing any more. Make a new link, then print it.")
        )
    except LetterFailed:
        messages.warning(request, _("No letter could be set. The link works: copy it, or write the code by hand."))
    else:
        response = HttpResponse(made, content_type="application/pdf")
        response["Content-Disposition"] = 'inline; filename="letter.pdf"'
        response["Cache-Control"] = "private, no-store"
        return response
    return redirect("sharing:share", key=key)
