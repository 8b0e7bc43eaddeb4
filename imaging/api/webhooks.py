"""Webhooks: where a machine wants to be told of changes. Each machine sees and keeps its own."""

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import MachineKey
from accounts.outbound.errors import Refused as MayNotBeCalled
from imaging.api.errors import Problem, Refused
from imaging.api.fields import MomentField
from imaging.api.resource import Resource
from imaging.webhooks import policies, selectors, services
from imaging.webhooks.models import Webhook

_WHY = {
    "not_an_address": _("This is not an address that can be called."),
    "not_https": _("Only https is called."),
    "host_not_listed": _("Its host is not among the portal's outbound hosts: an administrator adds it first."),
}


class WebhookFields(serializers.Serializer[Any]):
    """A receiver, and how far it has got."""

    id = serializers.UUIDField(source="key")
    address = serializers.CharField()
    description = serializers.CharField()
    is_active = serializers.BooleanField()
    sent_through = serializers.IntegerField(help_text="Sequence number up to which everything was taken.")
    failures = serializers.IntegerField(help_text="Messages in a row that were not taken.")
    next_attempt_at = MomentField(allow_null=True)
    stopped_because = serializers.CharField(help_text="`gone`, `takes_nothing`, or empty.")
    created_at = MomentField()


class NewWebhook(serializers.Serializer[Any]):
    """Where to tell."""

    address = serializers.CharField(
        max_length=500, help_text="An https address on a host that administrators have listed."
    )
    description = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)


class WebhookList(serializers.Serializer[Any]):
    """All of a machine's webhooks."""

    results = WebhookFields(many=True)


class AttemptFields(serializers.Serializer[Any]):
    """One request to the receiver."""

    message_id = serializers.CharField(help_text="The header `webhook-id`: the same when a message is repeated.")
    attempted_at = MomentField()
    first_sequence = serializers.IntegerField(allow_null=True)
    last_sequence = serializers.IntegerField(allow_null=True)
    change_count = serializers.IntegerField()
    status = serializers.IntegerField(allow_null=True, help_text="What the receiver answered, or null.")
    problem = serializers.CharField(help_text="Why there is no answer, such as `no_connection` or `not_trusted`.")
    milliseconds = serializers.IntegerField()


class Attempts(serializers.Serializer[Any]):
    """The latest attempts."""

    results = AttemptFields(many=True)


class SecretFields(serializers.Serializer[Any]):
    """What messages are signed with."""

    secret = serializers.CharField(help_text="As Standard Webhooks writes it: `whsec_` and 32 bytes in base64.")


class Webhooks(Resource):
    """A machine's webhooks."""

    @extend_schema(operation_id="webhooks_list", summary="Webhooks of this machine key", responses=WebhookList)
    def get(self, request: Request) -> Response:
        """List them."""
        return Response({"results": WebhookFields(selectors.webhooks_of(_machine(self)), many=True).data})

    @extend_schema(
        operation_id="webhooks_create",
        summary="Be told of changes",
        description="From now on, every change of a study that this key may list is posted to the address, in order and "
        "signed, until it is answered with 2xx. Messages name studies by UID only. For machine keys alone; the secret of "
        "the signature is read from `secret`.",
        request=NewWebhook,
        responses={201: WebhookFields},
    )
    def post(self, request: Request) -> Response:
        """Make one."""
        machine = _machine(self)
        given = NewWebhook(data=request.data)
        given.is_valid(raise_exception=True)
        try:
            webhook = services.create(machine_key=machine, actor=self.actor, **given.validated_data)
        except MayNotBeCalled as error:
            raise serializers.ValidationError({"address": _WHY[error.code]}) from error
        except ValidationError as error:
            raise serializers.ValidationError({"address": error.messages}) from error
        response = Response(WebhookFields(webhook).data, status=201)
        response["Location"] = request.build_absolute_uri(f"{request.path}/{webhook.key}")
        return response


class OneWebhook(Resource):
    """One webhook."""

    @extend_schema(operation_id="webhooks_retrieve", summary="One webhook", responses=WebhookFields)
    def get(self, request: Request, key: UUID) -> Response:
        """Tell how far it has got."""
        return Response(WebhookFields(_webhook(self, key)).data)

    @extend_schema(operation_id="webhooks_remove", summary="Be told no more", responses={204: None})
    def delete(self, request: Request, key: UUID) -> Response:
        """Forget it."""
        webhook = _webhook(self, key)
        self.expect(self.tag_of(WebhookFields(webhook).data))
        services.remove(webhook, actor=self.actor)
        return Response(status=204)


class WebhookTest(Resource):
    """A message without changes."""

    @extend_schema(
        operation_id="webhooks_test",
        summary="Send a test message",
        description="Posts a signed message of the type `webhook.tested`, now, and tells what came back.",
        request=None,
        responses=AttemptFields,
    )
    def post(self, request: Request, key: UUID) -> Response:
        """Send it."""
        return Response(AttemptFields(services.test(_webhook(self, key))).data)


class WebhookResume(Resource):
    """A webhook that was switched off, to be switched on."""

    @extend_schema(
        operation_id="webhooks_resume",
        summary="Switch on again",
        description="Goes on where the receiver stopped, as far as the feed reaches back.",
        request=None,
        responses={202: WebhookFields},
    )
    def post(self, request: Request, key: UUID) -> Response:
        """Switch it on."""
        services.resume(_webhook(self, key), actor=self.actor)
        return Response(WebhookFields(_webhook(self, key)).data, status=202)


class WebhookSecret(Resource):
    """What a webhook's messages are signed with: HMAC-SHA256, as Standard Webhooks has it."""

    @extend_schema(operation_id="webhooks_secret", summary="The secret of the signature", responses=SecretFields)
    def get(self, request: Request, key: UUID) -> Response:
        """Tell it to the machine that the webhook belongs to."""
        webhook = _webhook(self, key)
        response = Response({"secret": policies.secret_of(webhook.key, webhook.generation)})
        response["Cache-Control"] = "no-store"
        return response

    @extend_schema(
        operation_id="webhooks_renew_secret",
        summary="Replace the secret",
        description="The old one is void at once; read the new one from the same address.",
        request=None,
        responses={204: None},
    )
    def post(self, request: Request, key: UUID) -> Response:
        """Replace it."""
        services.renew_secret(_webhook(self, key), actor=self.actor)
        return Response(status=204)


class WebhookAttempts(Resource):
    """What was sent to a receiver."""

    @extend_schema(
        operation_id="webhooks_attempts",
        summary="The latest attempts",
        description="Fifty, newest first; kept for thirty days.",
        responses=Attempts,
    )
    def get(self, request: Request, key: UUID) -> Response:
        """List them."""
        return Response({"results": AttemptFields(selectors.attempts_of(_webhook(self, key)), many=True).data})


def _machine(view: Resource) -> MachineKey:
    """The machine that asks. Raises ``Refused`` for a person: a webhook lives and ends with a key."""
    machine = view.request.auth
    if not isinstance(machine, MachineKey):
        raise Refused(
            Problem.FORBIDDEN, detail=_("Webhooks belong to machine keys. People make them in the administration.")
        )
    return machine


def _webhook(view: Resource, key: UUID) -> Webhook:
    """The machine's own webhook. Raises ``Refused``."""
    found = selectors.webhook_of(_machine(view), key)
    if found is None:
        raise Refused(Problem.NOT_FOUND)
    return found
