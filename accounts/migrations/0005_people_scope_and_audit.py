import accounts.audit.models
import accounts.federation.validators
import accounts.framing.models
import accounts.models
import accounts.outbound.models
import accounts.signing_in.models
import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_keyed_requests'),
        ('usersessions', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='AuditReceiver',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True, verbose_name='name')),
                ('host', models.CharField(max_length=253, validators=[django.core.validators.RegexValidator('^(?=.{1,253}\\Z)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*\\Z', "Write the host's name in small letters, without a scheme: pacs.hospital.example")], verbose_name='host')),
                ('port', models.PositiveIntegerField(default=6514, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(65535)], verbose_name='port')),
                ('networks', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=43, validators=[accounts.outbound.models.validate_network]), blank=True, default=list, help_text='Public addresses are always accepted. A host inside the hospital needs its address or network here, such as 10.20.0.0/16: a name that suddenly points elsewhere is then not followed.', size=None, verbose_name='private addresses')),
                ('certificates', models.TextField(blank=True, help_text="PEM of the authority that signed the receiver's certificate. Empty: the usual public ones.", validators=[accounts.outbound.models.validate_certificates], verbose_name='certificates')),
                ('own_certificate', models.CharField(blank=True, help_text='Name of a PEM file with certificate and key in the folder secrets/syslog of the data folder, where the receiver asks who is calling.', max_length=100, validators=[django.core.validators.RegexValidator('^[A-Za-z0-9][A-Za-z0-9._-]*$', 'Use letters, digits, . _ -')], verbose_name='own certificate')),
                ('event_ids', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=6), blank=True, default=list, help_text='None ticked: every event.', size=None, verbose_name='kinds of event')),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('sent_through', models.BigIntegerField(default=0, editable=False, verbose_name='sent through')),
                ('sent_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='last sent')),
                ('failures', models.PositiveIntegerField(default=0, editable=False, verbose_name='failures in a row')),
                ('failing_since', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='failing since')),
                ('next_attempt_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='next attempt')),
                ('problem', models.CharField(blank=True, editable=False, max_length=40, verbose_name='problem')),
                ('leased_until', models.DateTimeField(blank=True, editable=False, null=True)),
            ],
            options={
                'verbose_name': 'receiver of the audit',
                'verbose_name_plural': 'receivers of the audit',
                'ordering': ('name',),
            },
        ),
        migrations.CreateModel(
            name='FrameOrigin',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('origin', models.CharField(help_text='Scheme and host of the health record system, such as https://record.hospital.example.', max_length=270, unique=True, validators=[accounts.framing.models.validate_origin], verbose_name='origin')),
                ('purpose', models.CharField(max_length=200, verbose_name='what for')),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('changed_at', models.DateTimeField(auto_now=True, verbose_name='changed at')),
            ],
            options={
                'verbose_name': 'frame origin',
                'verbose_name_plural': 'frame origins',
                'ordering': ['origin'],
            },
        ),
        migrations.CreateModel(
            name='OutboundHost',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('host', models.CharField(max_length=253, validators=[django.core.validators.RegexValidator('^(?=.{1,253}\\Z)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*\\Z', "Write the host's name in small letters, without a scheme: pacs.hospital.example")], verbose_name='host')),
                ('port', models.PositiveIntegerField(default=443, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(65535)], verbose_name='port')),
                ('purpose', models.CharField(max_length=200, verbose_name='what for')),
                ('networks', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=43, validators=[accounts.outbound.models.validate_network]), blank=True, default=list, help_text='Public addresses are always accepted. A host inside the hospital needs its address or network here, such as 10.20.0.0/16: a name that suddenly points elsewhere is then not followed.', size=None, verbose_name='private addresses')),
                ('certificates', models.TextField(blank=True, help_text="PEM of the authority that signed the host's certificate, if it is the hospital's own.", validators=[accounts.outbound.models.validate_certificates], verbose_name='certificates')),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('changed_at', models.DateTimeField(auto_now=True, verbose_name='changed at')),
            ],
            options={
                'verbose_name': 'outbound host',
                'verbose_name_plural': 'outbound hosts',
                'ordering': ['host', 'port'],
            },
        ),
        migrations.CreateModel(
            name='PractitionerIdentifier',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('system', models.CharField(help_text='As DICOM and HL7 name it: RPPS, ADELI, NPI, the object identifier (1.2.250.1.71.4.2.1), or your own.', max_length=64, validators=[django.core.validators.RegexValidator('^[^\\\\\\x00-\\x20\\x7f]+$', 'No spaces, backslashes or control characters.')], verbose_name='numbering system')),
                ('number', models.CharField(max_length=64, validators=[django.core.validators.RegexValidator('^[^\\\\\\x00-\\x20\\x7f]+$', 'No spaces, backslashes or control characters.')], verbose_name='number')),
            ],
            options={
                'verbose_name': 'identifier of a practitioner',
                'verbose_name_plural': 'identifiers of practitioners',
            },
        ),
        migrations.CreateModel(
            name='SealedAccount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(choices=[('clinician', 'Clinician'), ('radiologist', 'Radiologist'), ('radiographer', 'Radiographer'), ('department_manager', 'Department manager'), ('archivist', 'Film archivist'), ('quality_officer', 'Quality officer'), ('privacy_officer', 'Privacy officer'), ('integrator', 'Integrator'), ('administrator', 'Administrator'), ('trainee', 'Trainee')], default='clinician', max_length=32, verbose_name='role')),
                ('place', models.CharField(blank=True, max_length=200, verbose_name='where the envelope lies')),
                ('open_hours', models.PositiveSmallIntegerField(default=12, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(72)], verbose_name='hours it stays open')),
                ('digest', models.CharField(editable=False, max_length=64, unique=True, verbose_name='digest')),
                ('sealed_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='sealed')),
                ('expires_at', models.DateTimeField(editable=False, verbose_name='seal good until')),
                ('opened_until', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='open until')),
                ('is_spent', models.BooleanField(default=False, editable=False, verbose_name='envelope opened')),
                ('reminded_at', models.DateTimeField(blank=True, editable=False, null=True)),
            ],
            options={
                'verbose_name': 'sealed account',
                'verbose_name_plural': 'sealed accounts',
                'ordering': ('user__username',),
            },
        ),
        migrations.CreateModel(
            name='SealedOpening',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('said_name', models.CharField(max_length=150, verbose_name='name given')),
                ('reason', models.CharField(max_length=500, verbose_name='reason')),
                ('address', models.CharField(blank=True, max_length=64, verbose_name='address')),
                ('opened_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='opened')),
                ('told_at', models.DateTimeField(blank=True, null=True, verbose_name='privacy officers told')),
                ('reviewed_at', models.DateTimeField(blank=True, null=True, verbose_name='reviewed')),
                ('review_note', models.CharField(blank=True, max_length=1000, verbose_name='what the review found')),
            ],
            options={
                'verbose_name': 'opening of a sealed account',
                'verbose_name_plural': 'openings of sealed accounts',
                'ordering': ('-opened_at', '-pk'),
            },
        ),
        migrations.CreateModel(
            name='SetPasswordLink',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(editable=False, max_length=64, unique=True, verbose_name='digest')),
                ('made_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='made')),
                ('expires_at', models.DateTimeField(verbose_name='expires')),
                ('used_at', models.DateTimeField(blank=True, null=True, verbose_name='used')),
            ],
            options={
                'verbose_name': 'set-password link',
                'verbose_name_plural': 'set-password links',
            },
        ),
        migrations.CreateModel(
            name='SignInPolicy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('mfa_roles', models.JSONField(blank=True, default=accounts.signing_in.models.default_roles, help_text='People with one of these roles enrol a passkey or an authenticator app before anything else.', validators=[accounts.signing_in.models.validate_roles], verbose_name='second factor needed by')),
                ('passkey_roles', models.JSONField(blank=True, default=accounts.signing_in.models.default_passkey_roles, help_text='A passkey cannot be given away to a false page; a code of an app can.', validators=[accounts.signing_in.models.validate_roles], verbose_name='passkey needed by')),
                ('confirmed_acts', models.JSONField(blank=True, default=accounts.signing_in.models.default_confirmed_acts, validators=[accounts.signing_in.models.validate_acts], verbose_name='proof asked again before')),
                ('passkey_acts', models.JSONField(blank=True, default=accounts.signing_in.models.default_passkey_acts, help_text='Who has no passkey cannot do these. Think of emergency access before you tick it.', validators=[accounts.signing_in.models.validate_acts], verbose_name='proof with a passkey only')),
                ('grace_days', models.PositiveSmallIntegerField(default=0, help_text="How long a person may go on without the factor that is needed, from the account's first day.", validators=[django.core.validators.MaxValueValidator(30)], verbose_name='days to enrol')),
                ('idle_minutes', models.PositiveSmallIntegerField(default=15, help_text='After this long without a key, a touch or a click, the session ends.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(240)], verbose_name='minutes without activity')),
                ('absolute_hours', models.PositiveSmallIntegerField(default=12, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(24)], verbose_name='hours in all')),
                ('step_up_minutes', models.PositiveSmallIntegerField(default=5, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(30)], verbose_name='minutes a proof stays fresh')),
                ('link_hours', models.PositiveSmallIntegerField(default=24, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(168)], verbose_name='hours a set-password link is good')),
                ('quick_switch', models.BooleanField(default=True, help_text='On a shared computer the next person signs in from the menu and comes to the same page.', verbose_name='quick switch of users')),
                ('note', models.CharField(blank=True, max_length=200, verbose_name='why')),
                ('made_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='made')),
            ],
            options={
                'verbose_name': 'sign-in policy',
                'verbose_name_plural': 'sign-in policy',
                'ordering': ('-pk',),
            },
        ),
        migrations.AddField(
            model_name='department',
            name='is_personal',
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.AddField(
            model_name='membership',
            name='clears',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('staff', 'Staff'), ('vip', 'VIP'), ('protected', 'Protected'), ('restricted', 'Restricted')], max_length=16), blank=True, default=list, help_text='Labels that do not keep this person away here, beside those that the role clears.', size=None, validators=[accounts.models.validate_clearances], verbose_name='cleared for'),
        ),
        migrations.AddField(
            model_name='membership',
            name='made_by',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='made by'),
        ),
        migrations.AddField(
            model_name='user',
            name='own_place',
            field=models.OneToOneField(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='person', to='accounts.department'),
        ),
        migrations.AddField(
            model_name='user',
            name='session_epoch',
            field=models.PositiveIntegerField(default=0, editable=False, help_text='Counts up when all sessions of the person are ended.'),
        ),
        migrations.AlterField(
            model_name='membership',
            name='department',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to='accounts.department', verbose_name='department'),
        ),
        migrations.CreateModel(
            name='AccessReview',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField(verbose_name='day')),
                ('actor_kind', models.CharField(max_length=20, verbose_name='kind of actor')),
                ('actor_id', models.CharField(max_length=256, verbose_name="actor's ID")),
                ('actor_name', models.CharField(max_length=256, verbose_name='actor')),
                ('patient_id', models.CharField(blank=True, max_length=256, verbose_name='patient ID')),
                ('issuer_of_patient_id', models.CharField(blank=True, max_length=256, verbose_name='issuer of patient ID')),
                ('signals', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('no_relation', 'No care relation known'), ('same_surname', 'Same surname as the patient'), ('colleague', 'The patient works here'), ('protected', 'The patient is specially protected'), ('volume', 'Unusually many patients in a day'), ('hour', 'Unusual hour for this person')], max_length=20), size=None, verbose_name='signals')),
                ('weight', models.PositiveSmallIntegerField(verbose_name='weight')),
                ('looks', models.PositiveIntegerField(verbose_name='events')),
                ('first_at', models.DateTimeField(verbose_name='first')),
                ('last_at', models.DateTimeField(verbose_name='last')),
                ('detail', models.JSONField(blank=True, default=dict, verbose_name='detail')),
                ('state', models.CharField(choices=[('open', 'to be looked into'), ('explained', 'explained'), ('confirmed', 'confirmed')], default='open', max_length=10, verbose_name='state')),
                ('note', models.TextField(blank=True, max_length=2000, verbose_name='note')),
                ('decided_at', models.DateTimeField(blank=True, null=True, verbose_name='decided at')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created at')),
                ('decided_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='decided by')),
            ],
            options={
                'verbose_name': 'access to review',
                'verbose_name_plural': 'accesses to review',
                'ordering': ('-day', '-weight', 'pk'),
            },
        ),
        migrations.CreateModel(
            name='AuditPolicy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('retention_years', models.PositiveSmallIntegerField(default=10, help_text='Older months are archived to files, checked, and then taken out of the database.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(100)], verbose_name='keep for years')),
                ('removes_old_months', models.BooleanField(default=False, help_text='Without this nothing is ever taken out, unless somebody runs the command and confirms it.', verbose_name='take old months out by timer')),
                ('signals', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('no_relation', 'No care relation known'), ('same_surname', 'Same surname as the patient'), ('colleague', 'The patient works here'), ('protected', 'The patient is specially protected'), ('volume', 'Unusually many patients in a day'), ('hour', 'Unusual hour for this person')], max_length=20), blank=True, default=accounts.audit.models.every_signal, size=None, verbose_name='signals')),
                ('threshold', models.PositiveSmallIntegerField(default=2, help_text='Protected or colleague 3; no relation, same surname or volume 2; hour 1.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(20)], verbose_name='weight from which a review opens')),
                ('usual_patients', models.PositiveIntegerField(default=40, validators=[django.core.validators.MinValueValidator(1)], verbose_name='patients in a day that are never unusual')),
                ('reviews_nightly', models.BooleanField(default=True, verbose_name='look into every day')),
                ('reviewed_through', models.DateField(blank=True, editable=False, null=True, verbose_name='looked into through')),
            ],
            options={
                'verbose_name': 'audit policy',
                'verbose_name_plural': 'audit policy',
                'constraints': [models.CheckConstraint(condition=models.Q(('pk', 1)), name='one_audit_policy')],
            },
        ),
        migrations.CreateModel(
            name='ClaimRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('claim', models.CharField(help_text='Its name; inside another one with a dot: realm_access.roles.', max_length=200, validators=[accounts.federation.validators.validate_claim_path], verbose_name='claim')),
                ('value', models.CharField(help_text='Exactly this text, small and capital letters told apart; * stands for any text.', max_length=200, validators=[accounts.federation.validators.validate_pattern], verbose_name='value')),
                ('role', models.CharField(choices=[('clinician', 'Clinician'), ('radiologist', 'Radiologist'), ('radiographer', 'Radiographer'), ('department_manager', 'Department manager'), ('archivist', 'Film archivist'), ('quality_officer', 'Quality officer'), ('privacy_officer', 'Privacy officer'), ('integrator', 'Integrator'), ('administrator', 'Administrator'), ('trainee', 'Trainee')], max_length=32, verbose_name='role')),
                ('lasts_days', models.PositiveSmallIntegerField(default=90, help_text='What it gives ends so long after the last sign-in by this provider.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(730)], verbose_name='lasts (days)')),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('department', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.department', verbose_name='department')),
            ],
            options={
                'verbose_name': 'claim rule',
                'verbose_name_plural': 'claim rules',
                'ordering': ('provider', 'claim', 'value', 'pk'),
            },
        ),
        migrations.AddField(
            model_name='membership',
            name='by_rule',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='accounts.claimrule'),
        ),
        migrations.CreateModel(
            name='DepartmentGroup',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(help_text='Short and lasting: used by rules.', max_length=32, unique=True, verbose_name='code')),
                ('name', models.CharField(max_length=150, verbose_name='name (English)')),
                ('name_fr', models.CharField(blank=True, max_length=150, verbose_name='name (French)')),
                ('kind', models.CharField(choices=[('site', 'site'), ('service_line', 'service line')], default='service_line', max_length=16, verbose_name='kind')),
                ('departments', models.ManyToManyField(blank=True, limit_choices_to={'is_personal': False}, related_name='groups', to='accounts.department', verbose_name='departments')),
            ],
            options={
                'verbose_name': 'group of departments',
                'verbose_name_plural': 'groups of departments',
                'ordering': ('name',),
            },
        ),
        migrations.AddField(
            model_name='membership',
            name='group',
            field=models.ForeignKey(blank=True, help_text='In place of a department: the role is then held in every department of the group.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to='accounts.departmentgroup', verbose_name='group of departments'),
        ),
        migrations.CreateModel(
            name='FederatedIdentity',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('issuer', models.CharField(max_length=500, verbose_name='issuer')),
                ('subject', models.CharField(max_length=255, verbose_name='subject')),
                ('made_account', models.BooleanField(default=False, verbose_name='made the account')),
                ('linked_at', models.DateTimeField(auto_now_add=True, verbose_name='linked')),
                ('last_used_at', models.DateTimeField(blank=True, null=True, verbose_name='last used')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='federated_identities', to=settings.AUTH_USER_MODEL, verbose_name='user')),
            ],
            options={
                'verbose_name': 'linked identity',
                'verbose_name_plural': 'linked identities',
                'ordering': ('user', 'provider'),
            },
        ),
        migrations.CreateModel(
            name='FederatedSession',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sid', models.CharField(blank=True, max_length=255)),
                ('began_at', models.DateTimeField(auto_now_add=True)),
                ('identity', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sessions', to='accounts.federatedidentity')),
                ('user_session', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='usersessions.usersession')),
            ],
            options={
                'verbose_name': 'federated session',
                'verbose_name_plural': 'federated sessions',
            },
        ),
        migrations.CreateModel(
            name='IdentityProvider',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=80, unique=True, verbose_name='name')),
                ('slug', models.SlugField(help_text='Part of the addresses that the provider is given.', max_length=40, unique=True, verbose_name='short name')),
                ('protocol', models.CharField(choices=[('oidc', 'OpenID Connect'), ('saml', 'SAML 2.0'), ('ldap', 'LDAP directory')], default='oidc', max_length=8, verbose_name='protocol')),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('label', models.CharField(blank=True, max_length=80, verbose_name='button (English)')),
                ('label_fr', models.CharField(blank=True, max_length=80, verbose_name='button (French)')),
                ('position', models.PositiveSmallIntegerField(default=10, verbose_name='position')),
                ('issuer', models.CharField(blank=True, help_text='Exactly as the provider writes it. OpenID Connect: an https address, under which the portal finds /.well-known/openid-configuration. SAML: the entity ID. LDAP: left empty.', max_length=500, validators=[accounts.federation.validators.validate_issuer], verbose_name='issuer')),
                ('client_id', models.CharField(blank=True, max_length=255, verbose_name='client ID')),
                ('sealed_secret', models.TextField(blank=True, editable=False)),
                ('client_authentication', models.CharField(choices=[('client_secret_basic', 'secret in the header (client_secret_basic)'), ('client_secret_post', 'secret in the form (client_secret_post)'), ('none', 'no secret (public client, PKCE alone)')], default='client_secret_basic', max_length=24, verbose_name='client authentication')),
                ('scopes', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=100, validators=[accounts.federation.validators.validate_scope]), blank=True, default=list, help_text='What is asked for besides openid, such as profile email groups.', size=None, verbose_name='scopes')),
                ('reads_userinfo', models.BooleanField(default=False, help_text='For providers that put claims there and not into the ID token.', verbose_name='ask the userinfo address too')),
                ('saml_metadata', models.TextField(blank=True, help_text='The XML that the provider publishes.', max_length=200000, verbose_name='SAML metadata')),
                ('admits', models.CharField(choices=[('rules', 'people whom a rule gives something: their account is made at the first sign-in'), ('known', 'only people whose account here is already linked')], default='rules', max_length=8, verbose_name='who may come in')),
                ('required_claim', models.CharField(blank=True, max_length=200, validators=[accounts.federation.validators.validate_claim_path], verbose_name='required claim')),
                ('required_value', models.CharField(blank=True, help_text='Only people whose claim has this value come in at all. * stands for any text.', max_length=200, validators=[accounts.federation.validators.validate_pattern], verbose_name='required value')),
                ('acr_mfa', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=255), blank=True, default=list, size=None, verbose_name='acr that means two factors')),
                ('amr_mfa', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=255), blank=True, default=list, help_text='One of them is enough: mfa, for example.', size=None, verbose_name='amr that means two factors')),
                ('acr_phishing_resistant', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=255), blank=True, default=list, size=None, verbose_name='acr that means phishing-resistant')),
                ('amr_phishing_resistant', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=255), blank=True, default=list, help_text='One of them is enough: hwk or fido, for example.', size=None, verbose_name='amr that means phishing-resistant')),
                ('acr_step_up', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=255), blank=True, default=list, help_text='Sent as acr_values, the most wanted first; empty: what the provider takes by default.', size=None, verbose_name='acr to ask for when somebody must prove it again')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created')),
                ('changed_at', models.DateTimeField(auto_now=True, verbose_name='changed at')),
            ],
            options={
                'verbose_name': 'identity provider',
                'verbose_name_plural': 'identity providers',
                'ordering': ('position', 'name'),
                'constraints': [models.UniqueConstraint(condition=models.Q(('issuer', ''), _negated=True), fields=('issuer',), name='identity_provider_issuer', violation_error_message='There is a provider with this issuer already.')],
            },
        ),
        migrations.AddField(
            model_name='federatedidentity',
            name='provider',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='identities', to='accounts.identityprovider', verbose_name='provider'),
        ),
        migrations.AddField(
            model_name='claimrule',
            name='provider',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rules', to='accounts.identityprovider', verbose_name='provider'),
        ),
        migrations.AddField(
            model_name='membership',
            name='given_by',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to='accounts.identityprovider', verbose_name='given by'),
        ),
        migrations.AddConstraint(
            model_name='membership',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('department__isnull', False), ('group__isnull', True)), models.Q(('department__isnull', True), ('group__isnull', False)), _connector='OR'), name='membership_of_department_or_group', violation_error_message='Choose a department or a group of departments: one of the two.'),
        ),
        migrations.AddConstraint(
            model_name='outboundhost',
            constraint=models.UniqueConstraint(fields=('host', 'port'), name='one_row_per_outbound_host'),
        ),
        migrations.AddField(
            model_name='practitioneridentifier',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='practitioner_identifiers', to=settings.AUTH_USER_MODEL, verbose_name='user'),
        ),
        migrations.AddField(
            model_name='sealedaccount',
            name='department',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.department', verbose_name='department in which it opens'),
        ),
        migrations.AddField(
            model_name='sealedaccount',
            name='user',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='sealed', to=settings.AUTH_USER_MODEL, verbose_name='account'),
        ),
        migrations.AddField(
            model_name='sealedopening',
            name='account',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='openings', to='accounts.sealedaccount', verbose_name='account'),
        ),
        migrations.AddField(
            model_name='sealedopening',
            name='reviewed_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='reviewed by'),
        ),
        migrations.AddField(
            model_name='setpasswordlink',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='user'),
        ),
        migrations.AddField(
            model_name='signinpolicy',
            name='made_by',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='made by'),
        ),
        migrations.AddIndex(
            model_name='accessreview',
            index=models.Index(fields=['state', '-day', '-weight'], name='review_by_state'),
        ),
        migrations.AddConstraint(
            model_name='accessreview',
            constraint=models.UniqueConstraint(fields=('day', 'actor_kind', 'actor_id', 'patient_id', 'issuer_of_patient_id'), name='one_review_per_person_patient_and_day'),
        ),
        migrations.AddIndex(
            model_name='federatedsession',
            index=models.Index(fields=['sid'], name='federated_session_sid'),
        ),
        migrations.AddConstraint(
            model_name='federatedidentity',
            constraint=models.UniqueConstraint(fields=('issuer', 'subject'), name='federated_identity_issuer_subject'),
        ),
        migrations.AddConstraint(
            model_name='federatedidentity',
            constraint=models.UniqueConstraint(fields=('provider', 'user'), name='federated_identity_provider_user'),
        ),
        migrations.AddConstraint(
            model_name='practitioneridentifier',
            constraint=models.UniqueConstraint(fields=('system', 'number'), name='practitioner_number_once', violation_error_message="This number is another person's already."),
        ),
        migrations.AddIndex(
            model_name='sealedaccount',
            index=models.Index(condition=models.Q(('opened_until__isnull', False)), fields=['opened_until'], name='sealed_account_open'),
        ),
    ]
