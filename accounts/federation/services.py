"""People who come in by a provider: known by issuer and subject alone, and given what its rules give. All of it audited."""

import hashlib
from dataclasses import dataclass
from typing import Any, Final

from allauth.usersessions.models import UserSession
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts import audit, throttling
from accounts.actor import Actor
from accounts.audit import Action, Outcome
from accounts.federation import claims as claims_of
from accounts.federation import granting
from accounts.federation.claims import Assertion, Strength
from accounts.federation.errors import SignInRefused
from accounts.federation.models import Admits
from accounts.models import FederatedIdentity, FederatedSession, IdentityProvider, User
from accounts.signing_in import sealing, sessions

#: Begins the name of an account where the provider says nothing that could be one.
_NAMELESS: Final = "person"
_NAME_CHARACTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@.+-_")


@dataclass(frozen=True, slots=True)
class Admitted:
    """Who came in, by which identity, and how well they proved it."""

    identity: FederatedIdentity
    strength: Strength

    @property
    def user(self) -> User:
        """The account."""
        person = self.identity.user
        assert isinstance(person, User)
        return person


def strength_of(provider: IdentityProvider, assertion: Assertion) -> Strength:
    """Return what the provider's word is worth, by its own row."""
    return claims_of.strength(
        acr=assertion.acr,
        amr=assertion.amr,
        acr_mfa=provider.acr_mfa,
        amr_mfa=provider.amr_mfa,
        acr_phishing_resistant=provider.acr_phishing_resistant,
        amr_phishing_resistant=provider.amr_phishing_resistant,
    )


@transaction.atomic
def admit(*, actor: Actor, provider: IdentityProvider, assertion: Assertion) -> Admitted:
    """Find or make the account of somebody whom the provider recognised, and give it what the rules give now.

    Raises :class:`SignInRefused`; then nothing was changed, except that what the claims no longer give has ended.
    """
    identity = _known(assertion)
    if identity is not None and not identity.user.is_active:
        raise SignInRefused("switched_off", "account switched off")
    let_in = granting.is_let_in(provider, assertion.claims)
    given = granting.given_by(provider, assertion.claims) if let_in else []
    if identity is None and let_in:
        identity = _namesake(actor, provider, assertion)
    if identity is None:
        if not let_in or not given or provider.admits != Admits.RULES:
            raise SignInRefused("not_admitted", "unknown person, and no rule gives anything")
        identity = _new_person(actor, provider, assertion)
    assert isinstance(identity.user, User)
    granting.apply(actor=actor, user=identity.user, provider=provider, given=given)
    FederatedIdentity.objects.filter(pk=identity.pk).update(last_used_at=timezone.now())
    return Admitted(identity, strength_of(provider, assertion))


def revoke_what_is_gone(*, actor: Actor, provider: IdentityProvider, assertion: Assertion) -> bool:
    """Whether a known person no longer has the claim that everybody needs; then all that the rules gave has ended."""
    identity = _known(assertion)
    if identity is None or granting.is_let_in(provider, assertion.claims):
        return False
    assert isinstance(identity.user, User)
    granting.apply(actor=actor, user=identity.user, provider=provider, given=())
    return True


@transaction.atomic
def link(*, actor: Actor, user: User, provider: IdentityProvider, assertion: Assertion) -> FederatedIdentity:
    """Tie an identity to the account of the person who is signed in and proved both. Raises :class:`SignInRefused`."""
    identity = _known(assertion)
    if identity is not None:
        if identity.user_id != user.pk:
            raise SignInRefused("taken", "identity of another account")
        return identity
    if not granting.is_let_in(provider, assertion.claims):
        raise SignInRefused("not_admitted", "required claim missing")
    try:
        with transaction.atomic():
            identity = _make_identity(provider, assertion, user, made_account=False)
    except IntegrityError as error:
        # The account has another identity of this provider: the administrator takes that away first.
        raise SignInRefused("taken", "account has another identity of this provider") from error
    _record(Action.IDENTITY_LINKED, actor, user, provider=provider.slug, subject=assertion.subject)
    granting.apply(actor=actor, user=user, provider=provider, given=granting.given_by(provider, assertion.claims))
    return identity


@transaction.atomic
def unlink(*, actor: Actor, identity: FederatedIdentity) -> None:
    """Take an identity from its account: its sessions and what its provider's rules gave end at once."""
    assert isinstance(identity.user, User)
    granting.apply(actor=actor, user=identity.user, provider=identity.provider, given=())
    _end(FederatedSession.objects.filter(identity=identity), actor, "identity unlinked")
    _record(Action.IDENTITY_UNLINKED, actor, identity.user, provider=identity.provider.slug, subject=identity.subject)
    identity.delete()


def remember_session(*, identity: FederatedIdentity, user_session: UserSession, sid: str) -> None:
    """Keep which session came of an identity, so that the provider can end it."""
    FederatedSession.objects.update_or_create(user_session=user_session, defaults={"identity": identity, "sid": sid})


