"""Links for health wallets."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("imaging", "0011_sharing_inbox"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ShareHealthLink",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("token_digest", models.CharField(editable=False, max_length=64, unique=True)),
                ("key_digest", models.CharField(editable=False, max_length=64)),
                ("passcode_digest", models.CharField(editable=False, max_length=128)),
                ("label", models.CharField(blank=True, max_length=80, verbose_name="label")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="made at")),
                ("valid_until", models.DateTimeField(verbose_name="until")),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="ended")),
                (
                    "made_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="made by",
                    ),
                ),
                (
                    "share",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="health_links",
                        to="imaging.share",
                        verbose_name="share",
                    ),
                ),
            ],
            options={
                "verbose_name": "SMART Health Link",
                "verbose_name_plural": "SMART Health Links",
                "ordering": ("-created_at", "-pk"),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at", None)), fields=("share",), name="one_health_link_per_share"
                    )
                ],
            },
        ),
    ]
