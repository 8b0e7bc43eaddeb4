"""Trying a provider before people do: what it publishes, and what is wrong with it, in words. Nobody is signed in."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from accounts.federation import claims as claims_of
from accounts.federation import granting, services
from accounts.federation.claims import Assertion, Strength
from accounts.federation.errors import SignInRefused
from accounts.federation.granting import Given
from accounts.federation.models import ClientAuthentication
from accounts.federation.oidc import metadata as published
from accounts.federation.oidc.metadata import Metadata
from accounts.federation.oidc.tokens import BELIEVED
from accounts.models import ClaimRule, IdentityProvider
from accounts.signing_in import sealing


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: whether it is as it must be, and in words what was found or what to do."""

    is_good: bool
    words: str


@dataclass(frozen=True, slots=True)
class RuleTried:
    """A rule, whether it fits, and the values that its claim has."""

    rule: ClaimRule
    fits: bool
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DryRun:
    """What somebody with certain claims would get."""

    is_let_in: bool
    strength: Strength
    given: tuple[Given, ...]
    rules: tuple[RuleTried, ...]


def findings(provider: IdentityProvider) -> list[Finding]:
    """Ask the provider what it publishes, and judge it."""
    try:
        metadata = published.metadata_of(provider, afresh=True)
    except SignInRefused as refusal:
        return [Finding(False, _why_not(refusal, provider.issuer))]
    found = [Finding(True, _("It publishes its metadata, under the issuer that is written here."))]
    found.append(_keys(provider, metadata))
    found.append(_reachable(provider, metadata))
    found += [_algorithms(metadata), _challenge(metadata), *_authentication(provider, metadata)]
    if provider.reads_userinfo and not metadata.userinfo_endpoint:
        found.append(Finding(False, _("It has no userinfo address, and is to be asked there: clear that box.")))
    if not provider.rules.filter(is_active=True).exists():
        found.append(Finding(False, _("No rule gives anybody anything yet: nobody new can come in by it.")))
    return found


def dry_run(provider: IdentityProvider, claims: dict[str, Any]) -> DryRun:
    """Return what somebody with these claims would get, and rule by rule why. Changes nothing."""
    amr = claims.get("amr")
    assertion = Assertion(
        issuer=provider.issuer,
        subject="",
        claims=claims,
        acr=claims["acr"] if isinstance(claims.get("acr"), str) else "",
        amr=frozenset(entry for entry in amr if isinstance(entry, str)) if isinstance(amr, list) else frozenset(),
    )
    let_in = granting.is_let_in(provider, claims)
    rules = provider.rules.filter(is_active=True).select_related("department")
    return DryRun(
        is_let_in=let_in,
        strength=services.strength_of(provider, assertion),
        given=tuple(granting.given_by(provider, claims)) if let_in else (),
        rules=tuple(
            RuleTried(
                rule,
                claims_of.has(claims, rule.claim, rule.value),
                tuple(sorted(claims_of.values_at(claims, rule.claim))[:20]),
            )
            for rule in rules
        ),
    )


def _keys(provider: IdentityProvider, metadata: Metadata) -> Finding:
    try:
        keys = published.keys_of(provider, metadata, afresh=True)
    except SignInRefused as refusal:
        return Finding(False, _why_not(refusal, metadata.jwks_uri))
    if not keys:
        return Finding(False, _("It publishes no key: nothing that it signs could be verified."))
    return Finding(True, _("It publishes its keys: %(count)d.") % {"count": len(keys)})


def _reachable(provider: IdentityProvider, metadata: Metadata) -> Finding:
    """Ask the token address with an empty form: any answer will do, and it can change nothing."""
    try:
        published.call("POST", metadata.token_endpoint, headers={"Content-Type": "application/x-www-form-urlencoded"})
    except SignInRefused as refusal:
        return Finding(False, _why_not(refusal, metadata.token_endpoint))
    return Finding(True, _("Its token address answers."))


def _algorithms(metadata: Metadata) -> Finding:
    usable = [algorithm for algorithm in metadata.algorithms if algorithm in BELIEVED]
    if metadata.algorithms and not usable:
        return Finding(False, _("It signs with nothing that is accepted here: it needs RS256, PS256, ES256 or EdDSA."))
    return Finding(True, _("It signs with %(algorithms)s.") % {"algorithms": ", ".join(usable) or "RS256"})


def _challenge(metadata: Metadata) -> Finding:
    if metadata.challenge_methods and "S256" not in metadata.challenge_methods:
        return Finding(False, _("It does not know PKCE with S256, which every sign-in uses."))
    return Finding(True, _("Every sign-in uses PKCE with S256."))


def _authentication(provider: IdentityProvider, metadata: Metadata) -> list[Finding]:
    way = provider.client_authentication
    found = []
    if way not in metadata.client_authentications:
        offered = ", ".join(metadata.client_authentications[:6])
        words = _("It does not accept the client authentication chosen here. It accepts: %(offered)s.")
        found.append(Finding(False, words % {"offered": offered}))
    if way in {ClientAuthentication.BASIC, ClientAuthentication.POST}:
        try:
            readable = bool(provider.sealed_secret) and bool(sealing.opened(provider.sealed_secret))
        except sealing.Unreadable:
            readable = False
        if not readable:
            found.append(Finding(False, _("There is no client secret that could be read: type it again.")))
    return found


def _why_not(refusal: SignInRefused, address: str) -> str:
    """Say what an administrator can do about it."""
    host = urlsplit(address).netloc
    words = {
        "outbound: host_not_listed": _("%(host)s is not listed: add it to the outbound hosts."),
        "outbound: address_not_allowed": _(
            "%(host)s lies at a private address: write that address into its row of the outbound hosts."
        ),
        "outbound: not_https": _("%(host)s is not called by https."),
        "outbound: no_such_host": _("The name %(host)s is not known here: check it, and the name servers."),
        "outbound: no_connection": _("%(host)s does not take connections from here: check the firewall."),
        "outbound: not_trusted": _(
            "The certificate of %(host)s is not trusted: put its authority into its row of the outbound hosts."
        ),
        "outbound: took_too_long": _("%(host)s took too long to answer."),
        "outbound: redirected": _("%(host)s sends elsewhere, which is not followed: write its final address."),
        "metadata: another issuer": _("The metadata of %(host)s name another issuer: copy it from there exactly."),
    }
    said = words.get(refusal.why) or _("%(host)s answered what is not understood (%(why)s).")
    return said % {"host": host, "why": refusal.why}
