"""Archives of partners, and what is pushed to them."""

import accounts.outbound.models
import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0009_messaging"),
        ("imaging", "0013_copies_without_identity"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Partner",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "name",
                    models.CharField(
                        help_text="As those who send know it.", max_length=120, unique=True, verbose_name="name"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("stow", "DICOMweb (STOW-RS)"), ("dimse", "DICOM network (C-STORE)")],
                        default="stow",
                        max_length=8,
                        verbose_name="spoken",
                    ),
                ),
                (
                    "address",
                    models.CharField(
                        blank=True,
                        help_text="Root of its DICOMweb service, without /studies. Its host must be among the outbound hosts.",
                        max_length=500,
                        validators=[django.core.validators.URLValidator(schemes=["https", "http"])],
                        verbose_name="address",
                    ),
                ),
                (
                    "auth",
                    models.CharField(
                        choices=[
                            ("none", "not at all"),
                            ("bearer", "a token (Bearer)"),
                            ("basic", "name and password (Basic)"),
                        ],
                        default="none",
                        max_length=8,
                        verbose_name="credentials",
                    ),
                ),
                ("account", models.CharField(blank=True, max_length=200, verbose_name="account")),
                ("sealed_secret", models.TextField(blank=True, editable=False)),
                ("uses_tls", models.BooleanField(default=False, verbose_name="over TLS")),
                (
                    "certificates",
                    models.TextField(
                        blank=True,
                        help_text="PEM of the authority that signed its certificate. Of a DICOMweb server: at the outbound host.",
                        validators=[accounts.outbound.models.validate_certificates],
                        verbose_name="certificates",
                    ),
                ),
                (
                    "transfer_syntaxes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            max_length=64,
                            validators=[
                                django.core.validators.RegexValidator(
                                    "^[0-9]+(\\.[0-9]+)+\\Z", "Write transfer syntaxes by their UIDs, one a line."
                                )
                            ],
                        ),
                        blank=True,
                        default=list,
                        help_text="What it takes, by UID, one a line. Empty: everything that we have is offered.",
                        size=None,
                        verbose_name="transfer syntaxes",
                    ),
                ),
                (
                    "tries_hours",
                    models.PositiveIntegerField(
                        default=24,
                        help_text="While it cannot be reached. Then the sender is told, and may try again by hand.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(336),
                        ],
                        verbose_name="hours it is tried again",
                    ),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                ("changed_at", models.DateTimeField(auto_now=True, verbose_name="changed at")),
                (
                    "departments",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Only these send to it.",
                        related_name="+",
                        to="accounts.department",
                        verbose_name="departments",
                    ),
                ),
                (
                    "device",
                    models.ForeignKey(
                        blank=True,
                        help_text="With the host and port at which it is called.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="imaging.applicationentity",
                        verbose_name="application entity",
                    ),
                ),
            ],
            options={
                "verbose_name": "partner archive",
                "verbose_name_plural": "partner archives",
                "ordering": ("name",),
            },
        ),
        migrations.CreateModel(
            name="PartnerTransfer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(editable=False, max_length=16, unique=True, verbose_name="identifier")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="asked for at")),
                ("token", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("care", "care of the patient"),
                            ("opinion", "a second opinion"),
                            ("transfer", "transfer to another hospital"),
                            ("patient", "the patient asked for them"),
                            ("teaching", "teaching"),
                            ("research", "research"),
                            ("legal", "expertise or legal request"),
                            ("other", "another one, told below"),
                        ],
                        default="care",
                        max_length=12,
                        verbose_name="purpose",
                    ),
                ),
                ("purpose_words", models.CharField(blank=True, max_length=300, verbose_name="purpose in words")),
                ("with_report", models.BooleanField(default=False, verbose_name="with the report")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("asked", "waiting for a second person"),
                            ("refused", "not allowed"),
                            ("waiting", "waiting"),
                            ("sending", "sending"),
                            ("paused", "is tried again"),
                            ("done", "sent"),
                            ("failed", "not all sent"),
                            ("stopped", "stopped"),
                        ],
                        default="waiting",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                ("run", models.UUIDField(editable=False, null=True)),
                ("total", models.PositiveIntegerField(default=0, verbose_name="objects")),
                ("sent", models.PositiveIntegerField(default=0, verbose_name="sent")),
                ("warned", models.PositiveIntegerField(default=0, verbose_name="taken with a warning")),
                ("refused", models.PositiveIntegerField(default=0, verbose_name="not taken")),
                ("octets", models.BigIntegerField(default=0, verbose_name="bytes sent")),
                ("failures", models.PositiveIntegerField(default=0, verbose_name="failures in a row")),
                ("failing_since", models.DateTimeField(blank=True, null=True, verbose_name="failing since")),
                ("next_attempt_at", models.DateTimeField(blank=True, null=True, verbose_name="next attempt")),
                ("problem", models.CharField(blank=True, max_length=40, verbose_name="problem")),
                ("problem_words", models.CharField(blank=True, max_length=200, verbose_name="answer")),
                ("started_at", models.DateTimeField(blank=True, null=True, verbose_name="started at")),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="ended at")),
                ("words", models.CharField(blank=True, max_length=300, verbose_name="why")),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="partner_transfers",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="sent by",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="decided by",
                    ),
                ),
                (
                    "department",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.department",
                        verbose_name="department",
                    ),
                ),
                (
                    "partner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transfers",
                        to="imaging.partner",
                        verbose_name="partner archive",
                    ),
                ),
                (
                    "patient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="imaging.patient",
                        verbose_name="patient",
                    ),
                ),
                (
                    "stopped_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="stopped by",
                    ),
                ),
            ],
            options={
                "verbose_name": "push to a partner archive",
                "verbose_name_plural": "pushes to partner archives",
                "ordering": ("-created_at", "-pk"),
            },
        ),
        migrations.CreateModel(
            name="TransferItem",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "instance",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="imaging.instance",
                        verbose_name="instance",
                    ),
                ),
                (
                    "series",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="imaging.series",
                        verbose_name="series",
                    ),
                ),
                (
                    "study",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="imaging.study",
                        verbose_name="study",
                    ),
                ),
                (
                    "transfer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="items",
                        to="imaging.partnertransfer",
                        verbose_name="push",
                    ),
                ),
            ],
            options={
                "verbose_name": "what is pushed",
                "verbose_name_plural": "what is pushed",
            },
        ),
        migrations.CreateModel(
            name="TransferObject",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField(verbose_name="position")),
                (
                    "state",
                    models.CharField(
                        choices=[("pending", "waiting"), ("warned", "taken with a warning"), ("refused", "not taken")],
                        default="pending",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                ("problem", models.CharField(blank=True, max_length=40, verbose_name="problem")),
                ("status", models.PositiveIntegerField(blank=True, null=True, verbose_name="status")),
                ("words", models.CharField(blank=True, max_length=200, verbose_name="answer")),
                (
                    "instance",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="imaging.instance",
                        verbose_name="instance",
                    ),
                ),
                (
                    "transfer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="objects_left",
                        to="imaging.partnertransfer",
                        verbose_name="push",
                    ),
                ),
            ],
            options={
                "verbose_name": "object of a push",
                "verbose_name_plural": "objects of a push",
                "ordering": ("position",),
            },
        ),
        migrations.AddIndex(
            model_name="partnertransfer",
            index=models.Index(fields=["created_by", "-created_at"], name="transfer_by_owner"),
        ),
        migrations.AddIndex(
            model_name="partnertransfer",
            index=models.Index(fields=["department", "-created_at"], name="transfer_by_department"),
        ),
        migrations.AddIndex(
            model_name="partnertransfer",
            index=models.Index(
                condition=models.Q(("state__in", ["waiting", "sending", "paused"])),
                fields=["state"],
                name="transfer_under_way",
            ),
        ),
        migrations.AddConstraint(
            model_name="transferitem",
            constraint=models.UniqueConstraint(
                fields=("transfer", "study", "series", "instance"), name="pushed_once", nulls_distinct=False
            ),
        ),
        migrations.AddIndex(
            model_name="transferobject",
            index=models.Index(fields=["transfer", "state", "position"], name="object_of_transfer"),
        ),
        migrations.AddConstraint(
            model_name="transferobject",
            constraint=models.UniqueConstraint(fields=("transfer", "instance"), name="object_pushed_once"),
        ),
    ]
