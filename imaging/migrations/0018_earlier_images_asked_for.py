"""A recipient may ask for earlier images."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("imaging", "0017_collections"),
    ]

    operations = [
        migrations.AlterField(
            model_name="shareevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("made", "shared"),
                    ("allowed", "allowed by a second person"),
                    ("refused", "not allowed by a second person"),
                    ("prepared", "copies without identity ready"),
                    ("not_prepared", "no copy without identity possible"),
                    ("sent", "link sent"),
                    ("not_sent", "link could not be sent"),
                    ("printed", "letter printed"),
                    ("code_sent", "code sent"),
                    ("opened", "opened"),
                    ("proved", "second proof given"),
                    ("asked", "earlier images asked for"),
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
    ]
