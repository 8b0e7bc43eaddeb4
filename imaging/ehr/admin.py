"""HL7 systems and their messages in the admin: who sends, what came of it, and what waits for a person."""

from typing import Any, NamedTuple

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import CharField, ModelForm, Textarea
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.admin_rooms import Room
from accounts.audit import Action
from accounts.audited_admin import AuditedModelAdmin, CappedPaginator
from imaging.ehr import masking, selectors, services
from imaging.ehr.hl7 import charsets
from imaging.ehr.hl7.message import headline
from imaging.ehr.hl7.refusals import Refused
from imaging.ehr.models import Hl7Message, Hl7Peer

_UNDONE = (Hl7Message.State.FAILED, Hl7Message.State.REFUSED, Hl7Message.State.AWAITING)
#: Characters of a message on its page: a PDF in it is megabytes of letters.
_LONGEST_SHOWN = 100_000
#: Bytes of a message that can be put right in a page.
_LONGEST_EDITED = 1 << 20


@admin.register(Hl7Peer)
class Hl7PeerAdmin(AuditedModelAdmin[Hl7Peer]):
    """Who may send messages, and how what they say is understood."""

    room = Room.MACHINES
    list_display = ("name", "sending_application", "sending_facility", "address", "is_active", "last_seen_at")
    list_filter = ("is_active", "site")
    search_fields = ("name", "sending_application", "sending_facility")
    list_select_related = ("site",)
    readonly_fields = ("last_seen_at",)


class MessageForm(ModelForm):  # type: ignore[type-arg]
    """A message that waits or was refused, as text that can be put right."""

    text = CharField(
        label=_("message"),
        widget=Textarea(attrs={"rows": 16, "spellcheck": "false"}),
        strip=False,
        help_text=_("One segment a line. What came stays as it came; what is saved here is sent in instead of it."),
    )

    class Meta:
        model = Hl7Message
        fields = ("text",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Begin with what was edited last, or with what came."""
        super().__init__(*args, **kwargs)
        self.fields["text"].initial = "\n".join(masking.lines(_text(self.instance)))

    def clean_text(self) -> str:
        """Refuse what has no header any more."""
        text = str(self.cleaned_data["text"])
        try:
            headline(text.encode())
        except Refused as why:
            self.add_error("text", why.text)
        return text


@admin.register(Hl7Message)
class Hl7MessageAdmin(AuditedModelAdmin[Hl7Message]):
    """Every message, newest first; one that waits or was refused is put right and sent in again, or skipped."""

    room = Room.MACHINES
    list_display = ("received_at", "peer", "kind", "control_id", "state", "code", "error_code", "note")
    # Not by type or error: the values of these would be looked for in every message there is.
    list_filter = ("state", "peer")
    search_fields = ("control_id",)
    list_select_related = ("peer",)
    date_hierarchy = "received_at"
    paginator = CappedPaginator
    actions = ("send_in_again", "skip")
    _told = ("received_at", "peer", "address", "kind", "control_id", "is_reused_id", "state", "code", "error_code")
    readonly_fields = (*_told, "error_location", "note", "times_sent", "attempts", "ended_at", "decided_by", "content")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Messages come from systems."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What came is kept."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only what had no effect can be decided about."""
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or (obj.state in _UNDONE and len(obj.raw) <= _LONGEST_EDITED))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Hl7Message]:
        """Without the messages themselves: a page of a hundred reports would be gigabytes."""
        rows: QuerySet[Hl7Message] = super().get_queryset(request)
        return rows.defer("raw", "edited")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Offer the text of what waits; its reading is on record."""
        if obj is not None and self.has_change_permission(request, obj):
            kwargs["form"] = MessageForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The whole text of what can be put right, the masked one of everything else."""
        told = [name for name in self.readonly_fields if name != "content"]
        return [*told, "text" if self.has_change_permission(request, obj) else "content"]

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> Any:
        """Show one message; a text that is not masked is on record before it is shown."""
        obj = self.get_object(request, object_id)
        if obj is not None and self.has_change_permission(request, obj):
            self.record(request, Action.HL7_MESSAGE_READ, obj, kind=obj.kind)
        return super().change_view(request, object_id, *args, **kwargs)

    @admin.display(description=_("message, masked"))
    def content(self, obj: Hl7Message) -> str:
        """What the message is built of."""
        try:
            found = headline(bytes(obj.raw))
        except Refused:
            found = None
        return format_html('<pre class="message">{}</pre>', masking.masked(_text(obj)[:_LONGEST_SHOWN], found))

    def save_model(self, request: HttpRequest, obj: Hl7Message, form: Any, change: bool) -> None:
        """Send in what was put right."""
        row = services.retry(obj, actor=self.actor(request), edited=form.cleaned_data["text"])
        self._say(request, [_outcome(row)])

    @admin.action(description=_("Send in again"), permissions=["change"])
    def send_in_again(self, request: HttpRequest, queryset: QuerySet[Hl7Message]) -> None:
        """Apply the chosen ones that wait or were refused, in the order in which they came."""
        chosen = queryset.filter(state__in=_UNDONE).order_by("pk").values_list("pk", flat=True)
        self._say(request, [self._retried(request, pk) for pk in list(chosen)])

    def _retried(self, request: HttpRequest, pk: int) -> "_Outcome":
        """One message at a time, and none is held: each may be megabytes."""
        row = Hl7Message.objects.select_related("peer__site").get(pk=pk)
        return _outcome(services.retry(row, actor=self.actor(request)))

    @admin.action(description=_("Skip"), permissions=["change"])
    def skip(self, request: HttpRequest, queryset: QuerySet[Hl7Message]) -> None:
        """Let the chosen ones be."""
        done = sum(services.skip(row, actor=self.actor(request)) for row in queryset)
        said = ngettext("%(count)d message is skipped.", "%(count)d messages are skipped.", done)
        self.message_user(request, said % {"count": done}, messages.SUCCESS)

    def _say(self, request: HttpRequest, outcomes: list["_Outcome"]) -> None:
        applied = sum(outcome.is_done for outcome in outcomes)
        if applied:
            said = ngettext("%(count)d message was taken over.", "%(count)d messages were taken over.", applied)
            self.message_user(request, said % {"count": applied}, messages.SUCCESS)
        for outcome in outcomes:
            if not outcome.is_done:
                told = {"message": outcome.name, "note": outcome.note}
                said = gettext("%(message)s was not taken over: %(note)s") % told
                self.message_user(request, said, messages.WARNING)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Say above the list how many wait."""
        waiting = selectors.waiting().count()
        if waiting and request.method == "GET":
            said = ngettext("%(count)d message waits for a person.", "%(count)d messages wait for a person.", waiting)
            self.message_user(request, said % {"count": waiting}, messages.WARNING)
        return super().changelist_view(request, extra_context)


class _Outcome(NamedTuple):
    """What became of a message that was sent in again."""

    name: str
    note: str
    is_done: bool


def _outcome(row: Hl7Message) -> _Outcome:
    return _Outcome(str(row), row.note, row.state in services.DONE)


def _text(row: Hl7Message) -> str:
    """The text of a message for reading, whatever its bytes are."""
    if row.edited is not None:
        return bytes(row.edited).decode()
    raw = bytes(row.raw)
    try:
        found = headline(raw)
        codec = charsets.codec_of(row.peer.character_set) if row.peer else None
        return charsets.decoded(raw, found[18], codec or "ascii")[0]
    except (Refused, charsets.NotDecodable):
        return raw.decode("latin-1")
