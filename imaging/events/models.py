"""Outbox rows, written in the transaction of the change they tell of, and the jobs that follow from them."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Event(models.Model):
    """Something happened to a subject. One pending row per kind and subject: more of the same only moves its due time."""

    class Kind(models.TextChoices):
        """`noun.past_participle`."""

        SERIES_STARTED = "series.started", _("series started")
        STUDY_CHANGED = "study.changed", _("study changed")
        STUDY_SETTLED = "study.settled", _("study settled")
        REQUEST_CHANGED = "request.changed", _("exam request changed")
        REPORT_CHANGED = "report.changed", _("report changed")
        REPORT_READ = "report.read", _("report read by who asked")

    kind = models.CharField(_("kind"), max_length=40, choices=Kind.choices)
    subject_uid = models.CharField(_("subject"), max_length=64)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    due_at = models.DateTimeField(_("due at"))
    drained_at = models.DateTimeField(_("drained at"), null=True, blank=True)

    class Meta:
        """Pending rows are few; drained ones are kept for a while to answer "what happened?"."""

        verbose_name = _("event")
        verbose_name_plural = _("events")
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject_uid"], condition=Q(drained_at=None), name="event_pending_once"
            )
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(drained_at=None), name="event_pending_due")]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_uid}"


class Job(models.Model):
    """One step to run for one subject. This row is the truth; Celery only executes it (DESIGN 4.5)."""

    class State(models.TextChoices):
        """Waiting or running jobs have a future; done, failed and cancelled ones a past."""

        WAITING = "waiting", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    class Queue(models.TextChoices):
        """The promise a step makes: short means under a minute."""

        SHORT = "short", _("short")
        LONG = "long", _("long")

    step = models.CharField(_("step"), max_length=60)
    subject_uid = models.CharField(_("subject"), max_length=64)
    study_instance_uid = models.CharField(_("study"), max_length=64, blank=True)
    queue = models.CharField(_("queue"), max_length=10, choices=Queue.choices, default=Queue.SHORT)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    rerun = models.BooleanField(_("asked again while running"), default=False)
    due_at = models.DateTimeField(_("due at"))
    lease_until = models.DateTimeField(_("leased until"), null=True, blank=True)
    lease_token = models.UUIDField(_("lease"), null=True, blank=True)
    problem_code = models.CharField(_("problem"), max_length=40, blank=True)
    problem_detail = models.TextField(_("what went wrong"), blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta:
        """The idempotency key is (step, subject): the same work is never queued twice."""

        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        constraints = [models.UniqueConstraint(fields=["step", "subject_uid"], name="job_step_and_subject")]
        indexes = [
            models.Index(fields=["queue", "due_at"], condition=Q(state="waiting"), name="job_waiting"),
            models.Index(fields=["lease_until"], condition=Q(state="running"), name="job_leases"),
            models.Index(fields=["study_instance_uid"], condition=Q(state="failed"), name="job_failed_by_study"),
        ]

    def __str__(self) -> str:
        return f"{self.step} {self.subject_uid} ({self.state})"


class Change(models.Model):
    """One line of the change feed: a study changed. No patient data; who reads it is told only of studies in scope.

    Written by the drain alone, one at a time, so that whoever has read up to a sequence number has missed none.

    A removed study is in nobody's scope who is to hear of it: such a line says itself whom it concerns, by the
    ``departments`` that had the study and its protection while they had it.
    """

    class Kind(models.TextChoices):
        """What is told; the first two as the events say."""

        STUDY_CHANGED = Event.Kind.STUDY_CHANGED.value, Event.Kind.STUDY_CHANGED.label
        STUDY_SETTLED = Event.Kind.STUDY_SETTLED.value, Event.Kind.STUDY_SETTLED.label
        STUDY_REMOVED = "study.removed", _("study removed")

    sequence = models.BigAutoField(_("sequence"), primary_key=True)
    kind = models.CharField(_("kind"), max_length=40, choices=Kind.choices)
    study_instance_uid = models.CharField(_("study"), max_length=64)
    changed_at = models.DateTimeField(_("changed at"))
    departments = ArrayField(models.BigIntegerField(), verbose_name=_("departments"), default=list)
    sensitivity = models.CharField(_("protection"), max_length=16, blank=True)

    class Meta:
        """Read forward from a sequence number; forgotten after some months."""

        verbose_name = _("change")
        verbose_name_plural = _("changes")
        ordering = ["sequence"]
        indexes = [
            models.Index(fields=["changed_at"], name="change_by_time"),
            models.Index(fields=["study_instance_uid", "changed_at"], name="change_of_study"),
        ]

    def __str__(self) -> str:
        return f"{self.sequence} {self.kind} {self.study_instance_uid}"
