import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.core.validators
import django.db.models.deletion
import accounts.outbound.models
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_keyed_requests'),
        ('imaging', '0003_every_way_in'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Annotation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name='key')),
                ('frame_number', models.PositiveIntegerField(default=1, verbose_name='frame')),
                ('tool', models.CharField(max_length=32, verbose_name='tool')),
                ('shape', models.JSONField(verbose_name='shape')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='made at')),
                ('changed_at', models.DateTimeField(auto_now=True, verbose_name='changed at')),
                ('removed_at', models.DateTimeField(blank=True, null=True, verbose_name='taken away at')),
            ],
            options={
                'verbose_name': 'annotation',
                'verbose_name_plural': 'annotations',
            },
        ),
        migrations.CreateModel(
            name='Change',
            fields=[
                ('sequence', models.BigAutoField(primary_key=True, serialize=False, verbose_name='sequence')),
                ('kind', models.CharField(choices=[('series.started', 'series started'), ('study.changed', 'study changed'), ('study.settled', 'study settled')], max_length=40, verbose_name='kind')),
                ('study_instance_uid', models.CharField(max_length=64, verbose_name='study')),
                ('changed_at', models.DateTimeField(verbose_name='changed at')),
            ],
            options={
                'verbose_name': 'change',
                'verbose_name_plural': 'changes',
                'ordering': ['sequence'],
            },
        ),
        migrations.CreateModel(
            name='KeyImage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('frame_number', models.PositiveIntegerField(default=1, verbose_name='frame')),
                ('note', models.CharField(blank=True, max_length=200, verbose_name='note')),
                ('flagged_at', models.DateTimeField(auto_now_add=True, verbose_name='flagged at')),
            ],
            options={
                'verbose_name': 'key image',
                'verbose_name_plural': 'key images',
            },
        ),
        migrations.CreateModel(
            name='ListLayout',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('columns', models.JSONField(default=list, verbose_name='columns')),
                ('density', models.CharField(default='comfortable', max_length=12, verbose_name='density')),
                ('changed_at', models.DateTimeField(auto_now=True, verbose_name='changed at')),
            ],
            options={
                'verbose_name': 'list layout',
                'verbose_name_plural': 'list layouts',
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
            name='SavedList',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name='key')),
                ('name', models.CharField(max_length=80, verbose_name='name')),
                ('query', models.CharField(blank=True, max_length=2000, verbose_name='filters')),
                ('columns', models.JSONField(blank=True, default=list, verbose_name='columns')),
                ('audience', models.CharField(choices=[('mine', 'only me'), ('department', 'a department'), ('role', 'everybody with a role')], default='mine', max_length=12, verbose_name='shown to')),
                ('role', models.CharField(blank=True, choices=[('clinician', 'Clinician'), ('radiologist', 'Radiologist'), ('radiographer', 'Radiographer'), ('department_manager', 'Department manager'), ('archivist', 'Film archivist'), ('quality_officer', 'Quality officer'), ('privacy_officer', 'Privacy officer'), ('integrator', 'Integrator'), ('administrator', 'Administrator'), ('trainee', 'Trainee')], max_length=32, verbose_name='role')),
                ('position', models.PositiveSmallIntegerField(default=0, verbose_name='position')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created at')),
                ('changed_at', models.DateTimeField(auto_now=True, verbose_name='changed at')),
            ],
            options={
                'verbose_name': 'saved list',
                'verbose_name_plural': 'saved lists',
                'ordering': ['position', 'name', 'id'],
            },
        ),
        migrations.CreateModel(
            name='Webhook',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name='key')),
                ('address', models.CharField(help_text='Its host must be among the outbound hosts.', max_length=500, validators=[django.core.validators.URLValidator(schemes=['https', 'http'])], verbose_name='address')),
                ('description', models.CharField(blank=True, max_length=200, verbose_name='what for')),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('generation', models.PositiveIntegerField(default=1, editable=False, verbose_name='generation of the secret')),
                ('sent_through', models.BigIntegerField(default=0, editable=False, verbose_name='told up to')),
                ('failures', models.PositiveIntegerField(default=0, editable=False, verbose_name='failures in a row')),
                ('failing_since', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='failing since')),
                ('next_attempt_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='next attempt')),
                ('stopped_because', models.CharField(blank=True, editable=False, max_length=40, verbose_name='stopped because')),
                ('created_by', models.CharField(editable=False, max_length=150, verbose_name='created by')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created at')),
            ],
            options={
                'verbose_name': 'webhook',
                'verbose_name_plural': 'webhooks',
                'ordering': ['address', 'id'],
            },
        ),
        migrations.CreateModel(
            name='WebhookAttempt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('message_id', models.CharField(max_length=80, verbose_name='message')),
                ('attempted_at', models.DateTimeField(verbose_name='attempted at')),
                ('first_sequence', models.BigIntegerField(blank=True, null=True, verbose_name='from')),
                ('last_sequence', models.BigIntegerField(blank=True, null=True, verbose_name='to')),
                ('change_count', models.PositiveIntegerField(default=0, verbose_name='changes')),
                ('status', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='status')),
                ('problem', models.CharField(blank=True, max_length=40, verbose_name='problem')),
                ('milliseconds', models.PositiveIntegerField(default=0, verbose_name='milliseconds')),
            ],
            options={
                'verbose_name': 'attempt',
                'verbose_name_plural': 'attempts',
                'ordering': ['-id'],
            },
        ),
        migrations.RemoveIndex(
            model_name='placement',
            name='placement_by_date',
        ),
        migrations.RemoveIndex(
            model_name='placement',
            name='placement_by_arrival',
        ),
        migrations.RemoveIndex(
            model_name='placement',
            name='placement_by_name',
        ),
        migrations.RemoveIndex(
            model_name='placement',
            name='placement_by_patient_id',
        ),
        migrations.RemoveIndex(
            model_name='placement',
            name='placement_by_accession',
        ),
        migrations.RemoveIndex(
            model_name='placement',
            name='placement_name_trgm',
        ),
        migrations.AddField(
            model_name='applicationentity',
            name='host',
            field=models.CharField(blank=True, help_text='Name or address at which the portal calls it. Empty: the address above.', max_length=254, validators=[django.core.validators.RegexValidator('^[A-Za-z0-9]([A-Za-z0-9.:_-]{0,252}[A-Za-z0-9])?$', 'A name of the network or an address.')], verbose_name='called at'),
        ),
        migrations.AddField(
            model_name='applicationentity',
            name='may_query',
            field=models.BooleanField(default=False, help_text='It learns names and dates of all patients of its departments (C-FIND).', verbose_name='may search for studies'),
        ),
        migrations.AddField(
            model_name='applicationentity',
            name='port',
            field=models.PositiveIntegerField(blank=True, help_text='Its DICOM port, often 104 or 11112. Without one, the portal never calls it.', null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(65535)], verbose_name='port'),
        ),
        migrations.AddField(
            model_name='placement',
            name='birth_date',
            field=models.DateField(editable=False, null=True, verbose_name='birth date'),
        ),
        migrations.AddField(
            model_name='placement',
            name='body_part_examined',
            field=models.CharField(blank=True, editable=False, max_length=64, verbose_name='body part'),
        ),
        migrations.AddField(
            model_name='placement',
            name='description_norm',
            field=models.CharField(blank=True, editable=False, max_length=256, verbose_name='description for sorting'),
        ),
        migrations.AddField(
            model_name='placement',
            name='instance_count',
            field=models.PositiveIntegerField(default=0, editable=False, verbose_name='instances'),
        ),
        migrations.AddField(
            model_name='placement',
            name='modality_key',
            field=models.TextField(blank=True, editable=False, verbose_name='modalities for sorting'),
        ),
        migrations.AddField(
            model_name='placement',
            name='referring_norm',
            field=models.CharField(blank=True, editable=False, max_length=324, verbose_name='referring physician for searching'),
        ),
        migrations.AddField(
            model_name='placement',
            name='sensitivity',
            field=models.CharField(blank=True, editable=False, max_length=16, verbose_name='protection'),
        ),
        migrations.AddField(
            model_name='placement',
            name='series_count',
            field=models.PositiveIntegerField(default=0, editable=False, verbose_name='series'),
        ),
        migrations.AddField(
            model_name='placement',
            name='sex',
            field=models.CharField(blank=True, editable=False, max_length=16, verbose_name='sex'),
        ),
        migrations.AddField(
            model_name='placement',
            name='source',
            field=models.CharField(blank=True, editable=False, max_length=64, verbose_name='source'),
        ),
        migrations.AddField(
            model_name='placement',
            name='status',
            field=models.CharField(choices=[('arriving', 'arriving'), ('complete', 'complete'), ('attention', 'needs attention')], default='arriving', editable=False, max_length=12, verbose_name='status'),
        ),
        migrations.AddField(
            model_name='study',
            name='description_norm',
            field=models.CharField(blank=True, editable=False, max_length=256, verbose_name='description for sorting'),
        ),
        migrations.AddField(
            model_name='study',
            name='referring_norm',
            field=models.CharField(blank=True, editable=False, max_length=324, verbose_name='referring physician for searching'),
        ),
        migrations.AddField(
            model_name='study',
            name='source',
            field=models.CharField(blank=True, max_length=64, verbose_name='source'),
        ),
        migrations.AddField(
            model_name='study',
            name='status',
            field=models.CharField(choices=[('arriving', 'arriving'), ('complete', 'complete'), ('attention', 'needs attention')], default='arriving', max_length=12, verbose_name='status'),
        ),
        migrations.AlterField(
            model_name='applicationentity',
            name='departments',
            field=models.ManyToManyField(blank=True, help_text='It adds images to existing studies of these departments only, and finds no others.', related_name='+', to='accounts.department', verbose_name='departments'),
        ),
        migrations.AlterField(
            model_name='placement',
            name='department',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.department', verbose_name='department'),
        ),
        migrations.AlterField(
            model_name='placement',
            name='study',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='placements', to='imaging.study', verbose_name='study'),
        ),
        migrations.AddIndex(
            model_name='placement',
            index=models.Index(fields=['department', 'study_at', 'study'], include=('until', 'instance_count', 'sensitivity', 'modality_key', 'body_part_examined', 'status', 'source'), name='placement_by_date'),
        ),
        migrations.AddIndex(
            model_name='placement',
            index=models.Index(fields=['department', 'last_received_at', 'study'], include=('until', 'instance_count', 'sensitivity', 'study_at', 'modality_key', 'body_part_examined', 'status', 'source'), name='placement_by_arrival'),
        ),
        migrations.AddIndex(
            model_name='placement',
            index=models.Index(fields=['department', 'name_norm', 'study'], include=('until', 'instance_count', 'sensitivity', 'study_at', 'modality_key', 'body_part_examined', 'status', 'source'), name='placement_by_name'),
        ),
        migrations.AddIndex(
            model_name='placement',
            index=models.Index(fields=['department', 'patient_id', 'study'], include=('until', 'instance_count', 'sensitivity', 'study_at', 'modality_key', 'body_part_examined', 'status', 'source'), name='placement_by_patient_id'),
        ),
        migrations.AddIndex(
            model_name='placement',
            index=models.Index(fields=['department', 'accession_number', 'study'], include=('until', 'instance_count', 'sensitivity', 'study_at', 'modality_key', 'body_part_examined', 'status', 'source'), name='placement_by_accession'),
        ),
        migrations.AddIndex(
            model_name='placement',
            index=models.Index(fields=['department', 'modality_key', 'study'], include=('until', 'instance_count', 'sensitivity', 'study_at', 'body_part_examined', 'status', 'source'), name='placement_by_modality'),
        ),
        migrations.AddIndex(
            model_name='placement',
            index=models.Index(fields=['department', 'description_norm', 'study'], include=('until', 'instance_count', 'sensitivity', 'study_at', 'modality_key', 'body_part_examined', 'status', 'source'), name='placement_by_description'),
        ),
        migrations.AddIndex(
            model_name='placement',
            index=models.Index(fields=['department', 'body_part_examined', 'study'], include=('until', 'instance_count', 'sensitivity', 'study_at', 'modality_key', 'status', 'source'), name='placement_by_body_part'),
        ),
        migrations.AddIndex(
            model_name='placement',
            index=models.Index(fields=['department', 'birth_date', 'study'], include=('until', 'instance_count', 'sensitivity', 'study_at', 'modality_key', 'body_part_examined', 'status', 'source'), name='placement_by_birth_date'),
        ),
        migrations.AddIndex(
            model_name='placement',
            index=models.Index(fields=['department', 'sex', 'study'], include=('until', 'instance_count', 'sensitivity', 'study_at', 'modality_key', 'body_part_examined', 'status', 'source'), name='placement_by_sex'),
        ),
        migrations.AddIndex(
            model_name='placement',
            index=models.Index(fields=['department', 'referring_norm', 'study'], include=('until', 'instance_count', 'sensitivity', 'study_at', 'modality_key', 'body_part_examined', 'status', 'source'), name='placement_by_referring'),
        ),
        migrations.AddIndex(
            model_name='placement',
            index=models.Index(fields=['department', 'series_count', 'study'], include=('until', 'instance_count', 'sensitivity', 'study_at', 'modality_key', 'body_part_examined', 'status', 'source'), name='placement_by_series'),
        ),
        migrations.AddIndex(
            model_name='placement',
            index=models.Index(fields=['department', 'instance_count', 'study'], include=('until', 'sensitivity', 'study_at', 'modality_key', 'body_part_examined', 'status', 'source'), name='placement_by_instances'),
        ),
        migrations.AddIndex(
            model_name='placement',
            index=models.Index(fields=['department', 'source', 'study'], include=('until', 'instance_count', 'sensitivity', 'study_at', 'modality_key', 'body_part_examined', 'status'), name='placement_by_source'),
        ),
        migrations.AddIndex(
            model_name='placement',
            index=models.Index(fields=['department', 'status', 'study'], include=('until', 'instance_count', 'sensitivity', 'study_at', 'modality_key', 'body_part_examined', 'source'), name='placement_by_status'),
        ),
        migrations.AddIndex(
            model_name='placement',
            index=django.contrib.postgres.indexes.GinIndex(fields=['department', 'name_norm'], name='placement_name_trgm', opclasses=['int8_ops', 'gin_trgm_ops']),
        ),
        migrations.AddIndex(
            model_name='placement',
            index=django.contrib.postgres.indexes.GinIndex(fields=['department', 'referring_norm'], name='placement_referring_trgm', opclasses=['int8_ops', 'gin_trgm_ops']),
        ),
        migrations.AddIndex(
            model_name='rendition',
            index=models.Index(condition=models.Q(('state', 'failed')), fields=['problem_code'], name='rendition_failed'),
        ),
        migrations.AddField(
            model_name='annotation',
            name='author',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='author'),
        ),
        migrations.AddField(
            model_name='annotation',
            name='instance',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='annotations', to='imaging.instance', verbose_name='instance'),
        ),
        migrations.AddField(
            model_name='annotation',
            name='study',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='annotations', to='imaging.study', verbose_name='study'),
        ),
        migrations.AddIndex(
            model_name='change',
            index=models.Index(fields=['changed_at'], name='change_by_time'),
        ),
        migrations.AddField(
            model_name='keyimage',
            name='flagged_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='flagged by'),
        ),
        migrations.AddField(
            model_name='keyimage',
            name='instance',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='key_images', to='imaging.instance', verbose_name='instance'),
        ),
        migrations.AddField(
            model_name='keyimage',
            name='study',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='key_images', to='imaging.study', verbose_name='study'),
        ),
        migrations.AddField(
            model_name='listlayout',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='reader'),
        ),
        migrations.AddConstraint(
            model_name='outboundhost',
            constraint=models.UniqueConstraint(fields=('host', 'port'), name='outbound_host_and_port'),
        ),
        migrations.AddField(
            model_name='savedlist',
            name='department',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.department', verbose_name='department'),
        ),
        migrations.AddField(
            model_name='savedlist',
            name='owner',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='saved_lists', to=settings.AUTH_USER_MODEL, verbose_name='kept by'),
        ),
        migrations.AddField(
            model_name='listlayout',
            name='saved_list',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='layouts', to='imaging.savedlist', verbose_name='saved list'),
        ),
        migrations.AddField(
            model_name='webhook',
            name='machine_key',
            field=models.ForeignKey(help_text='Tells what it may know.', on_delete=django.db.models.deletion.CASCADE, related_name='webhooks', to='accounts.machinekey', verbose_name='machine key'),
        ),
        migrations.AddField(
            model_name='webhookattempt',
            name='webhook',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='attempts', to='imaging.webhook', verbose_name='webhook'),
        ),
        migrations.AddIndex(
            model_name='annotation',
            index=models.Index(condition=models.Q(('removed_at', None)), fields=['study', 'id'], name='annotation_of_study'),
        ),
        migrations.AddIndex(
            model_name='keyimage',
            index=models.Index(fields=['study'], name='key_image_of_study'),
        ),
        migrations.AddConstraint(
            model_name='keyimage',
            constraint=models.UniqueConstraint(fields=('instance', 'frame_number'), name='key_image_per_frame'),
        ),
        migrations.AddIndex(
            model_name='savedlist',
            index=models.Index(fields=['owner'], name='saved_list_owner'),
        ),
        migrations.AddConstraint(
            model_name='savedlist',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('audience', 'mine'), ('department', None), ('role', '')), models.Q(('audience', 'department'), ('department__isnull', False), ('role', '')), models.Q(('audience', 'role'), ('department', None), models.Q(('role', ''), _negated=True)), _connector='OR'), name='saved_list_audience'),
        ),
        migrations.AddConstraint(
            model_name='listlayout',
            constraint=models.UniqueConstraint(fields=('user', 'saved_list'), name='list_layout_per_reader', nulls_distinct=False),
        ),
        migrations.AddIndex(
            model_name='webhookattempt',
            index=models.Index(fields=['webhook', '-id'], name='attempt_of_webhook'),
        ),
        migrations.AddIndex(
            model_name='webhookattempt',
            index=models.Index(fields=['attempted_at'], name='attempt_by_time'),
        ),
    ]
