"""The numbers of a person, on the person's page."""

from accounts.audited_admin import SpokenInline
from accounts.practitioners.models import PractitionerIdentifier


class PractitionerIdentifierInline(SpokenInline):
    """Numbers by which images and orders name this person."""

    model = PractitionerIdentifier
    extra = 0
    fields = ("system", "number")
