import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0005_people_scope_and_audit'),
        ('imaging', '0006_leaving'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='AccessLetter',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('language', models.CharField(choices=[('en', 'English'), ('fr', 'Français')], max_length=8, verbose_name='language')),
                ('since', models.DateField(verbose_name='from')),
                ('until', models.DateField(verbose_name='until, inclusive')),
                ('names_staff', models.BooleanField(verbose_name='names the staff')),
                ('content', models.JSONField(verbose_name='content')),
                ('digest', models.CharField(max_length=64, verbose_name='digest')),
                ('made_at', models.DateTimeField(verbose_name='made at')),
                ('made_by', models.CharField(max_length=150, verbose_name='made by')),
            ],
            options={
                'verbose_name': 'letter about who looked',
                'verbose_name_plural': 'letters about who looked',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='AccessPolicy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('automatic', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('treating', 'I treat the patient now'), ('referrer', 'I referred the patient'), ('ordered', 'I asked for the exam'), ('consulted', 'I am on call or was consulted'), ('second_opinion', 'I was asked for a second opinion'), ('meeting', 'I present the patient at a meeting'), ('teaching', 'none: teaching or research'), ('other', 'another one, told below')], max_length=20), blank=True, default=list, help_text='Whoever says to be this to the patient is let in at once; the audit keeps it.', size=None, verbose_name='granted at once')),
                ('verified', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('treating', 'I treat the patient now'), ('referrer', 'I referred the patient'), ('ordered', 'I asked for the exam'), ('consulted', 'I am on call or was consulted'), ('second_opinion', 'I was asked for a second opinion'), ('meeting', 'I present the patient at a meeting'), ('teaching', 'none: teaching or research'), ('other', 'another one, told below')], max_length=20), blank=True, default=list, help_text='Where no care relation is found, a person decides, as with all others.', size=None, verbose_name='granted when the portal finds it true')),
                ('longest_hours', models.PositiveIntegerField(default=168, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(8784)], verbose_name='longest duration in hours')),
                ('may_give_download', models.BooleanField(default=False, verbose_name='downloads may be given')),
                ('says_its_name', models.BooleanField(default=False, help_text="Who asks is told the department's name before it has decided. For some departments the name tells too much.", verbose_name='says that it decides')),
                ('deciders', models.CharField(choices=[('owner', 'the performing department alone'), ('treating', 'the performing and the requesting department, whoever answers first')], default='treating', max_length=12, verbose_name='decided by')),
                ('remind_hours', models.PositiveIntegerField(default=24, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(8784)], verbose_name='reminder after hours')),
                ('answer_hours', models.PositiveIntegerField(default=72, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(8784)], verbose_name='unanswered after hours')),
                ('unanswered', models.CharField(choices=[('close', 'it is closed, and who asked is told'), ('deputy', 'the deputy department may decide too')], default='close', max_length=12, verbose_name='without an answer')),
                ('referrer_hours', models.PositiveIntegerField(default=0, help_text='Those whom the images name by an identifier that is on their account. 0: they ask like others.', validators=[django.core.validators.MaxValueValidator(8784)], verbose_name="referring physicians see their patient's study for hours")),
            ],
            options={
                'verbose_name': 'access policy',
                'verbose_name_plural': 'access policies',
                'ordering': ('department__name',),
            },
        ),
        migrations.CreateModel(
            name='AccessRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('for_team', models.BooleanField(default=False, verbose_name='for the whole department')),
                ('asked_by', models.JSONField(default=dict, verbose_name='found by')),
                ('relation', models.CharField(choices=[('treating', 'I treat the patient now'), ('referrer', 'I referred the patient'), ('ordered', 'I asked for the exam'), ('consulted', 'I am on call or was consulted'), ('second_opinion', 'I was asked for a second opinion'), ('meeting', 'I present the patient at a meeting'), ('teaching', 'none: teaching or research'), ('other', 'another one, told below')], max_length=20, verbose_name='relation to the patient')),
                ('reason', models.CharField(choices=[('care', 'care going on now'), ('comparison', 'comparison with an exam of today'), ('planning', 'planning an operation or treatment'), ('follow_up', 'follow-up'), ('opinion', 'second opinion'), ('teaching', 'teaching or research'), ('other', 'another one, told below')], max_length=20, verbose_name='reason')),
                ('words', models.CharField(blank=True, max_length=500, verbose_name='in words')),
                ('hours', models.PositiveIntegerField(verbose_name='hours')),
                ('wants_download', models.BooleanField(default=False, verbose_name='with download')),
                ('state', models.CharField(choices=[('waiting', 'waiting'), ('granted', 'granted'), ('denied', 'denied'), ('withdrawn', 'withdrawn'), ('unanswered', 'closed without an answer')], default='waiting', max_length=12, verbose_name='state')),
                ('awaits_requester', models.BooleanField(default=False)),
                ('token', models.UUIDField()),
                ('asked_at', models.DateTimeField(auto_now_add=True, verbose_name='asked at')),
                ('closed_at', models.DateTimeField(blank=True, null=True, verbose_name='closed at')),
                ('reminded_at', models.DateTimeField(blank=True, null=True)),
                ('escalated_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'verbose_name': 'access request',
                'verbose_name_plural': 'access requests',
            },
        ),
        migrations.CreateModel(
            name='Breach',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('title', models.CharField(max_length=150, verbose_name='what happened, in one line')),
                ('cause', models.CharField(choices=[('account', 'an account in other hands'), ('insider', 'looks without a reason of care'), ('key', 'a machine key in other hands'), ('peer', 'a system on the network'), ('share', 'a share link in other hands'), ('loss', 'data lost or altered'), ('other', 'something else')], default='other', max_length=10, verbose_name='cause')),
                ('aware_at', models.DateTimeField(verbose_name='aware since')),
                ('account', models.TextField(blank=True, max_length=8000, verbose_name='what is known')),
                ('recorded_at', models.DateTimeField(auto_now_add=True, verbose_name='recorded at')),
                ('recorded_by', models.CharField(max_length=150, verbose_name='recorded by')),
                ('closed_at', models.DateTimeField(blank=True, null=True, verbose_name='closed at')),
                ('conclusion', models.TextField(blank=True, max_length=4000, verbose_name='conclusion')),
            ],
            options={
                'verbose_name': 'data breach',
                'verbose_name_plural': 'data breaches',
                'ordering': ['-aware_at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='BreachStep',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('step', models.CharField(choices=[('contain', 'Stop it: switch the account off, revoke the key, end the share'), ('extent', 'Find out whose data, since when and how many'), ('risk', 'Judge the risk for the people concerned, and write down why'), ('authority', 'Tell the supervisory authority within 72 hours, or write down why there is no risk'), ('agencies', 'Tell the health authority and the insurer where the law or the contract asks for it'), ('people', 'Tell the people concerned without delay when the risk is high'), ('evidence', 'Keep the evidence: audit export, list of patients, decisions'), ('lessons', 'Say what is changed so that it does not happen again')], max_length=10, verbose_name='step')),
                ('is_needed', models.BooleanField(default=True, verbose_name='was needed')),
                ('note', models.CharField(blank=True, max_length=1000, verbose_name='note')),
                ('at', models.DateTimeField(auto_now_add=True, verbose_name='time')),
                ('by', models.CharField(max_length=150, verbose_name='by')),
            ],
            options={
                'verbose_name': 'step of a data breach',
                'verbose_name_plural': 'steps of data breaches',
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='CorrectionTask',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('field', models.CharField(choices=[('name', 'name'), ('birth_date', 'birth date'), ('sex', 'sex'), ('patient_id', 'patient ID'), ('study', "a study that is not this patient's"), ('other', 'something else')], max_length=12, verbose_name='what is wrong')),
                ('wanted', models.CharField(max_length=300, verbose_name='what it should be')),
                ('evidence', models.CharField(blank=True, max_length=300, verbose_name='evidence')),
                ('state', models.CharField(choices=[('open', 'to be done'), ('done', 'done'), ('refused', 'refused')], default='open', max_length=8, verbose_name='state')),
                ('reason', models.CharField(blank=True, max_length=500, verbose_name='what was done, or why not')),
                ('asked_at', models.DateTimeField(auto_now_add=True, verbose_name='asked at')),
                ('asked_by', models.CharField(max_length=150, verbose_name='asked by')),
                ('decided_at', models.DateTimeField(blank=True, null=True, verbose_name='decided at')),
                ('decided_by', models.CharField(blank=True, max_length=150, verbose_name='decided by')),
            ],
            options={
                'verbose_name': 'correction asked for',
                'verbose_name_plural': 'corrections asked for',
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='DataPackage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.UUIDField(editable=False, unique=True, verbose_name='key')),
                ('language', models.CharField(choices=[('en', 'English'), ('fr', 'Français')], max_length=8, verbose_name='language')),
                ('has_images', models.BooleanField(default=True, verbose_name='with the images')),
                ('state', models.CharField(choices=[('waiting', 'waiting'), ('running', 'being made'), ('ready', 'ready'), ('failed', 'failed'), ('cancelled', 'cancelled'), ('expired', 'no longer kept')], default='waiting', max_length=10, verbose_name='state')),
                ('done', models.PositiveIntegerField(default=0, verbose_name='objects written')),
                ('total', models.PositiveIntegerField(default=0, verbose_name='objects')),
                ('length', models.PositiveBigIntegerField(default=0, verbose_name='length in bytes')),
                ('digest', models.CharField(blank=True, max_length=64, verbose_name='digest')),
                ('problem', models.CharField(blank=True, max_length=40, verbose_name='problem')),
                ('asked_at', models.DateTimeField(auto_now_add=True, verbose_name='asked at')),
                ('asked_by', models.CharField(max_length=150, verbose_name='asked by')),
                ('asked_by_id', models.CharField(editable=False, max_length=32)),
                ('ready_at', models.DateTimeField(blank=True, null=True, verbose_name='ready at')),
                ('until', models.DateTimeField(blank=True, null=True, verbose_name='kept until')),
            ],
            options={
                'verbose_name': "copy of a patient's data",
                'verbose_name_plural': "copies of patients' data",
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='DataSubjectRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('access', "access to one's data (art. 15)"), ('rectification', 'correction (art. 16)'), ('erasure', 'erasure (art. 17)'), ('restriction', 'restriction (art. 18)'), ('portability', 'a copy to take elsewhere (art. 20)'), ('objection', 'opposition (art. 21)')], max_length=16, verbose_name='what is asked')),
                ('asked_by', models.CharField(choices=[('self', 'the person'), ('representative', 'a legal representative'), ('mandated', 'somebody with a written mandate')], default='self', max_length=16, verbose_name='asked by')),
                ('identity_checked', models.CharField(max_length=200, verbose_name='how identity was checked')),
                ('wish', models.TextField(blank=True, max_length=2000, verbose_name='what was asked, in their words')),
                ('received_on', models.DateField(verbose_name='received on')),
                ('due_on', models.DateField(verbose_name='due on')),
                ('extended_because', models.CharField(blank=True, max_length=300, verbose_name='extended because')),
                ('state', models.CharField(choices=[('open', 'to be answered'), ('answered', 'answered'), ('refused', 'refused'), ('withdrawn', 'withdrawn')], default='open', max_length=10, verbose_name='state')),
                ('answer', models.TextField(blank=True, max_length=4000, verbose_name='answer')),
                ('answered_at', models.DateTimeField(blank=True, null=True, verbose_name='answered at')),
                ('answered_by', models.CharField(blank=True, max_length=150, verbose_name='answered by')),
                ('recorded_at', models.DateTimeField(auto_now_add=True, verbose_name='recorded at')),
                ('recorded_by', models.CharField(max_length=150, verbose_name='recorded by')),
            ],
            options={
                'verbose_name': "request about one's data",
                'verbose_name_plural': "requests about one's data",
                'ordering': ['due_on', 'id'],
            },
        ),
        migrations.CreateModel(
            name='EmergencyAccess',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('form_key', models.UUIDField(editable=False)),
                ('purpose', models.CharField(choices=[('ETREAT', 'Emergency treatment: the patient is in my care now'), ('BTG', 'Care that cannot wait: advice, on-call or transfer')], max_length=8, verbose_name='purpose')),
                ('reason', models.CharField(max_length=500, verbose_name='reason')),
                ('found_by', models.CharField(blank=True, max_length=100, verbose_name='found by')),
                ('said_name', models.CharField(blank=True, max_length=150, verbose_name='name given with a sealed account')),
                ('is_unusual', models.BooleanField(default=False, verbose_name='unusually many')),
                ('started_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='started')),
                ('until', models.DateTimeField(verbose_name='until')),
                ('ended_at', models.DateTimeField(blank=True, null=True, verbose_name='ended')),
                ('ended_how', models.CharField(blank=True, choices=[('time', 'its time was over'), ('person', 'by the person'), ('officer', 'by a privacy officer')], max_length=8, verbose_name='how it ended')),
                ('told_at', models.DateTimeField(blank=True, null=True, verbose_name='privacy officers told')),
                ('reminded_at', models.DateTimeField(blank=True, null=True, verbose_name='reminded of the review')),
                ('review_due_at', models.DateTimeField(verbose_name='review due')),
                ('verdict', models.CharField(blank=True, choices=[('justified', 'justified'), ('not_justified', 'not justified'), ('follow_up', 'needs follow-up')], max_length=16, verbose_name='verdict')),
            ],
            options={
                'verbose_name': 'emergency access',
                'verbose_name_plural': 'emergency accesses',
                'ordering': ('-started_at', '-pk'),
            },
        ),
        migrations.CreateModel(
            name='EmergencyPolicy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('minutes', models.PositiveSmallIntegerField(default=60, help_text="How long a patient's record stays open. An hour at most; it can be opened again.", validators=[django.core.validators.MinValueValidator(5), django.core.validators.MaxValueValidator(60)], verbose_name='minutes')),
                ('words', models.PositiveSmallIntegerField(default=3, help_text='A reason of fewer words is sent back. Few are better: it is typed in a hurry.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(10)], verbose_name='words of a reason')),
                ('per_hour', models.PositiveSmallIntegerField(default=3, help_text='Beyond it the record still opens, for care comes first; it is an alarm for the privacy officers.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(50)], verbose_name='usual number in an hour')),
                ('review_hours', models.PositiveSmallIntegerField(default=72, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(720)], verbose_name='hours until a review is overdue')),
                ('phone', models.CharField(blank=True, help_text='Shown to whom opens unusually many records, or finds nobody.', max_length=40, verbose_name='telephone of the privacy officers')),
            ],
            options={
                'verbose_name': 'rules of emergency access',
                'verbose_name_plural': 'rules of emergency access',
            },
        ),
        migrations.CreateModel(
            name='EmergencyReview',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('verdict', models.CharField(choices=[('justified', 'justified'), ('not_justified', 'not justified'), ('follow_up', 'needs follow-up')], max_length=16, verbose_name='verdict')),
                ('note', models.CharField(blank=True, max_length=1000, verbose_name='note')),
                ('reviewed_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='reviewed')),
            ],
            options={
                'verbose_name': 'review of an emergency access',
                'verbose_name_plural': 'reviews of emergency accesses',
                'ordering': ('-reviewed_at', '-pk'),
            },
        ),
        migrations.CreateModel(
            name='Grant',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('gives', models.CharField(choices=[('view', 'view'), ('download', 'view and download'), ('emergency', 'view in an emergency, protected studies too')], default='view', max_length=12, verbose_name='gives')),
                ('basis', models.CharField(choices=[('request', 'access request'), ('emergency', 'emergency access'), ('order', 'exam asked for by this department'), ('referrer', 'referring physician'), ('hand', 'by hand')], max_length=12, verbose_name='basis')),
                ('reason', models.CharField(blank=True, max_length=200, verbose_name='reason')),
                ('source', models.CharField(blank=True, max_length=100, verbose_name='follows from')),
                ('granted_at', models.DateTimeField(auto_now_add=True, verbose_name='granted at')),
                ('until', models.DateTimeField(blank=True, null=True, verbose_name='until')),
                ('ended_at', models.DateTimeField(blank=True, null=True, verbose_name='ended at')),
                ('ended_by', models.CharField(blank=True, max_length=150, verbose_name='ended by')),
            ],
            options={
                'verbose_name': 'grant',
                'verbose_name_plural': 'grants',
            },
        ),
        migrations.CreateModel(
            name='Letterhead',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('address', models.TextField(blank=True, max_length=500, verbose_name='address')),
                ('officer', models.CharField(blank=True, max_length=150, verbose_name='privacy officer')),
                ('contact', models.CharField(blank=True, help_text='Telephone and e-mail of the privacy officer.', max_length=300, verbose_name='contact')),
                ('authority', models.CharField(blank=True, help_text='With whom a patient may lodge a complaint, with its address. France: CNIL, www.cnil.fr.', max_length=300, verbose_name='supervisory authority')),
                ('names_staff', models.BooleanField(default=False, help_text='Otherwise they give function and department only. The officer can decide otherwise for one letter.', verbose_name='letters name the staff')),
                ('package_days', models.PositiveSmallIntegerField(default=7, validators=[django.core.validators.MinValueValidator(1)], verbose_name='days for which a prepared package is kept')),
            ],
            options={
                'verbose_name': 'letterhead of the privacy desk',
                'verbose_name_plural': 'letterheads of the privacy desk',
                'ordering': ['site'],
            },
        ),
        migrations.CreateModel(
            name='PatientChoice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('use', models.CharField(choices=[('departments', 'sharing between departments: earlier studies, automatic access'), ('outside', 'sharing outside the hospital'), ('research', 'research'), ('teaching', 'teaching'), ('portal', "the patient's own access on the web")], max_length=12, verbose_name='use')),
                ('answer', models.CharField(choices=[('opposed', 'opposed'), ('agreed', 'agreed')], max_length=8, verbose_name='answer')),
                ('said_by', models.CharField(choices=[('patient', 'the patient'), ('representative', 'a legal representative')], default='patient', max_length=16, verbose_name='said by')),
                ('said_on', models.DateField(verbose_name='said on')),
                ('evidence', models.CharField(max_length=300, verbose_name='evidence')),
                ('recorded_at', models.DateTimeField(auto_now_add=True, verbose_name='recorded at')),
                ('recorded_by', models.CharField(max_length=150, verbose_name='recorded by')),
                ('withdrawn_at', models.DateTimeField(blank=True, null=True, verbose_name='withdrawn at')),
                ('withdrawn_by', models.CharField(blank=True, max_length=150, verbose_name='withdrawn by')),
            ],
            options={
                'verbose_name': "patient's choice",
                'verbose_name_plural': "patients' choices",
                'ordering': ['-recorded_at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='Protection',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('label', models.CharField(choices=[('staff', 'Staff'), ('vip', 'VIP'), ('protected', 'Protected'), ('restricted', 'Restricted')], max_length=16, verbose_name='label')),
                ('reason', models.CharField(blank=True, max_length=200, verbose_name='reason')),
                ('origin', models.CharField(choices=[('hand', 'by a person'), ('moved', 'the study came from a protected patient')], default='hand', max_length=8, verbose_name='origin')),
                ('set_at', models.DateTimeField(auto_now_add=True, verbose_name='set at')),
                ('lifted_at', models.DateTimeField(blank=True, null=True, verbose_name='taken off at')),
                ('lifted_by', models.CharField(blank=True, max_length=150, verbose_name='taken off by')),
            ],
            options={
                'verbose_name': 'protection',
                'verbose_name_plural': 'protections',
            },
        ),
        migrations.CreateModel(
            name='RequestedStudy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('waiting', 'waiting'), ('granted', 'granted'), ('denied', 'denied'), ('revoked', 'revoked'), ('given_back', 'given back'), ('expired', 'expired'), ('closed', 'closed')], default='waiting', max_length=12, verbose_name='state')),
                ('handling', models.CharField(choices=[('automatic', 'by rule: this relation is let in at once'), ('verified', 'by rule: the relation was found to be true'), ('manual', 'by a person')], default='manual', max_length=12, verbose_name='handling')),
                ('evidence', models.JSONField(blank=True, default=list, verbose_name='evidence')),
                ('decided_at', models.DateTimeField(blank=True, null=True, verbose_name='decided at')),
                ('note', models.CharField(blank=True, max_length=500, verbose_name='note')),
                ('expiry_told_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'verbose_name': 'requested study',
                'verbose_name_plural': 'requested studies',
            },
        ),
        migrations.CreateModel(
            name='RequestLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('what', models.CharField(choices=[('recorded', 'Request recorded'), ('extended', 'Time to answer extended'), ('letter', 'Letter about who looked made'), ('package', 'Copy of the data prepared'), ('handed_over', 'Copy of the data downloaded to hand over'), ('correction', 'Correction asked for'), ('corrected', 'Correction done'), ('not_corrected', 'Correction refused'), ('restricted', 'Record restricted'), ('lifted', 'Restriction lifted'), ('choice', 'Opposition or consent recorded'), ('erased', 'Personal data erased'), ('closed', 'Request closed')], max_length=16, verbose_name='what was done')),
                ('note', models.CharField(blank=True, max_length=500, verbose_name='note')),
                ('at', models.DateTimeField(auto_now_add=True, verbose_name='time')),
                ('by', models.CharField(max_length=150, verbose_name='by')),
            ],
            options={
                'verbose_name': 'step of a request',
                'verbose_name_plural': 'steps of requests',
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='RequestMessage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('is_requesters', models.BooleanField(default=False)),
                ('words', models.CharField(max_length=1000, verbose_name='words')),
                ('written_at', models.DateTimeField(auto_now_add=True, verbose_name='written at')),
            ],
            options={
                'verbose_name': 'message about an access request',
                'verbose_name_plural': 'messages about access requests',
                'ordering': ('written_at', 'pk'),
            },
        ),
        migrations.CreateModel(
            name='StudyReferrer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('system', models.CharField(blank=True, max_length=64, verbose_name='numbering system')),
                ('number', models.CharField(max_length=64, verbose_name='number')),
            ],
            options={
                'verbose_name': 'referring physician of a study',
                'verbose_name_plural': 'referring physicians of studies',
            },
        ),
        migrations.DeleteModel(
            name='OutboundHost',
        ),
        migrations.AlterField(
            model_name='placement',
            name='kind',
            field=models.CharField(choices=[('owner', 'performing department'), ('requesting', 'requesting department'), ('grant', 'granted access'), ('grant_download', 'granted access, with download'), ('emergency', 'emergency access')], default='owner', max_length=16, verbose_name='kind'),
        ),
        migrations.AddIndex(
            model_name='patient',
            index=models.Index(condition=models.Q(('patient_id', ''), _negated=True), fields=['patient_id'], name='patient_by_number'),
        ),
        migrations.AddField(
            model_name='accessletter',
            name='patient',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='access_letters', to='imaging.patient', verbose_name='patient'),
        ),
        migrations.AddField(
            model_name='accesspolicy',
            name='department',
            field=models.OneToOneField(blank=True, help_text='Empty: for every department without a policy of its own.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='access_policy', to='accounts.department', verbose_name='department'),
        ),
        migrations.AddField(
            model_name='accesspolicy',
            name='deputy',
            field=models.ForeignKey(blank=True, help_text='Its managers decide when the department has nobody who may.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='accounts.department', verbose_name='deputy department'),
        ),
        migrations.AddField(
            model_name='accessrequest',
            name='department',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.department', verbose_name='department'),
        ),
        migrations.AddField(
            model_name='accessrequest',
            name='patient',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='imaging.patient', verbose_name='patient'),
        ),
        migrations.AddField(
            model_name='accessrequest',
            name='renews',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='renewals', to='imaging.accessrequest'),
        ),
        migrations.AddField(
            model_name='accessrequest',
            name='requester',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='who asks'),
        ),
        migrations.AddField(
            model_name='accessrequest',
            name='study',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='imaging.study', verbose_name='study'),
        ),
        migrations.AddIndex(
            model_name='breach',
            index=models.Index(condition=models.Q(('closed_at', None)), fields=['-aware_at'], name='breach_open'),
        ),
        migrations.AddField(
            model_name='breachstep',
            name='breach',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='steps', to='imaging.breach', verbose_name='data breach'),
        ),
        migrations.AddField(
            model_name='correctiontask',
            name='patient',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='correction_tasks', to='imaging.patient', verbose_name='patient'),
        ),
        migrations.AddField(
            model_name='datapackage',
            name='patient',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='packages', to='imaging.patient', verbose_name='patient'),
        ),
        migrations.AddField(
            model_name='datasubjectrequest',
            name='account',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='account'),
        ),
        migrations.AddField(
            model_name='datasubjectrequest',
            name='patient',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='privacy_requests', to='imaging.patient', verbose_name='patient'),
        ),
        migrations.AddField(
            model_name='datapackage',
            name='request',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='packages', to='imaging.datasubjectrequest', verbose_name='request'),
        ),
        migrations.AddField(
            model_name='correctiontask',
            name='request',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='corrections', to='imaging.datasubjectrequest', verbose_name='request'),
        ),
        migrations.AddField(
            model_name='accessletter',
            name='request',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='letters', to='imaging.datasubjectrequest', verbose_name='request'),
        ),
        migrations.AddField(
            model_name='emergencyaccess',
            name='ended_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='emergencyaccess',
            name='patient',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='imaging.patient', verbose_name='patient'),
        ),
        migrations.AddField(
            model_name='emergencyaccess',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='person'),
        ),
        migrations.AddConstraint(
            model_name='emergencypolicy',
            constraint=models.CheckConstraint(condition=models.Q(('pk', 1)), name='one_emergency_policy'),
        ),
        migrations.AddField(
            model_name='emergencyreview',
            name='emergency',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reviews', to='imaging.emergencyaccess', verbose_name='access'),
        ),
        migrations.AddField(
            model_name='emergencyreview',
            name='reviewer',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='reviewer'),
        ),
        migrations.AddField(
            model_name='grant',
            name='granted_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='granted by'),
        ),
        migrations.AddField(
            model_name='grant',
            name='holder',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.department', verbose_name='holder'),
        ),
        migrations.AddField(
            model_name='grant',
            name='patient',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='grants', to='imaging.patient', verbose_name='patient'),
        ),
        migrations.AddField(
            model_name='grant',
            name='study',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='grants', to='imaging.study', verbose_name='study'),
        ),
        migrations.AddField(
            model_name='emergencyaccess',
            name='grant',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='imaging.grant', verbose_name='grant'),
        ),
        migrations.AddField(
            model_name='letterhead',
            name='site',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='letterhead', to='accounts.site', verbose_name='site'),
        ),
        migrations.AddField(
            model_name='patientchoice',
            name='patient',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='choices', to='imaging.patient', verbose_name='patient'),
        ),
        migrations.AddField(
            model_name='protection',
            name='patient',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='protections', to='imaging.patient', verbose_name='patient'),
        ),
        migrations.AddField(
            model_name='protection',
            name='set_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='set by'),
        ),
        migrations.AddField(
            model_name='protection',
            name='study',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='protections', to='imaging.study', verbose_name='study'),
        ),
        migrations.AddField(
            model_name='requestedstudy',
            name='decided_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='decided by'),
        ),
        migrations.AddField(
            model_name='requestedstudy',
            name='department',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.department', verbose_name='department'),
        ),
        migrations.AddField(
            model_name='requestedstudy',
            name='grant',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='imaging.grant', verbose_name='grant'),
        ),
        migrations.AddField(
            model_name='requestedstudy',
            name='request',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='studies', to='imaging.accessrequest', verbose_name='request'),
        ),
        migrations.AddField(
            model_name='requestedstudy',
            name='study',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='imaging.study', verbose_name='study'),
        ),
        migrations.AddField(
            model_name='requestline',
            name='request',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='imaging.datasubjectrequest', verbose_name='request'),
        ),
        migrations.AddField(
            model_name='requestmessage',
            name='author',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='who'),
        ),
        migrations.AddField(
            model_name='requestmessage',
            name='request',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='messages', to='imaging.accessrequest'),
        ),
        migrations.AddField(
            model_name='studyreferrer',
            name='study',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='referrers', to='imaging.study', verbose_name='study'),
        ),
        migrations.AddConstraint(
            model_name='accesspolicy',
            constraint=models.UniqueConstraint(models.Value(1), condition=models.Q(('department', None)), name='one_access_policy_for_others'),
        ),
        migrations.AddIndex(
            model_name='accessrequest',
            index=models.Index(fields=['requester', '-asked_at'], name='access_request_mine'),
        ),
        migrations.AddIndex(
            model_name='accessrequest',
            index=models.Index(condition=models.Q(('state', 'waiting')), fields=['asked_at'], name='access_request_waits'),
        ),
        migrations.AddConstraint(
            model_name='accessrequest',
            constraint=models.UniqueConstraint(fields=('requester', 'token'), name='access_request_once'),
        ),
        migrations.AddConstraint(
            model_name='breachstep',
            constraint=models.UniqueConstraint(fields=('breach', 'step'), name='breach_step_once'),
        ),
        migrations.AddIndex(
            model_name='datasubjectrequest',
            index=models.Index(condition=models.Q(('state', 'open')), fields=['due_on'], name='privacy_request_due'),
        ),
        migrations.AddConstraint(
            model_name='datasubjectrequest',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('account__isnull', True), ('patient__isnull', False)), models.Q(('account__isnull', False), ('patient__isnull', True)), _connector='OR'), name='request_of_patient_or_account'),
        ),
        migrations.AddIndex(
            model_name='datapackage',
            index=models.Index(condition=models.Q(('state', 'ready')), fields=['until'], name='package_ends'),
        ),
        migrations.AddIndex(
            model_name='correctiontask',
            index=models.Index(condition=models.Q(('state', 'open')), fields=['patient'], name='correction_task_open'),
        ),
        migrations.AddIndex(
            model_name='grant',
            index=models.Index(condition=models.Q(('ended_at', None), ('until__isnull', False)), fields=['until'], name='grant_ends'),
        ),
        migrations.AddConstraint(
            model_name='grant',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('patient__isnull', False), ('study__isnull', True)), models.Q(('patient__isnull', True), ('study__isnull', False)), _connector='OR'), name='grant_of_patient_or_study'),
        ),
        migrations.AddConstraint(
            model_name='grant',
            constraint=models.UniqueConstraint(condition=models.Q(models.Q(('source', ''), _negated=True), ('ended_at', None)), fields=('holder', 'source'), name='grant_once_per_source'),
        ),
        migrations.AddIndex(
            model_name='emergencyaccess',
            index=models.Index(fields=['user', '-started_at'], name='emergency_of_person'),
        ),
        migrations.AddIndex(
            model_name='emergencyaccess',
            index=models.Index(fields=['verdict', 'review_due_at'], name='emergency_to_review'),
        ),
        migrations.AddIndex(
            model_name='emergencyaccess',
            index=models.Index(condition=models.Q(('ended_at', None)), fields=['until'], name='emergency_open'),
        ),
        migrations.AddIndex(
            model_name='emergencyaccess',
            index=models.Index(condition=models.Q(('told_at', None)), fields=['started_at'], name='emergency_untold'),
        ),
        migrations.AddConstraint(
            model_name='emergencyaccess',
            constraint=models.UniqueConstraint(fields=('user', 'form_key'), name='emergency_once_per_form'),
        ),
        migrations.AddConstraint(
            model_name='emergencyaccess',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='emergency_has_reason'),
        ),
        migrations.AddConstraint(
            model_name='patientchoice',
            constraint=models.UniqueConstraint(condition=models.Q(('withdrawn_at', None)), fields=('patient', 'use'), name='one_choice_in_force_per_use'),
        ),
        migrations.AddConstraint(
            model_name='protection',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('patient__isnull', False), ('study__isnull', True)), models.Q(('patient__isnull', True), ('study__isnull', False)), _connector='OR'), name='protection_of_patient_or_study'),
        ),
        migrations.AddConstraint(
            model_name='protection',
            constraint=models.UniqueConstraint(condition=models.Q(('lifted_at', None), ('patient__isnull', False)), fields=('patient', 'label'), name='protection_of_patient_once'),
        ),
        migrations.AddConstraint(
            model_name='protection',
            constraint=models.UniqueConstraint(condition=models.Q(('lifted_at', None), ('study__isnull', False)), fields=('study', 'label'), name='protection_of_study_once'),
        ),
        migrations.AddIndex(
            model_name='requestedstudy',
            index=models.Index(condition=models.Q(('state__in', ['waiting', 'granted'])), fields=['study'], name='requested_study_open'),
        ),
        migrations.AddConstraint(
            model_name='requestedstudy',
            constraint=models.UniqueConstraint(fields=('request', 'study'), name='study_once_per_request'),
        ),
        migrations.AddIndex(
            model_name='studyreferrer',
            index=models.Index(fields=['number'], name='study_referrer_number'),
        ),
        migrations.AddConstraint(
            model_name='studyreferrer',
            constraint=models.UniqueConstraint(fields=('study', 'system', 'number'), name='study_referrer_once'),
        ),
    ]
