"""To whom a message goes: addresses and numbers, as a person types them and as they are kept."""

from typing import Final

import phonenumbers
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

#: RFC 5321, section 4.5.3.1.3: a path has 256 octets, two of them brackets.
LONGEST_ADDRESS: Final = 254
#: RFC 5321, section 4.5.3.1.1: what stands before the @.
LONGEST_NAME: Final = 64
_MOBILE: Final = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})


def email_address(typed: str) -> str:
    """Return an address without what was typed around it. Raises ``ValidationError`` for what is none."""
    address = typed.strip()
    try:
        validate_email(address)
        address.encode("ascii")
        # Quoted names and bare network addresses are allowed (RFC 5321, section 4.1.2), and nobody's.
        is_good = (
            len(address) <= LONGEST_ADDRESS and address.index("@") <= LONGEST_NAME and not set(address) & set('"[')
        )
    except (ValidationError, UnicodeEncodeError):
        is_good = False
    if not is_good:
        raise ValidationError(_("This is not an e-mail address. Example: martin@clinic.example."), code="email")
    return address


def mobile_number(typed: str, *, country: str) -> str:
    """Return a mobile number as E.164 (ITU-T): ``06 12 34 56 78`` in France is ``+33612345678``.

    ``country`` is where a number without a prefix is (ISO 3166-1 alpha-2). Raises ``ValidationError`` for what is no
    number, and for one that takes no text messages, or is dear to write to.
    """
    try:
        number = phonenumbers.parse(typed.strip()[:40], country)
    except NumberParseException as error:
        raise _not_a_number(country) from error
    if not phonenumbers.is_valid_number(number) or number.extension:
        raise _not_a_number(country)
    if phonenumbers.number_type(number) not in _MOBILE:
        raise ValidationError(
            _("This is not the number of a mobile telephone: it takes no text messages."), code="fixed"
        )
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _not_a_number(country: str) -> ValidationError:
    example = phonenumbers.example_number_for_type(country, PhoneNumberType.MOBILE)
    shown = phonenumbers.format_number(example, PhoneNumberFormat.INTERNATIONAL) if example else "+33 6 12 34 56 78"
    said = _("This is not a telephone number. Write it with its country: %(example)s.")
    return ValidationError(said, params={"example": shown}, code="number")
