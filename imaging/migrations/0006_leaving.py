"""The change feed tells of studies that leave a department; placements that have ended are found at once; attempts say of what."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("imaging", "0005_list_keys")]

    operations = [
        migrations.AlterModelOptions(
            name="webhookattempt",
            options={
                "ordering": ["-id"],
                "verbose_name": "webhook attempt",
                "verbose_name_plural": "webhook attempts",
            },
        ),
        migrations.AlterField(
            model_name="change",
            name="kind",
            field=models.CharField(
                choices=[
                    ("study.changed", "study changed"),
                    ("study.settled", "study settled"),
                    ("study.removed", "study removed"),
                ],
                max_length=40,
                verbose_name="kind",
            ),
        ),
        migrations.AddField(
            model_name="change",
            name="departments",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(), default=list, size=None, verbose_name="departments"
            ),
        ),
        migrations.AddField(
            model_name="change",
            name="sensitivity",
            field=models.CharField(blank=True, max_length=16, verbose_name="protection"),
            preserve_default=False,
        ),
        migrations.AddIndex(
            model_name="placement",
            index=models.Index(condition=models.Q(("until__isnull", False)), fields=["until"], name="placement_ends"),
        ),
    ]
