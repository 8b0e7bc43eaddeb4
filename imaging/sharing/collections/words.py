"""Why something about a collection was not done, and what came of adding studies: in sentences."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from django.contrib import messages
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from imaging.sharing.collections.gathering import Added
from imaging.sharing.collections.policies import NotDone

_SAID: Final[Mapping[str, str | Promise]] = MappingProxyType(
    {
        "not_for_department": _(
            "Nothing was made: your role makes no collections for this department. Choose another one."
        ),
        "not_yours": _("Nothing was changed: you may not do this in this collection. Ask one of its managers."),
        "is_archived": _("Nothing was changed: the collection is archived. Bring it back first."),
        "people_manage": _("Nothing was changed: only a person can manage a collection, not a department."),
        "last_manager": _(
            "Nothing was changed: somebody must manage the collection. Let another member manage it first."
        ),
        "by_department": _("You are a member by your department: ask a manager of the collection to change that."),
        "not_your_comment": _("Nothing was changed: this comment is not yours, or was deleted meanwhile."),
        "full": _("Nothing was added: a collection holds %(most)s studies at the most. Make another one."),
        "too_many_comments": _("Your comment was not kept: this collection holds no more of them. Make another one."),
    }
)


def said(error: NotDone) -> str:
    """Return the sentence for something that was not done."""
    return str(_SAID[error.why]) % error.told


def came_of(added: Added) -> tuple[str, list[str]]:
    """Return what was added, in a sentence, and what was left out, each reason in one."""
    left_out = []
    if added.known:
        left_out.append(
            ngettext(
                "%(count)d study was in the collection already.",
                "%(count)d studies were in the collection already.",
                added.known,
            )
            % {"count": added.known}
        )
    if added.without_right:
        left_out.append(
            ngettext(
                "%(count)d study was left out: you may look at it, and not share it.",
                "%(count)d studies were left out: you may look at them, and not share them.",
                added.without_right,
            )
            % {"count": added.without_right}
        )
    if added.opposed:
        left_out.append(
            ngettext(
                "%(count)d study was left out: the patient opposed this use of the images.",
                "%(count)d studies were left out: the patients opposed this use of the images.",
                added.opposed,
            )
            % {"count": added.opposed}
        )
    if added.unknown:
        left_out.append(
            ngettext(
                "%(count)d study is not known here, or not in your lists.",
                "%(count)d studies are not known here, or not in your lists.",
                added.unknown,
            )
            % {"count": added.unknown}
        )
    done = ngettext("%(count)d study added.", "%(count)d studies added.", added.added) % {"count": added.added}
    return done if added.added else "", left_out


def tell(request: HttpRequest, added: Added) -> None:
    """Say on the next page what came of adding studies."""
    done, left_out = came_of(added)
    if done:
        messages.success(request, done)
    for sentence in left_out:
        messages.warning(request, sentence)
