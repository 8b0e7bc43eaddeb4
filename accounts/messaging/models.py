"""What is said to people outside, by what it travels, and what is owed of it."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.messaging import gateway_call, kinds, problems, wording
from accounts.messaging.kinds import Channel


class OutgoingMessage(models.Model):
    """One message to one recipient, and the outbox of it: ``due_at`` says from when on it is owed, None that it is not.

    Its words may hold a code or a link that opens something. They are kept sealed, and only until it has left or is
    given up.
    """

    class State(models.TextChoices):
        """How far it is."""

        OWED = "owed", _("on its way")
        SENT = "sent", _("sent")
        FAILED = "failed", _("not sent")

    channel = models.CharField(_("by"), max_length=4, choices=Channel.choices)
    kind = models.CharField(_("kind"), max_length=60)
    #: What the message is about: its owner asks for the state of its messages by it.
    subject_type = models.CharField(_("type of subject"), max_length=40, blank=True)
    subject_uid = models.CharField(_("subject"), max_length=128, blank=True)
    department = models.ForeignKey(
        "accounts.Department", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("department")
    )
    language = models.CharField(_("language"), max_length=8)
    recipient = models.CharField(_("to"), max_length=254)
    #: The Message-ID of a mail: a second copy is known as such by the recipient's server.
    message_id = models.CharField(_("message ID"), max_length=120, unique=True, editable=False)
    sealed_words = models.TextField(blank=True, editable=False)
    created_at = models.DateTimeField(_("written at"), auto_now_add=True)
    good_until = models.DateTimeField(_("of use until"), null=True, blank=True)
    due_at = models.DateTimeField(_("due at"), null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    problem = models.CharField(_("problem"), max_length=40, blank=True)

    class Meta:
        """Claimed by channel, the longest owed first; asked for by subject."""

        verbose_name = _("message to somebody outside")
        verbose_name_plural = _("messages to people outside")
        ordering = ("-pk",)
        indexes: ClassVar = [
            models.Index(fields=["channel", "due_at"], condition=Q(due_at__isnull=False), name="outgoing_message_due"),
            models.Index(fields=["subject_type", "subject_uid"], name="outgoing_message_about"),
            models.Index(fields=["channel", "created_at"], name="outgoing_message_by_time"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="outgoing_message_words_while_owed", condition=Q(due_at__isnull=False) | Q(sealed_words="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def state(self) -> "OutgoingMessage.State":
        """Whether it is owed, sent, or given up."""
        if self.sent_at is not None:
            return self.State.SENT
        return self.State.OWED if self.due_at is not None else self.State.FAILED

    @property
    def why(self) -> str:
        """What keeps it from leaving, or kept it, in the active language; empty where nothing does."""
        return "" if self.sent_at is not None else problems.in_words(self.problem)


def validate_kind(name: str) -> None:
    """Accept a kind that a feature has."""
    if kinds.named(name) is None:
        raise ValidationError(_("There is no such kind of message."))


class MessageTemplate(models.Model):
    """What is said in place of the portal's own words: in one language, for one department or for all."""

    kind = models.CharField(_("kind"), max_length=60, validators=[validate_kind])
    language = models.CharField(_("language"), max_length=8)
    department = models.ForeignKey(
        "accounts.Department",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("department"),
        help_text=_("None: for all departments that have no text of their own."),
    )
    subject = models.CharField(_("subject"), max_length=wording.LONGEST_SUBJECT, blank=True)
    body = models.TextField(
        _("text"), max_length=5000, help_text=_("Plain text; an empty line begins a paragraph. {places} are filled in.")
    )
    changed_at = models.DateTimeField(_("changed at"), auto_now=True)

    class Meta:
        """One text for each kind, language and department."""

        verbose_name = _("text of a message")
        verbose_name_plural = _("texts of messages")
        ordering = ("kind", "language", "department__name", "pk")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["kind", "language", "department"],
                nulls_distinct=False,
                name="one_message_template",
                violation_error_message=_(
                    "There is a text for this kind, language and department already: change that."
                ),
            ),
        ]

    def __str__(self) -> str:
        kind = kinds.named(self.kind)
        where = self.department or _("all departments")
        return f"{kind.label if kind else self.kind} · {self.language} · {where}"

    def clean(self) -> None:
        """Refuse places that the kind does not know, and a text without those that it needs."""
        kind = kinds.named(self.kind)
        if kind is not None:
            wording.check(kind, subject=self.subject, body=self.body)


