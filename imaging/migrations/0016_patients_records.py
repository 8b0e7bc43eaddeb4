"""Patients' standing links to their own record, and the rules of departments about them."""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import imaging.sharing.models.policies
import imaging.sharing.models.records
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0009_messaging"),
        ("imaging", "0015_handed_over"),
    ]

    operations = [
        migrations.AddField(
            model_name="share",
            name="kind",
            field=models.CharField(
                choices=[("images", "images"), ("record", "the patient's own record")],
                default="images",
                editable=False,
                max_length=8,
                verbose_name="kind",
            ),
        ),
        migrations.CreateModel(
            name="RecordLink",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "relation",
                    models.CharField(
                        choices=[
                            ("self", "the patient"),
                            ("parent", "a parent"),
                            ("guardian", "a guardian"),
                            ("partner", "the husband, wife or partner"),
                            ("child", "a grown-up child"),
                            ("relative", "another relative"),
                            ("other", "somebody else whom the patient trusts"),
                        ],
                        default="self",
                        max_length=12,
                        verbose_name="who holds it",
                    ),
                ),
                (
                    "ground",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("parental", "parental authority"),
                            ("guardianship", "guardianship, as a court decided"),
                            ("wish", "the patient's written wish"),
                        ],
                        max_length=16,
                        verbose_name="ground",
                    ),
                ),
                ("ground_words", models.CharField(blank=True, max_length=300, verbose_name="ground in words")),
                (
                    "identity",
                    models.CharField(
                        choices=[
                            ("card", "identity card or passport seen"),
                            ("known", "known in person"),
                            ("address", "sent to the address in the patient's file"),
                            ("called", "called back at the number in the patient's file"),
                        ],
                        max_length=12,
                        verbose_name="how identity was checked",
                    ),
                ),
                ("ends_of_age", models.BooleanField(default=False, verbose_name="ends when the patient comes of age")),
                (
                    "share",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="record",
                        to="imaging.share",
                        verbose_name="share",
                    ),
                ),
            ],
            options={
                "verbose_name": "link to a patient's record",
                "verbose_name_plural": "links to patients' records",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("relation", "self"), ("ground", "")),
                            models.Q(
                                models.Q(("relation", "self"), _negated=True), models.Q(("ground", ""), _negated=True)
                            ),
                            _connector="OR",
                        ),
                        name="proxy_has_a_ground",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RecordPolicy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "is_given",
                    models.BooleanField(default=False, verbose_name="patients may get a standing link to their record"),
                ),
                (
                    "roles",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("clinician", "Clinician"),
                                ("radiologist", "Radiologist"),
                                ("radiographer", "Radiographer"),
                                ("department_manager", "Department manager"),
                                ("archivist", "Film archivist"),
                                ("quality_officer", "Quality officer"),
                                ("privacy_officer", "Privacy officer"),
                                ("integrator", "Integrator"),
                                ("administrator", "Administrator"),
                                ("trainee", "Trainee"),
                            ],
                            max_length=20,
                        ),
                        blank=True,
                        default=imaging.sharing.models.policies.sharing_roles,
                        help_text="Of these, only roles that may share at all.",
                        size=None,
                        verbose_name="who gives them",
                    ),
                ),
                (
                    "most_days",
                    models.PositiveIntegerField(
                        default=365,
                        help_text="It can be extended by as much again, for as long as the patient wants it.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(3660),
                        ],
                        verbose_name="days that a link stands",
                    ),
                ),
                (
                    "most_opens",
                    models.PositiveIntegerField(
                        default=500,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(10000),
                        ],
                        verbose_name="opens at the most",
                    ),
                ),
                (
                    "most_wrong",
                    models.PositiveIntegerField(
                        default=30,
                        help_text="Counted for the whole life of a link, then it is dead.",
                        validators=[
                            django.core.validators.MinValueValidator(3),
                            django.core.validators.MaxValueValidator(50),
                        ],
                        verbose_name="wrong codes at the most",
                    ),
                ),
                (
                    "factors",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("none", "nothing but the link"),
                                ("email", "a code by e-mail"),
                                ("sms", "a code by text message"),
                                ("printed", "the code on the letter"),
                                ("birth_date", "the patient's date of birth"),
                            ],
                            max_length=12,
                        ),
                        default=imaging.sharing.models.records.record_factors,
                        help_text="A record is never opened without one.",
                        size=None,
                        verbose_name="second proofs offered",
                    ),
                ),
                (
                    "shows_images",
                    models.BooleanField(
                        default=True,
                        help_text="Off: only what was examined when, and the reports.",
                        verbose_name="images are shown",
                    ),
                ),
                ("may_download", models.BooleanField(default=True, verbose_name="images may be downloaded")),
                ("shows_reports", models.BooleanField(default=True, verbose_name="signed reports are shown")),
                (
                    "report_days",
                    models.PositiveIntegerField(
                        default=3,
                        help_text="After its signature, so that a physician can speak to the patient first. 0: at once.",
                        validators=[django.core.validators.MaxValueValidator(31)],
                        verbose_name="days before a report is shown",
                    ),
                ),
                (
                    "critical_report_days",
                    models.PositiveIntegerField(
                        default=7,
                        help_text="After its signature, and in any case not before the finding was acknowledged.",
                        validators=[django.core.validators.MaxValueValidator(31)],
                        verbose_name="days before a report with a critical finding is shown",
                    ),
                ),
                (
                    "shows_shares",
                    models.BooleanField(default=True, verbose_name="with whom images were shared is shown"),
                ),
                (
                    "names_recipients",
                    models.BooleanField(
                        default=True,
                        help_text="Off: “a colleague elsewhere”, “the referring physician”.",
                        verbose_name="people outside to whom images were given are named",
                    ),
                ),
                ("shows_looks", models.BooleanField(default=True, verbose_name="who looked is shown")),
                (
                    "names_staff",
                    models.BooleanField(
                        default=False,
                        help_text="Off: their role and department are told.",
                        verbose_name="staff are named",
                    ),
                ),
                (
                    "gives_proxies",
                    models.BooleanField(
                        default=True, verbose_name="relatives and guardians may get a link of their own"
                    ),
                ),
                ("proxies_see_reports", models.BooleanField(default=True, verbose_name="they see reports")),
                (
                    "proxies_see_looks",
                    models.BooleanField(
                        default=False, verbose_name="they see who looked, and with whom images were shared"
                    ),
                ),
                (
                    "of_age",
                    models.PositiveSmallIntegerField(
                        default=18,
                        help_text="Their link ends by itself on that birthday.",
                        validators=[
                            django.core.validators.MinValueValidator(10),
                            django.core.validators.MaxValueValidator(25),
                        ],
                        verbose_name="age from which parents have no link any more",
                    ),
                ),
                (
                    "contact",
                    models.TextField(
                        blank=True,
                        help_text="Address, telephone and hours of the department, as it stands on the page.",
                        max_length=600,
                        verbose_name="where patients ask",
                    ),
                ),
                (
                    "contact_fr",
                    models.TextField(blank=True, max_length=600, verbose_name="where patients ask, in French"),
                ),
                (
                    "department",
                    models.OneToOneField(
                        blank=True,
                        help_text="Empty: for every department without rules of its own.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="record_policy",
                        to="accounts.department",
                        verbose_name="department",
                    ),
                ),
            ],
            options={
                "verbose_name": "rules of patients' records",
                "verbose_name_plural": "rules of patients' records",
                "ordering": ("department__name",),
                "constraints": [
                    models.UniqueConstraint(
                        models.Value(1), condition=models.Q(("department", None)), name="one_record_policy_for_others"
                    )
                ],
            },
        ),
    ]
