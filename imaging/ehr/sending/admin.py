"""HL7 receivers and what they are owed in the admin: whom we tell, how far that is, and what waits for a person."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Min, Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.admin_rooms import Room
from accounts.audit import Action
from accounts.audited_admin import AuditedModelAdmin, CappedPaginator
from accounts.outbound.models import validate_network
from accounts.word_lists import WordsField
from imaging.ehr import masking
from imaging.ehr.hl7 import charsets
from imaging.ehr.models import Hl7Destination, Hl7Notice
from imaging.ehr.sending import delivering, selectors, telling, words

_LONGEST_SHOWN = 100_000


class DestinationForm(forms.ModelForm):  # type: ignore[type-arg]
    """Networks one a line, departments as boxes."""

    networks = WordsField(
        each=validate_network,
        required=False,
        label=_("Private addresses"),
        help_text=Hl7Destination._meta.get_field("networks").help_text,
    )

    class Meta:
        model = Hl7Destination
        fields = ("networks", "departments")
        widgets = {"departments": forms.CheckboxSelectMultiple}


@admin.register(Hl7Destination)
class Hl7DestinationAdmin(AuditedModelAdmin[Hl7Destination]):
    """Who is told of what, and whether it gets there."""

    room = Room.MACHINES
    form = DestinationForm
    list_display = ("name", "host", "port", "uses_tls", "is_active", "owed", "owed_since", "last_taken_at", "trouble")
    list_filter = ("is_active", "site")
    search_fields = ("name", "host", "receiving_application")
    list_select_related = ("site",)
    actions = ("try_connection", "send_now")
    readonly_fields = ("owed", "owed_since", "last_taken_at", "failing_since", "next_attempt_at", "trouble")
    fieldsets = (
        (None, {"fields": ("name", "is_active", "site", "departments")}),
        (
            _("What it is told"),
            {
                "fields": (
                    *("tells_reports", "tells_preliminary", "report_form"),
                    *("tells_requests", "new_order", "tells_studies"),
                )
            },
        ),
        (
            _("Where it listens"),
            {
                "fields": (
                    *("host", "port", "networks", "uses_tls", "certificates", "own_certificate"),
                    "new_connection_each",
                )
            },
        ),
        (
            _("Header of its messages"),
            {
                "fields": (
                    *("sending_application", "sending_facility", "receiving_application", "receiving_facility"),
                    *("processing", "character_set"),
                )
            },
        ),
        (_("How far it is"), {"fields": readonly_fields}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Hl7Destination]:
        """With what each is owed."""
        waiting = Q(notices__state=Hl7Notice.State.WAITING)
        rows: QuerySet[Hl7Destination] = super().get_queryset(request)
        return rows.annotate(
            owed_count=Count("notices", filter=waiting), owed_first=Min("notices__owed_at", filter=waiting)
        )

    @admin.display(description=_("to be sent"))
    def owed(self, obj: Any) -> int:
        """How many messages wait."""
        return getattr(obj, "owed_count", 0)

    @admin.display(description=_("oldest since"))
    def owed_since(self, obj: Any) -> Any:
        """Since when the first of them waits."""
        return getattr(obj, "owed_first", None) or "-"

    @admin.display(description=_("problem"))
    def trouble(self, obj: Hl7Destination) -> str:
        """Why the last attempt failed."""
        return words.problem(obj.problem)

    @admin.action(description=_("Try the connection"), permissions=["change"])
    def try_connection(self, request: HttpRequest, queryset: QuerySet[Hl7Destination]) -> None:
        """Connect to each and hang up again; nothing of a patient goes there."""
        for destination in queryset:
            code = delivering.reach(destination)
            audit.record(
                Action.PEER_TESTED,
                actor=self.actor(request),
                subject_type="hl7destination",
                subject_uid=str(destination.pk),
                outcome=audit.Outcome.FAILED if code else audit.Outcome.SUCCESS,
                detail={"partner": destination.name, "answer": code or "answered"},
            )
            if code:
                said = gettext("%(name)s was not reached: %(problem)s")
                told = {"name": destination.name, "problem": words.problem(code)}
                self.message_user(request, said % told, messages.ERROR)
            else:
                said = gettext("%(name)s was reached.") % {"name": destination.name}
                self.message_user(request, said, messages.SUCCESS)

    @admin.action(description=_("Send now what waits"), permissions=["change"])
    def send_now(self, request: HttpRequest, queryset: QuerySet[Hl7Destination]) -> None:
        """Wait no longer after the failures of before."""
        for destination in queryset:
            delivering.resume(destination, actor=self.actor(request))
        self.message_user(request, gettext("What waits is being sent."), messages.SUCCESS)


@admin.register(Hl7Notice)
class Hl7NoticeAdmin(AuditedModelAdmin[Hl7Notice]):
    """Every message to others, newest first; what was refused is sent again or skipped."""

    room = Room.MACHINES
    list_display = ("owed_at", "destination", "kind", "about", "state", "code", "attempts", "ended_at", "note")
    list_filter = ("state", "destination", "about")
    search_fields = ("control_id", "subject_uid")
    list_select_related = ("destination",)
    date_hierarchy = "owed_at"
    paginator = CappedPaginator
    actions = ("send_again", "skip")
    _told = ("destination", "owed_at", "kind", "about", "subject_uid", "mark", "control_id", "state", "code", "note")
    readonly_fields = (*_told, "attempts", "ended_at", "decided_by", "content")
    fields = readonly_fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Hl7Notice]:
        """Without the messages themselves: a page of a hundred reports would be gigabytes."""
        rows: QuerySet[Hl7Notice] = super().get_queryset(request)
        return rows.defer("raw")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """They follow from what happens."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was told stays on record."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A message is decided about from the list; what it says is not changed."""
        return obj is None and super().has_change_permission(request, obj)

    @admin.display(description=_("message, masked"))
    def content(self, obj: Hl7Notice) -> SafeString:
        """What the message is built of."""
        codec = charsets.codec_of(obj.destination.character_set) or "utf-8"
        text = bytes(obj.raw)[:_LONGEST_SHOWN].decode(codec, "replace")
        return format_html('<pre class="message">{}</pre>', masking.masked(text, None))

    @admin.action(description=_("Send again"), permissions=["change"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Hl7Notice]) -> None:
        """Send the chosen ones again, in the order in which they became owed."""
        chosen = queryset.exclude(state=Hl7Notice.State.WAITING).order_by("pk").values_list("pk", flat=True)
        kept = Hl7Notice.objects.select_related("destination__site")
        done = [telling.send_again(kept.get(pk=pk), actor=self.actor(request)) for pk in list(chosen)]
        said = ngettext("%(count)d message is sent again.", "%(count)d messages are sent again.", sum(done))
        self.message_user(request, said % {"count": sum(done)}, messages.SUCCESS)
        if not all(done):
            self.message_user(
                request,
                gettext("What cannot be written in the receiver’s character set was not sent."),
                messages.WARNING,
            )

    @admin.action(description=_("Skip"), permissions=["change"])
    def skip(self, request: HttpRequest, queryset: QuerySet[Hl7Notice]) -> None:
        """Let the chosen ones be."""
        done = sum(delivering.skip(row, actor=self.actor(request)) for row in queryset)
        said = ngettext("%(count)d message is skipped.", "%(count)d messages are skipped.", done)
        self.message_user(request, said % {"count": done}, messages.SUCCESS)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Say above the list how many wait for a person."""
        waiting = selectors.refused().count()
        if waiting and request.method == "GET":
            said = ngettext("%(count)d message waits for a person.", "%(count)d messages wait for a person.", waiting)
            self.message_user(request, said % {"count": waiting}, messages.WARNING)
        return super().changelist_view(request, extra_context)
