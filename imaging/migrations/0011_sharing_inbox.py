"""Deliveries that came by a link: nobody's until a person takes one; and how much may come by one."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0009_messaging"),
        ("imaging", "0010_sharing"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="import",
            name="channel",
            field=models.CharField(blank=True, editable=False, max_length=32),
        ),
        migrations.AddField(
            model_name="import",
            name="sender_name",
            field=models.CharField(blank=True, max_length=200, verbose_name="sent by"),
        ),
        migrations.AddField(
            model_name="import",
            name="taken_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="taken from the inbox at"),
        ),
        migrations.AddField(
            model_name="import",
            name="visitor",
            field=models.CharField(blank=True, editable=False, max_length=32),
        ),
        migrations.AddField(
            model_name="sharepolicy",
            name="most_upload_files",
            field=models.PositiveIntegerField(
                default=10000,
                help_text="By one link, in all.",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(200000),
                ],
                verbose_name="files sent back at the most",
            ),
        ),
        migrations.AddField(
            model_name="sharepolicy",
            name="most_upload_megabytes",
            field=models.PositiveIntegerField(
                default=4000,
                help_text="By one link, in all.",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(100000),
                ],
                verbose_name="megabytes sent back at the most",
            ),
        ),
        migrations.AlterField(
            model_name="import",
            name="owner",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="brought by",
            ),
        ),
        migrations.AlterField(
            model_name="shareevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("made", "shared"),
                    ("allowed", "allowed by a second person"),
                    ("refused", "not allowed by a second person"),
                    ("sent", "link sent"),
                    ("not_sent", "link could not be sent"),
                    ("printed", "letter printed"),
                    ("code_sent", "code sent"),
                    ("opened", "opened"),
                    ("proved", "second proof given"),
                    ("looked", "images opened"),
                    ("report_read", "report read"),
                    ("downloaded", "downloaded"),
                    ("sent_back", "images sent back"),
                    ("token_given", "token for another archive given"),
                    ("wrong", "wrong code or link"),
                    ("locked", "locked after wrong codes"),
                    ("full", "refused: opened as often as allowed"),
                    ("changed", "changed"),
                    ("extended", "extended"),
                    ("revoked", "revoked"),
                ],
                max_length=12,
                verbose_name="what",
            ),
        ),
        migrations.AddIndex(
            model_name="import",
            index=models.Index(
                condition=models.Q(("channel", ""), _negated=True),
                fields=["channel", "visitor"],
                name="import_of_visitor",
            ),
        ),
        migrations.AddConstraint(
            model_name="import",
            constraint=models.CheckConstraint(
                condition=models.Q(("owner__isnull", False), models.Q(("channel", ""), _negated=True), _connector="OR"),
                name="import_has_owner_or_channel",
            ),
        ),
    ]
