"""Requests for access, what each department does with them, and who referred a patient.

A request is about a patient or a study; it is decided study by study (``RequestedStudy``), because a department speaks for
its own studies only. What was decided in favour stands in ``studies.Grant``, from which everything else follows.
"""

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Department, User
from imaging.studies.models import Grant, Patient, Study

#: A year: longer than that nobody asks for, they are made members.
MOST_HOURS = 24 * 366


class Relation(models.TextChoices):
    """What who asks is to the patient."""

    TREATING = "treating", _("I treat the patient now")
    REFERRER = "referrer", _("I referred the patient")
    ORDERED = "ordered", _("I asked for the exam")
    CONSULTED = "consulted", _("I am on call or was consulted")
    SECOND_OPINION = "second_opinion", _("I was asked for a second opinion")
    MEETING = "meeting", _("I present the patient at a meeting")
    TEACHING = "teaching", _("none: teaching or research")
    OTHER = "other", _("another one, told below")


class Reason(models.TextChoices):
    """For what the images are needed."""

    CARE = "care", _("care going on now")
    COMPARISON = "comparison", _("comparison with an exam of today")
    PLANNING = "planning", _("planning an operation or treatment")
    FOLLOW_UP = "follow_up", _("follow-up")
    OPINION = "opinion", _("second opinion")
    TEACHING = "teaching", _("teaching or research")
    OTHER = "other", _("another one, told below")


class AccessPolicy(models.Model):
    """What a department does when somebody asks for access to its studies; one row for all that have none of their own."""

    class Deciders(models.TextChoices):
        """Whose managers decide."""

        OWNER = "owner", _("the performing department alone")
        TREATING = "treating", _("the performing and the requesting department, whoever answers first")

    class Unanswered(models.TextChoices):
        """What becomes of a request that nobody answers."""

        CLOSE = "close", _("it is closed, and who asked is told")
        DEPUTY = "deputy", _("the deputy department may decide too")

    department = models.OneToOneField(
        Department,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="access_policy",
        verbose_name=_("department"),
        help_text=_("Empty: for every department without a policy of its own."),
    )
    automatic = ArrayField(
        models.CharField(max_length=20, choices=Relation.choices),
        default=list,
        blank=True,
        verbose_name=_("granted at once"),
        help_text=_("Whoever says to be this to the patient is let in at once; the audit keeps it."),
    )
    verified = ArrayField(
        models.CharField(max_length=20, choices=Relation.choices),
        default=list,
        blank=True,
        verbose_name=_("granted when the portal finds it true"),
        help_text=_("Where no care relation is found, a person decides, as with all others."),
    )
    longest_hours = models.PositiveIntegerField(
        _("longest duration in hours"), default=24 * 7, validators=[MinValueValidator(1), MaxValueValidator(MOST_HOURS)]
    )
    may_give_download = models.BooleanField(_("downloads may be given"), default=False)
    says_its_name = models.BooleanField(
        _("says that it decides"),
        default=False,
        help_text=_(
            "Who asks is told the department's name before it has decided. For some departments the name tells too much."
        ),
    )
    deciders = models.CharField(_("decided by"), max_length=12, choices=Deciders.choices, default=Deciders.TREATING)
    deputy = models.ForeignKey(
        Department,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("deputy department"),
        help_text=_("Its managers decide when the department has nobody who may."),
    )
    remind_hours = models.PositiveIntegerField(
        _("reminder after hours"), default=24, validators=[MinValueValidator(1), MaxValueValidator(MOST_HOURS)]
    )
    answer_hours = models.PositiveIntegerField(
        _("unanswered after hours"), default=72, validators=[MinValueValidator(1), MaxValueValidator(MOST_HOURS)]
    )
    unanswered = models.CharField(
        _("without an answer"), max_length=12, choices=Unanswered.choices, default=Unanswered.CLOSE
    )
    referrer_hours = models.PositiveIntegerField(
        _("referring physicians see their patient's study for hours"),
        default=0,
        validators=[MaxValueValidator(MOST_HOURS)],
        help_text=_("Those whom the images name by an identifier that is on their account. 0: they ask like others."),
    )

    class Meta:
        """One row for all others at the most."""

        verbose_name = _("access policy")
        verbose_name_plural = _("access policies")
        ordering = ("department__name",)
        constraints = [
            models.UniqueConstraint(models.Value(1), name="one_access_policy_for_others", condition=Q(department=None))
        ]

    def __str__(self) -> str:
        return self.department.label if self.department else str(_("every other department"))

    def clean(self) -> None:
        """Refuse what contradicts itself."""
        if both := set(self.automatic) & set(self.verified):
            names = ", ".join(str(Relation(name).label) for name in sorted(both))
            raise ValidationError(_("Either at once or when found true, not both: %(names)s.") % {"names": names})
        if self.unanswered == self.Unanswered.DEPUTY and self.deputy_id is None:
            raise ValidationError({"deputy": _("Name the deputy that is to decide.")})
        if self.deputy_id is not None and self.deputy_id == self.department_id:
            raise ValidationError({"deputy": _("A department is no deputy of its own.")})
        if self.answer_hours <= self.remind_hours:
            raise ValidationError({"answer_hours": _("The reminder comes before: choose more hours than for it.")})