class SmsBackend(models.TextChoices):
    """Who takes text messages."""

    NONE = "none", _("nobody: text messages are not offered")
    HTTP = "http", _("a gateway, called over HTTPS")
    FILE = "file", _("a file (demo only)")
    CONSOLE = "console", _("the server's own log (demo only)")


class SmsGatewaySettings(models.Model):
    """How text messages leave: one row."""

    backend = models.CharField(_("who takes them"), max_length=8, choices=SmsBackend.choices, default=SmsBackend.NONE)
    country = models.CharField(
        _("country"),
        max_length=2,
        default="FR",
        validators=[RegexValidator(r"^[A-Z]{2}\Z", _("Write the two letters of the country, such as FR."))],
        help_text=_("Where a number typed without a country's prefix is."),
    )
    most_per_day = models.PositiveIntegerField(
        _("messages in a day at the most"),
        default=300,
        validators=[MinValueValidator(1), MaxValueValidator(100_000)],
        help_text=_("Each message costs, and somebody may try to have many sent."),
    )
    sender = models.CharField(
        _("sender"),
        max_length=16,
        blank=True,
        validators=[
            RegexValidator(r"^(\+?[0-9]{3,15}|[A-Za-z0-9 ]{1,11})\Z", _("A number, or up to 11 letters and digits."))
        ],
        help_text=_("What the gateway shows as the sender, for {sender}."),
    )
    method = models.CharField(
        _("method"), max_length=4, default="POST", choices=[(name, name) for name in gateway_call.METHODS]
    )
    address = models.CharField(
        _("address"), max_length=500, blank=True, help_text=_("Its host must be among the outbound hosts.")
    )
    account = models.CharField(_("account"), max_length=200, blank=True, help_text=_("For {account} and {basic}."))
    sealed_secret = models.TextField(editable=False, blank=True)
    headers = models.TextField(
        _("headers"),
        blank=True,
        max_length=2000,
        validators=[gateway_call.validate_headers],
        help_text=_(
            "One a line, such as Authorization: Bearer {secret}. {secret} is the secret above, {account} the account,"
            " {basic} both as HTTP Basic has them."
        ),
    )
    body_format = models.CharField(
        _("form of the body"),
        max_length=4,
        default=gateway_call.BodyFormat.JSON,
        choices=gateway_call.BodyFormat.choices,
        help_text=_("With GET the fields of a form go into the address."),
    )
    body = models.TextField(
        _("body"),
        blank=True,
        max_length=4000,
        help_text=_(
            "JSON, or one field a line as name=value. {to} is the number with its +, {digits} without, {text} the"
            " message, {sender}, {account} and {secret} as above."
        ),
    )
    statuses = ArrayField(
        models.CharField(max_length=3, validators=[gateway_call.validate_status]),
        verbose_name=_("statuses of success"),
        default=list,
        blank=True,
        help_text=_("Empty: any from 200 to 299."),
    )
    expects = models.CharField(
        _("the answer holds"),
        max_length=200,
        blank=True,
        help_text=_('For gateways that answer 200 to a failure as well: a text such as "status":"ok".'),
    )
    changed_at = models.DateTimeField(_("changed at"), auto_now=True)

    class Meta:
        """One row."""

        verbose_name = _("gateway for text messages")
        verbose_name_plural = _("gateway for text messages")
        constraints: ClassVar = [models.CheckConstraint(name="one_sms_gateway", condition=Q(pk=1))]

    def __str__(self) -> str:
        return str(SmsBackend(self.backend).label if self.backend in SmsBackend.values else self.backend)

    def clean(self) -> None:
        """Refuse a call that could not be made."""
        if self.backend == SmsBackend.HTTP:
            gateway_call.check(self)
