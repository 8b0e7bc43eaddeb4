"""Collections: sets of studies with members, and what is said about them."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0009_messaging"),
        ("imaging", "0016_patients_records"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Collection",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(editable=False, max_length=16, unique=True, verbose_name="identifier")),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("tumour_board", "tumour board"),
                            ("teaching", "teaching"),
                            ("research", "research"),
                            ("other", "other"),
                        ],
                        default="tumour_board",
                        max_length=12,
                        verbose_name="kind",
                    ),
                ),
                ("description", models.TextField(blank=True, max_length=2000, verbose_name="description")),
                ("made_at", models.DateTimeField(auto_now_add=True, verbose_name="made at")),
                ("changed_at", models.DateTimeField(auto_now_add=True, verbose_name="last change")),
                ("archived_at", models.DateTimeField(blank=True, null=True, verbose_name="archived at")),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                (
                    "deidentification",
                    models.OneToOneField(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="collection",
                        to="imaging.deidentification",
                    ),
                ),
                (
                    "department",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.department",
                        verbose_name="department that answers for it",
                    ),
                ),
                (
                    "made_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="made by",
                    ),
                ),
            ],
            options={
                "verbose_name": "collection",
                "verbose_name_plural": "collections",
                "ordering": ("-changed_at", "-pk"),
            },
        ),
        migrations.CreateModel(
            name="CollectionItem",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField(default=0, verbose_name="place in the order")),
                ("note", models.CharField(blank=True, max_length=300, verbose_name="why it is here")),
                ("added_at", models.DateTimeField(auto_now_add=True, verbose_name="added at")),
                ("removed_at", models.DateTimeField(blank=True, null=True, verbose_name="taken out at")),
                (
                    "added_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="added by",
                    ),
                ),
                (
                    "collection",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="items",
                        to="imaging.collection",
                        verbose_name="collection",
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
                    "patient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="imaging.patient",
                        verbose_name="patient",
                    ),
                ),
                (
                    "removed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="taken out by",
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
            ],
            options={
                "verbose_name": "study of a collection",
                "verbose_name_plural": "studies of a collection",
                "ordering": ("position", "pk"),
            },
        ),
        migrations.CreateModel(
            name="CollectionComment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("words", models.TextField(max_length=4000, verbose_name="comment")),
                ("written_at", models.DateTimeField(auto_now_add=True, verbose_name="written at")),
                ("changed_at", models.DateTimeField(blank=True, null=True, verbose_name="changed at")),
                ("deleted_at", models.DateTimeField(blank=True, null=True, verbose_name="deleted at")),
                ("before", models.JSONField(default=list, editable=False)),
                (
                    "author",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="author",
                    ),
                ),
                (
                    "collection",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="comments",
                        to="imaging.collection",
                        verbose_name="collection",
                    ),
                ),
                (
                    "item",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="comments",
                        to="imaging.collectionitem",
                        verbose_name="study",
                    ),
                ),
            ],
            options={
                "verbose_name": "comment in a collection",
                "verbose_name_plural": "comments in a collection",
                "ordering": ("-written_at", "-pk"),
            },
        ),
        migrations.CreateModel(
            name="CollectionMember",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("may_add", models.BooleanField(default=False, verbose_name="may add studies")),
                ("may_comment", models.BooleanField(default=True, verbose_name="may comment")),
                ("may_download", models.BooleanField(default=False, verbose_name="may download")),
                ("manages", models.BooleanField(default=False, verbose_name="manages it")),
                ("added_at", models.DateTimeField(auto_now_add=True, verbose_name="added at")),
                (
                    "added_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="added by",
                    ),
                ),
                (
                    "collection",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="members",
                        to="imaging.collection",
                        verbose_name="collection",
                    ),
                ),
                (
                    "department",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="collections",
                        to="accounts.department",
                        verbose_name="department",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="collections",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="person",
                    ),
                ),
            ],
            options={
                "verbose_name": "member of a collection",
                "verbose_name_plural": "members of a collection",
            },
        ),
        migrations.AddIndex(
            model_name="collectionitem",
            index=models.Index(fields=["collection", "position"], name="item_in_order"),
        ),
        migrations.AddConstraint(
            model_name="collectionitem",
            constraint=models.UniqueConstraint(
                condition=models.Q(("removed_at", None)),
                fields=("collection", "study"),
                name="study_in_collection_once",
            ),
        ),
        migrations.AddIndex(
            model_name="collectioncomment",
            index=models.Index(fields=["collection", "-written_at"], name="comment_in_collection"),
        ),
        migrations.AddConstraint(
            model_name="collectionmember",
            constraint=models.UniqueConstraint(
                fields=("collection", "user", "department"), name="member_of_collection_once", nulls_distinct=False
            ),
        ),
        migrations.AddConstraint(
            model_name="collectionmember",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("department", None), ("user__isnull", False)),
                    models.Q(("department__isnull", False), ("user", None)),
                    _connector="OR",
                ),
                name="member_is_person_or_department",
            ),
        ),
        migrations.AddConstraint(
            model_name="collectionmember",
            constraint=models.CheckConstraint(
                condition=models.Q(("manages", False), ("user__isnull", False), _connector="OR"),
                name="only_people_manage_collections",
            ),
        ),
    ]