class AccessRequest(models.Model):
    """One request: who asks, for whom, about whom, why, for how long. Never deleted."""

    class State(models.TextChoices):
        """Where it stands. Whether what was granted still holds is asked of the grants."""

        WAITING = "waiting", _("waiting")
        GRANTED = "granted", _("granted")
        DENIED = "denied", _("denied")
        WITHDRAWN = "withdrawn", _("withdrawn")
        UNANSWERED = "unanswered", _("closed without an answer")

    requester = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("who asks"))
    #: In which department's name: where the person may ask for access.
    department = models.ForeignKey(Department, models.PROTECT, related_name="+", verbose_name=_("department"))
    for_team = models.BooleanField(_("for the whole department"), default=False)
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="+", verbose_name=_("patient"))
    #: With it the request is about this study alone.
    study = models.ForeignKey(Study, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("study"))
    #: What who asks typed, and so knows: the only thing told of the patient until access is granted.
    asked_by = models.JSONField(_("found by"), default=dict)
    relation = models.CharField(_("relation to the patient"), max_length=20, choices=Relation.choices)
    reason = models.CharField(_("reason"), max_length=20, choices=Reason.choices)
    words = models.CharField(_("in words"), max_length=500, blank=True)
    hours = models.PositiveIntegerField(_("hours"))
    wants_download = models.BooleanField(_("with download"), default=False)
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.WAITING)
    #: An approver has asked something: the next word is the requester's.
    awaits_requester = models.BooleanField(default=False)
    #: Made with the page that was sent, so that sending it twice is asking once.
    token = models.UUIDField()
    renews = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="renewals")
    asked_at = models.DateTimeField(_("asked at"), auto_now_add=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    reminded_at = models.DateTimeField(null=True, blank=True)
    #: From then on the deputies may decide too.
    escalated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """One's own are listed by time; what waits is few."""

        verbose_name = _("access request")
        verbose_name_plural = _("access requests")
        constraints = [models.UniqueConstraint(fields=["requester", "token"], name="access_request_once")]
        indexes = [
            models.Index(fields=["requester", "-asked_at"], name="access_request_mine"),
            models.Index(fields=["asked_at"], condition=Q(state="waiting"), name="access_request_waits"),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class RequestedStudy(models.Model):
    """What became of a request for one study: its department decides about it."""

    class State(models.TextChoices):
        """Of one study."""

        WAITING = "waiting", _("waiting")
        GRANTED = "granted", _("granted")
        DENIED = "denied", _("denied")
        REVOKED = "revoked", pgettext_lazy("requested study", "revoked")
        GIVEN_BACK = "given_back", _("given back")
        EXPIRED = "expired", _("expired")
        #: Withdrawn, unanswered, or no longer the patient's.
        CLOSED = "closed", _("closed")

    class Handling(models.TextChoices):
        """Who decided."""

        AUTOMATIC = "automatic", _("by rule: this relation is let in at once")
        VERIFIED = "verified", _("by rule: the relation was found to be true")
        MANUAL = "manual", _("by a person")

    request = models.ForeignKey(AccessRequest, models.CASCADE, related_name="studies", verbose_name=_("request"))
    study = models.ForeignKey(Study, models.PROTECT, related_name="+", verbose_name=_("study"))
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.WAITING)
    handling = models.CharField(_("handling"), max_length=12, choices=Handling.choices, default=Handling.MANUAL)
    #: In words, in the language of nobody in particular: codes and values, put into words where they are shown.
    evidence = models.JSONField(_("evidence"), default=list, blank=True)
    #: The department for which it was decided.
    department = models.ForeignKey(
        Department, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("department")
    )
    decided_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    note = models.CharField(_("note"), max_length=500, blank=True)
    grant = models.ForeignKey(Grant, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("grant"))
    expiry_told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """A study is named once in a request; what waits or holds is found by it."""

        verbose_name = _("requested study")
        verbose_name_plural = _("requested studies")
        constraints = [models.UniqueConstraint(fields=["request", "study"], name="study_once_per_request")]
        indexes = [
            models.Index(fields=["study"], condition=Q(state__in=["waiting", "granted"]), name="requested_study_open")
        ]

    def __str__(self) -> str:
        return f"{self.request_id}: {self.study_id} ({self.state})"


class RequestMessage(models.Model):
    """A question of an approver, or what the requester answered."""

    request = models.ForeignKey(AccessRequest, models.CASCADE, related_name="messages")
    author = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("who"))
    is_requesters = models.BooleanField(default=False)
    words = models.CharField(_("words"), max_length=1000)
    written_at = models.DateTimeField(_("written at"), auto_now_add=True)

    class Meta:
        """A thread, in order."""

        verbose_name = _("message about an access request")
        verbose_name_plural = _("messages about access requests")
        ordering = ("written_at", "pk")

    def __str__(self) -> str:
        return f"{self.request_id}: {self.written_at}"


class StudyReferrer(models.Model):
    """A number by which a study names its referring physician (0008,0096), read once the study has settled."""

    study = models.ForeignKey(Study, models.CASCADE, related_name="referrers", verbose_name=_("study"))
    system = models.CharField(_("numbering system"), max_length=64, blank=True)
    number = models.CharField(_("number"), max_length=64)

    class Meta:
        """Found by study, and by number."""

        verbose_name = _("referring physician of a study")
        verbose_name_plural = _("referring physicians of studies")
        constraints = [models.UniqueConstraint(fields=["study", "system", "number"], name="study_referrer_once")]
        indexes = [models.Index(fields=["number"], name="study_referrer_number")]

    def __str__(self) -> str:
        return f"{self.study_id}: {self.system} {self.number}"
