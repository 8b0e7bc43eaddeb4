"""To whom the pages of a study offer to give the patient a link to their record."""

from accounts import selectors as accounts
from accounts.models import User
from accounts.roles import Right
from accounts.scope import Scope
from imaging.sharing.making import choosing
from imaging.sharing.record import selectors
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