def log_out_from_behind(*, actor: Actor, provider: IdentityProvider, subject: str, sid: str) -> int:
    """End the sessions that a logout token names: of a subject, of one session, or of that one of the subject's.

    Returns how many ended (OpenID Connect Back-Channel Logout 1.0, section 2.7).
    """
    found = FederatedSession.objects.filter(identity__provider=provider, identity__issuer=provider.issuer)
    if subject:
        found = found.filter(identity__subject=subject)
    if sid:
        found = found.filter(sid=sid)
    return _end(found, actor, "back-channel logout") if subject or sid else 0


def end_all_sessions_of(*, actor: Actor, provider: IdentityProvider) -> int:
    """End every session that began with a provider: it is no longer believed. Returns how many ended."""
    return _end(FederatedSession.objects.filter(identity__provider=provider), actor, "provider switched off")


def _end(found: "QuerySet[FederatedSession]", actor: Actor, why: str) -> int:
    ended = 0
    for session in found.select_related("identity__user", "identity__provider"):
        person = session.identity.user
        assert isinstance(person, User)
        reason = f"{why} ({session.identity.provider.slug})"
        ended += sessions.end_one(actor=actor, user=person, pk=session.user_session_id, reason=reason)
    return ended


def set_secret(provider: IdentityProvider, secret: str) -> None:
    """Seal a client secret into the row; the caller saves it."""
    provider.sealed_secret = sealing.seal(secret) if secret else ""


def record_refusal(*, actor: Actor, provider: IdentityProvider, refusal: SignInRefused) -> None:
    """Record that nobody came in, and why. Nothing of the token is kept."""
    if not throttling.is_worth_a_record(actor.address):
        return
    audit.record(
        Action.USER_REFUSED,
        actor=actor,
        subject_type="identity_provider",
        subject_uid=str(provider.pk),
        outcome=Outcome.FAILED if refusal.code in {"no_answer", "not_set_up"} else Outcome.REFUSED,
        detail={"provider": provider.slug, "code": refusal.code, "why": refusal.why[:200]},
    )


def _known(assertion: Assertion) -> FederatedIdentity | None:
    """Return whose identity this is: by issuer and subject, and never by a name or an address."""
    return (
        FederatedIdentity.objects.select_related("user", "provider")
        .filter(issuer=assertion.issuer, subject=assertion.subject)
        .first()
    )


def _namesake(actor: Actor, provider: IdentityProvider, assertion: Assertion) -> FederatedIdentity | None:
    """Link the account whose user name the provider's word is by its row; never one that administers."""
    if not provider.subject_is_username:
        return None
    user = User.objects.filter(username=assertion.subject, is_active=True, is_staff=False, is_superuser=False).first()
    if user is None or FederatedIdentity.objects.filter(provider=provider, user=user).exists():
        return None
    identity = _make_identity(provider, assertion, user, made_account=False)
    _record(Action.IDENTITY_LINKED, actor, user, provider=provider.slug, subject=assertion.subject, by="user name")
    return identity


def _new_person(actor: Actor, provider: IdentityProvider, assertion: Assertion) -> FederatedIdentity:
    email = _address_of(assertion)
    username = _username_of(assertion)
    # Either is typed at the sign-in: a name that is another's address is taken as well.
    taken = Q(username__iexact=username) | Q(email__iexact=username)
    if email:
        taken |= Q(email__iexact=email) | Q(username__iexact=email)
    if User.objects.filter(taken).exists():
        # Whoever has the name or the address somewhere else is not thereby the person who has it here.
        raise SignInRefused("address_taken", "name or address of an account that is not linked")
    user = User(username=username, email=email, display_name=assertion.text("name"))
    user.first_name, user.last_name = assertion.text("given_name"), assertion.text("family_name")
    user.set_unusable_password()
    try:
        user.full_clean()
        with transaction.atomic():
            user.save()
            identity = _make_identity(provider, assertion, user, made_account=True)
    except (ValidationError, IntegrityError) as error:
        raise SignInRefused("address_taken", "account could not be made") from error
    _record(Action.USER_CREATED, actor, user, username=user.username, provider=provider.slug)
    _record(Action.IDENTITY_LINKED, actor, user, provider=provider.slug, subject=assertion.subject)
    return identity


def _make_identity(
    provider: IdentityProvider, assertion: Assertion, user: User, *, made_account: bool
) -> FederatedIdentity:
    return FederatedIdentity.objects.create(
        provider=provider, issuer=assertion.issuer, subject=assertion.subject, user=user, made_account=made_account
    )


def _address_of(assertion: Assertion) -> str:
    """Return the e-mail address, unless the provider itself says that it is not sure whose it is."""
    email = assertion.text("email", longest=254)
    if assertion.claims.get("email_verified") is False:
        return ""
    try:
        validate_email(email)
    except ValidationError:
        return ""
    return email


def _username_of(assertion: Assertion) -> str:
    wanted = assertion.text("preferred_username") or assertion.text("email")
    name = "".join(char for char in wanted if char in _NAME_CHARACTERS)[:150]
    digest = hashlib.sha256(f"{assertion.issuer}\n{assertion.subject}".encode()).hexdigest()
    return name or f"{_NAMELESS}-{digest[:12]}"


def _record(action: Action, actor: Actor, user: Any, **detail: Any) -> None:
    audit.record(action, actor=actor, subject_type="user", subject_uid=str(user.pk), detail=detail)
