"""What the imaging app keeps of people beyond the care record: entered in the registry of what may be erased."""

from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from accounts.actor import Actor
from accounts.erasable import About, Erasable, register
from accounts.models import User
from imaging.privacy.models import DataPackage
from imaging.privacy.packages import folder
from imaging.studies.models import ListLayout, Patient, SavedList


def _user(subject: Model) -> User:
    if not isinstance(subject, User):
        raise TypeError("an account is needed")
    return subject


def _lists(subject: Model) -> int:
    return SavedList.objects.filter(owner=_user(subject), audience=SavedList.Audience.MINE).count()


def _forget_lists(subject: Model, _actor: Actor) -> int:
    kept = SavedList.objects.filter(owner=_user(subject), audience=SavedList.Audience.MINE)
    number = kept.count()
    kept.delete()
    return number


def _layouts(subject: Model) -> int:
    return ListLayout.objects.filter(user=_user(subject)).count()


def _forget_layouts(subject: Model, _actor: Actor) -> int:
    return ListLayout.objects.filter(user=_user(subject)).delete()[0]


def _packages(subject: Model) -> int:
    if not isinstance(subject, Patient):
        raise TypeError("a patient is needed")
    return DataPackage.objects.filter(patient=subject, state=DataPackage.State.READY).count()


def _forget_packages(subject: Model, _actor: Actor) -> int:
    if not isinstance(subject, Patient):
        raise TypeError("a patient is needed")
    kept = list(DataPackage.objects.filter(patient=subject, state=DataPackage.State.READY))
    for package in kept:
        folder.remove(package.key)
    DataPackage.objects.filter(pk__in=[package.pk for package in kept]).update(state=DataPackage.State.EXPIRED)
    return len(kept)


register(
    Erasable(
        "lists.saved", _("Study lists saved for oneself, with their searches"), About.ACCOUNT, _lists, _forget_lists
    ),
    Erasable("lists.layouts", _("Layouts of lists"), About.ACCOUNT, _layouts, _forget_layouts),
    Erasable("privacy.packages", _("Copies of the data prepared here"), About.PATIENT, _packages, _forget_packages),
)
