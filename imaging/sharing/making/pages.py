"""What the page that shares a study knows: for whom it is, in which department, and what there is to choose."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.http import Http404, HttpRequest
from django.utils.translation import get_language

from accounts import selectors as accounts
from accounts.models import Department, User
from accounts.roles import Right
from accounts.scope import Scope
from imaging.dicom import uids
from imaging.sharing import selectors as shares
from imaging.sharing.making import choosing
from imaging.sharing.making.forms import ShareForm, beginning, recipient_of, referrer_of
from imaging.sharing.making.services import Person
from imaging.sharing.models import Share
from imaging.sharing.partners import selectors as partners
from imaging.studies import access, selectors
from imaging.studies.models import Series, Study


@dataclass(frozen=True, slots=True)
class Offer:
    """One study in hand, and all that may go along with it."""

    person: Person
    study: Study
    departments: Sequence[Department]
    series: Sequence[Series]
    priors: Sequence[Study]
    key_images: int

    def form(self, data: object = None, *, like: str = "") -> ShareForm:
        """Return the form, empty or with what was sent.

        An empty one is for the recipient of another share of this person (``like``, its key), else for who asked for the study.
        """
        rules = shares.policy_of(self.person.department.pk)
        known = shares.share_named(like) if like else None
        is_own = known is not None and known.created_by_id == self.person.user.pk
        same = recipient_of(known) if known is not None and is_own else referrer_of(self.study, rules)
        return ShareForm(
            data,
            rules=rules,
            series=[row.series_instance_uid for row in self.series],
            priors=[row.study_instance_uid for row in self.priors],
            initial={**beginning(rules, language=get_language() or "en"), **same},
        )

    @property
    def has_partners(self) -> bool:
        """Whether the department sends to archives of partners, so that it is offered too."""
        return partners.partners_for([self.person.department.pk]).exists()

    def live(self) -> list[Share]:
        """Return the shares of this study that stand now: a new one changes none of them."""
        return list(shares.standing_of(self.study, self.person.department))


def sharing_in(study: Study, scope: Scope) -> list[Department]:
    """Return the departments for which somebody may pass a study on; asks nothing for who may pass nothing on."""
    return choosing.sharing_departments(study, scope) if scope.departments_with(Right.SHARE) else []


def may_share(study: Study, user: object, scope: Scope, departments: Iterable[Department] | None = None) -> bool:
    """Whether somebody is offered to share a study: the right, a department that allows it, and a role that it allows it to.

    ``departments`` are those of ``sharing_in``, where they were asked for already.
    """
    if not isinstance(user, User) or not scope.may(Right.SHARE):
        return False
    held = accounts.roles_by_department(user)
    for department in sharing_in(study, scope) if departments is None else departments:
        rules = shares.policy_of(department.pk)
        if rules.is_allowed and any(department.pk in held.get(role, ()) for role in rules.roles):
            return True
    return False


def offer(request: HttpRequest, study_instance_uid: str, department: str) -> Offer:
    """Open a study for who may share it. Raises ``Http404`` for strangers and ``RightMissing`` for who may only look.

    ``department`` is the primary key of the one for which it is shared; the first where nothing was chosen.
    """
    user = request.user
    if not isinstance(user, User) or not uids.is_valid_uid(study_instance_uid):
        raise Http404
    scope, actor = request.scope, request.actor  # type: ignore[attr-defined]
    try:
        study = access.open_study(
            scope, study_instance_uid, actor=actor, purpose=access.Purpose.CHANGE, right=Right.SHARE
        )
    except access.StudyNotVisible:
        raise Http404 from None
    departments = choosing.sharing_departments(study, scope)
    if not departments:
        raise access.RightMissing
    chosen = next((each for each in departments if str(each.pk) == department), departments[0])
    roles = accounts.roles_by_department(user)
    held = frozenset(role for role, places in roles.items() if chosen.pk in places)
    here = scope.within([chosen.pk])
    texts = selectors.series_with_words(study, scope=here)
    rows = selectors.series_of(study, scope=here, right=Right.SHARE)
    return Offer(
        person=Person(user, scope, actor, chosen, held),
        study=study,
        departments=departments,
        series=[row for row in rows if row.pk not in texts],
        priors=choosing.priors_of(study, here),
        key_images=len(choosing.key_images_of(study, here)),
    )
