"""Trying a record before people do: does it launch, can it be read. Nothing of a patient is asked for."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from accounts.federation.errors import SignInRefused
from accounts.federation.oidc.metadata import metadata_at
from imaging.ehr.models import HealthRecord
from imaging.ehr.records import tokens, words
from imaging.ehr.records.client import Unavailable, reading


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried, and in words what was found."""

    is_good: bool
    words: str


def findings(record: HealthRecord) -> list[Finding]:
    """Ask the record what it publishes, and whether it lets us read."""
    found = []
    if record.provider is not None:
        found.append(_launches(record))
    if record.access != HealthRecord.Access.NONE:
        found.append(_is_read(record))
    return found or [Finding(False, _("It neither launches nor is read: choose one."))]


def _launches(record: HealthRecord) -> Finding:
    assert record.provider is not None
    try:
        metadata = metadata_at(record.provider, f"{record.base}/.well-known/smart-configuration")
    except SignInRefused as refusal:
        code = refusal.why.removeprefix("outbound: ")
        return Finding(False, _("It cannot launch: %(why)s.") % {"why": words.problem(code)})
    if "S256" not in metadata.challenge_methods:
        return Finding(False, _("It cannot launch: it does not know PKCE with S256."))
    return Finding(True, _("It can launch: its SMART configuration is in order."))


def _is_read(record: HealthRecord) -> Finding:
    try:
        with reading(record, tokens.token_for(record)) as reader:
            reader.search("Patient", {"identifier": f"{record.system}|-", "_count": "1"})
    except Unavailable as error:
        return Finding(False, _("It cannot be read: %(why)s.") % {"why": words.problem(error.code)})
    return Finding(True, _("It can be read."))
