"""Who may say who somebody is, what that gives here, and which session came of it."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.federation.public_keys import validate_keys
from accounts.federation.querysets import ClaimRuleQuerySet, IdentityProviderQuerySet
from accounts.federation.validators import (
    validate_claim_path,
    validate_issuer,
    validate_pattern,
    validate_scope,
)
from accounts.roles import Role


def _texts(label: Any, **options: Any) -> "ArrayField[Any, Any]":
    return ArrayField(models.CharField(max_length=255), verbose_name=label, default=list, blank=True, **options)


class Protocol(models.TextChoices):
    """How a provider speaks."""

    OIDC = "oidc", _("OpenID Connect")
    SAML = "saml", _("SAML 2.0")
    LDAP = "ldap", _("LDAP directory")
    SIGNED = "signed", _("signed launch from the health record")


class Admits(models.TextChoices):
    """Who may come in by a provider."""

    RULES = "rules", _("people whom a rule gives something: their account is made at the first sign-in")
    KNOWN = "known", _("only people whose account here is already linked")


class ClientAuthentication(models.TextChoices):
    """How the portal proves to an OpenID provider that it is the client (OpenID Connect Core 1.0, section 9)."""

    PRIVATE_KEY = "private_key_jwt", _("signature with the portal's own key (private_key_jwt)")
    BASIC = "client_secret_basic", _("secret in the header (client_secret_basic)")
    POST = "client_secret_post", _("secret in the form (client_secret_post)")
    NONE = "none", _("no secret (public client, PKCE alone)")


class IdentityProvider(models.Model):
    """A system that says who somebody is. What it says counts only as far as this row goes."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    slug = models.SlugField(
        _("short name"), max_length=40, unique=True, help_text=_("Part of the addresses that the provider is given.")
    )
    protocol = models.CharField(_("protocol"), max_length=8, choices=Protocol.choices, default=Protocol.OIDC)
    is_active = models.BooleanField(_("active"), default=True)
    label = models.CharField(_("button (English)"), max_length=80, blank=True)
    label_fr = models.CharField(_("button (French)"), max_length=80, blank=True)
    position = models.PositiveSmallIntegerField(_("position"), default=10)

    issuer = models.CharField(
        _("issuer"),
        max_length=500,
        blank=True,
        validators=[validate_issuer],
        help_text=_(
            "Exactly as the provider writes it. OpenID Connect: an https address, under which the portal finds"
            " /.well-known/openid-configuration. SAML: the entity ID. LDAP: left empty."
        ),
    )
    client_id = models.CharField(_("client ID"), max_length=255, blank=True)
    sealed_secret = models.TextField(editable=False, blank=True)
    client_authentication = models.CharField(
        _("client authentication"),
        max_length=24,
        choices=ClientAuthentication.choices,
        default=ClientAuthentication.BASIC,
    )
    scopes = ArrayField(
        models.CharField(max_length=100, validators=[validate_scope]),
        verbose_name=_("scopes"),
        default=list,
        blank=True,
        help_text=_("What is asked for besides openid, such as profile email groups."),
    )
    reads_userinfo = models.BooleanField(
        _("ask the userinfo address too"),
        default=False,
        help_text=_("For providers that put claims there and not into the ID token."),
    )
    saml_metadata = models.TextField(
        _("SAML metadata"), blank=True, max_length=200_000, help_text=_("The XML that the provider publishes.")
    )
    signing_keys = models.TextField(
        _("signing keys"),
        blank=True,
        max_length=100_000,
        validators=[validate_keys],
        help_text=_(
            "Public keys of the health record that signs launches: a JSON Web Key Set, or PEM, several one below the"
            " other. A new one is added before it is used; one that is taken away opens nothing any more."
        ),
    )

    admits = models.CharField(_("who may come in"), max_length=8, choices=Admits.choices, default=Admits.RULES)
    subject_is_username = models.BooleanField(
        _("knows people by their user name here"),
        default=False,
        help_text=_(
            "Signed launch only, where the same directory names people there and here: the account of that name is"
            " linked at the first launch. An account that administers never is."
        ),
    )
    required_claim = models.CharField(_("required claim"), max_length=200, blank=True, validators=[validate_claim_path])
    required_value = models.CharField(
        _("required value"),
        max_length=200,
        blank=True,
        validators=[validate_pattern],
        help_text=_("Only people whose claim has this value come in at all. * stands for any text."),
    )

    acr_mfa = _texts(_("acr that means two factors"))
    amr_mfa = _texts(_("amr that means two factors"), help_text=_("One of them is enough: mfa, for example."))
    acr_phishing_resistant = _texts(_("acr that means phishing-resistant"))
    amr_phishing_resistant = _texts(
        _("amr that means phishing-resistant"), help_text=_("One of them is enough: hwk or fido, for example.")
    )
    acr_step_up = _texts(
        _("acr to ask for when somebody must prove it again"),
        help_text=_("Sent as acr_values, the most wanted first; empty: what the provider takes by default."),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    changed_at = models.DateTimeField(_("changed at"), auto_now=True)

    objects = IdentityProviderQuerySet.as_manager()

    class Meta:
        verbose_name = _("identity provider")
        verbose_name_plural = _("identity providers")
        ordering = ("position", "name")
        constraints: ClassVar = [
            # Subjects are told apart by issuer: two rows of one issuer would open each other's accounts.
            models.UniqueConstraint(
                fields=["issuer"],
                condition=~models.Q(issuer=""),
                name="identity_provider_issuer",
                violation_error_message=_("There is a provider with this issuer already."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def button(self) -> str:
        """What its button says, in the reader's language."""
        french = (get_language() or "").startswith("fr")
        return (self.label_fr if french else self.label) or self.label or self.name


class ClaimRule(models.Model):
    """What a person with a certain claim is here: a role in a department."""

    provider = models.ForeignKey(
        IdentityProvider, on_delete=models.CASCADE, related_name="rules", verbose_name=_("provider")
    )
    claim = models.CharField(
        _("claim"),
        max_length=200,
        validators=[validate_claim_path],
        help_text=_("Its name; inside another one with a dot: realm_access.roles."),
    )
    value = models.CharField(
        _("value"),
        max_length=200,
        validators=[validate_pattern],
        help_text=_("Exactly this text, small and capital letters told apart; * stands for any text."),
    )
    department = models.ForeignKey(
        "accounts.Department", on_delete=models.PROTECT, related_name="+", verbose_name=_("department")
    )
    role = models.CharField(_("role"), max_length=32, choices=Role.choices)
    lasts_days = models.PositiveSmallIntegerField(
        _("lasts (days)"),
        default=90,
        validators=[MinValueValidator(1), MaxValueValidator(730)],
        help_text=_("What it gives ends so long after the last sign-in by this provider."),
    )
    is_active = models.BooleanField(_("active"), default=True)

    objects = ClaimRuleQuerySet.as_manager()

    class Meta:
        verbose_name = _("claim rule")
        verbose_name_plural = _("claim rules")
        ordering = ("provider", "claim", "value", "pk")

    def __str__(self) -> str:
        return f"{self.claim} = {self.value}"


class FederatedIdentity(models.Model):
    """A person as a provider knows them: issuer and subject, and nothing that can be given to somebody else later."""

    provider = models.ForeignKey(
        IdentityProvider, on_delete=models.PROTECT, related_name="identities", verbose_name=_("provider")
    )
    issuer = models.CharField(_("issuer"), max_length=500)
    subject = models.CharField(_("subject"), max_length=255)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="federated_identities",
        verbose_name=_("user"),
    )
    made_account = models.BooleanField(_("made the account"), default=False)
    linked_at = models.DateTimeField(_("linked"), auto_now_add=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)

    class Meta:
        verbose_name = _("linked identity")
        verbose_name_plural = _("linked identities")
        ordering = ("user", "provider")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="federated_identity_issuer_subject"),
            models.UniqueConstraint(fields=["provider", "user"], name="federated_identity_provider_user"),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.provider}"


class FederatedSession(models.Model):
    """A session that began with a provider: what its back-channel logout ends."""

    identity = models.ForeignKey(FederatedIdentity, on_delete=models.CASCADE, related_name="sessions")
    #: The row that follows the session when its key is changed.
    user_session = models.OneToOneField("usersessions.UserSession", on_delete=models.CASCADE, related_name="+")
    #: The provider's own name of its session (OpenID Connect Back-Channel Logout 1.0, section 2.1), where it says one.
    sid = models.CharField(max_length=255, blank=True)
    began_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("federated session")
        verbose_name_plural = _("federated sessions")
        indexes: ClassVar = [models.Index(fields=["sid"], name="federated_session_sid")]

    def __str__(self) -> str:
        return f"{self.identity} {self.began_at:%Y-%m-%d %H:%M}"
