"""To whom the pages of a study offer to give the patient a link to their record, and the form with which it is given."""

from django.utils.translation import get_language

from accounts import selectors as accounts
from accounts.models import User
from accounts.roles import Right
from accounts.scope import Scope
from imaging.sharing.making import choosing
from imaging.sharing.making.pages import Offer
from imaging.sharing.record import selectors
from imaging.sharing.record.forms import RecordForm, beginning
from imaging.studies.models import Study


def may_give(study: Study, user: object, scope: Scope) -> bool:
    """Whether somebody is offered to give such a link: the right to share, a department that gives them, and a role that may."""
    if not isinstance(user, User) or not scope.may(Right.SHARE) or not selectors.are_given():
        return False
    held = accounts.roles_by_department(user)
    for department in choosing.sharing_departments(study, scope):
        rules = selectors.policy_of(department.pk)
        if rules.is_given and any(department.pk in held.get(role, ()) for role in rules.roles):
            return True
    return False


def form_of(offer: Offer, data: object = None) -> RecordForm:
    """Return the form, empty or with what was sent."""
    rules = selectors.policy_of(offer.person.department.pk)
    return RecordForm(data, rules=rules, initial=beginning(rules, language=get_language() or "en"))
