import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_audit_partitions'),
        ('imaging', '0002_append_only_ledger'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ConflictDecision',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('choose', 'another version is shown'), ('keep', 'left as it is'), ('revert', 'taken back')], max_length=10, verbose_name='decision')),
                ('latest_seen', models.BigIntegerField(verbose_name='latest version seen')),
                ('note', models.CharField(blank=True, max_length=500, verbose_name='note')),
                ('decided_at', models.DateTimeField(verbose_name='decided at')),
            ],
            options={
                'verbose_name': 'decision about versions',
                'verbose_name_plural': 'decisions about versions',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='CopyOrder',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tier', models.CharField(max_length=40, verbose_name='to the tier')),
                ('attempts', models.PositiveSmallIntegerField(default=0, verbose_name='attempts')),
                ('due_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='due at')),
                ('problem', models.CharField(blank=True, choices=[('', 'none'), ('no_answer', 'the store does not answer'), ('key_refused', 'the store refuses our key'), ('no_bucket', 'the store has no such bucket'), ('store_full', 'the store is full'), ('store_error', 'the store answers with an error'), ('differs', 'what was read back differs'), ('object_missing', 'no copy is left to read from'), ('object_damaged', 'the copy to read from is damaged'), ('storage_away', 'the copy to read from is out of reach'), ('unexpected', 'unexpected error, see the log')], default='', max_length=20, verbose_name='problem')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='ordered at')),
            ],
            options={
                'verbose_name': 'waiting copy',
                'verbose_name_plural': 'waiting copies',
            },
        ),
        migrations.CreateModel(
            name='Correction',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('group', models.UUIDField(db_index=True, editable=False, verbose_name='decided together')),
                ('attributes', models.JSONField(verbose_name='corrected attributes')),
                ('received', models.JSONField(default=dict, editable=False, verbose_name='attributes as received')),
                ('assumed', models.JSONField(default=dict, editable=False, verbose_name='known beside the headers')),
                ('origin', models.CharField(choices=[('import', 'at import'), ('quarantine', 'on release from quarantine'), ('desk', 'by a person'), ('inherited', 'as for the others of its study')], default='desk', max_length=12, verbose_name='origin')),
                ('reason', models.CharField(blank=True, max_length=200, verbose_name='reason')),
                ('made_by', models.CharField(max_length=150, verbose_name='corrected by')),
                ('made_at', models.DateTimeField(verbose_name='corrected at')),
                ('reverted_by', models.CharField(blank=True, max_length=150, verbose_name='reverted by')),
                ('reverted_at', models.DateTimeField(blank=True, null=True, verbose_name='reverted at')),
            ],
            options={
                'verbose_name': 'correction',
                'verbose_name_plural': 'corrections',
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='Import',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('title', models.CharField(blank=True, max_length=200, verbose_name='title')),
                ('state', models.CharField(choices=[('receiving', 'files are arriving'), ('examining', 'files are being read'), ('waiting', 'waiting for your decision'), ('registering', 'being imported'), ('done', 'imported'), ('cancelled', 'cancelled'), ('expired', 'expired'), ('failed', 'stopped by a fault')], default='receiving', max_length=12, verbose_name='state')),
                ('summary', models.JSONField(blank=True, default=dict, verbose_name='what it holds')),
                ('decisions', models.JSONField(blank=True, default=dict, verbose_name='decisions')),
                ('problem', models.CharField(blank=True, max_length=200, verbose_name='problem')),
                ('file_count', models.PositiveIntegerField(default=0, verbose_name='files')),
                ('byte_count', models.BigIntegerField(default=0, verbose_name='bytes')),
                ('total_count', models.PositiveIntegerField(default=0, verbose_name='files of this step')),
                ('done_count', models.PositiveIntegerField(default=0, verbose_name='files done')),
                ('stop_asked', models.BooleanField(default=False, verbose_name='stop was asked for')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='begun at')),
                ('expires_at', models.DateTimeField(verbose_name='expires at')),
                ('confirmed_at', models.DateTimeField(blank=True, null=True, verbose_name='confirmed at')),
                ('finished_at', models.DateTimeField(blank=True, null=True, verbose_name='finished at')),
            ],
            options={
                'verbose_name': 'import',
                'verbose_name_plural': 'imports',
                'ordering': ['-created_at'],
            },
        ),
        migrations.CreateModel(
            name='ImportedFile',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('position', models.PositiveIntegerField(default=0, verbose_name='position in the archive')),
                ('path', models.CharField(max_length=500, verbose_name='name')),
                ('length', models.BigIntegerField(verbose_name='length in bytes')),
                ('fingerprint', models.CharField(blank=True, max_length=128, verbose_name='fingerprint of the client')),
                ('kind', models.CharField(choices=[('unknown', 'not read yet'), ('dicom', 'DICOM object'), ('dicomdir', 'index of a disc'), ('archive', 'archive'), ('document', 'picture or document'), ('junk', 'not an image')], default='unknown', max_length=10, verbose_name='kind')),
                ('state', models.CharField(choices=[('receiving', 'arriving'), ('received', 'arrived'), ('examined', 'read'), ('registered', 'in the archive'), ('set_aside', 'kept, set aside for a check'), ('refused', 'refused'), ('skipped', 'left out')], default='receiving', max_length=10, verbose_name='state')),
                ('sop_class_uid', models.CharField(blank=True, max_length=64, verbose_name='SOP Class UID')),
                ('sop_instance_uid', models.CharField(blank=True, max_length=64, verbose_name='SOP Instance UID')),
                ('series_instance_uid', models.CharField(blank=True, max_length=64, verbose_name='Series Instance UID')),
                ('study_instance_uid', models.CharField(blank=True, max_length=64, verbose_name='Study Instance UID')),
                ('patient_key', models.CharField(blank=True, max_length=8, verbose_name='patient of the delivery')),
                ('outcome', models.CharField(blank=True, max_length=12, verbose_name='outcome')),
                ('reason', models.CharField(blank=True, max_length=40, verbose_name='reason')),
                ('detail', models.CharField(blank=True, max_length=300, verbose_name='detail')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='begun at')),
            ],
            options={
                'verbose_name': 'file of an import',
                'verbose_name_plural': 'files of an import',
                'ordering': ['created_at', 'id'],
            },
        ),
        migrations.CreateModel(
            name='QuarantineDecision',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('release', 'released as it is'), ('correct', 'corrected and released'), ('reject', 'rejected'), ('reopen', 'taken back: waits again'), ('withdraw', 'release undone: waits again')], max_length=10, verbose_name='decision')),
                ('reason_code', models.CharField(blank=True, choices=[('wrong_patient', 'wrong patient, cannot be put right'), ('test', 'test or phantom image'), ('not_ours', 'not meant for this hospital'), ('sent_again', 'was sent again correctly'), ('damaged', 'damaged or incomplete'), ('other', 'another reason')], max_length=16, verbose_name='reason')),
                ('note', models.CharField(blank=True, max_length=500, verbose_name='note')),
                ('attributes', models.JSONField(blank=True, default=dict, verbose_name='corrected attributes')),
                ('renewed', models.CharField(blank=True, max_length=10, verbose_name='new identifiers from')),
                ('decided_at', models.DateTimeField(verbose_name='decided at')),
            ],
            options={
                'verbose_name': 'decision about quarantine',
                'verbose_name_plural': 'decisions about quarantine',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='Quota',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('door', models.CharField(blank=True, max_length=16, verbose_name='door')),
                ('sender', models.CharField(blank=True, help_text='AE title, machine or account name.', max_length=64, validators=[django.core.validators.RegexValidator('^[^\\x00-\\x1f]*$', 'No control characters. * stands for any text, ? for one character.')], verbose_name='sender')),
                ('objects_per_day', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1)], verbose_name='objects per day')),
                ('megabytes_per_day', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1)], verbose_name='megabytes per day')),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
            ],
            options={
                'verbose_name': 'quota',
                'verbose_name_plural': 'quotas',
                'ordering': ['sender', 'door', 'id'],
            },
        ),
        migrations.CreateModel(
            name='Receipt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('hour', models.DateTimeField(verbose_name='hour')),
                ('door', models.CharField(max_length=16, verbose_name='door')),
                ('sender', models.CharField(blank=True, max_length=64, verbose_name='sender')),
                ('new', models.PositiveIntegerField(default=0, verbose_name='new')),
                ('duplicate', models.PositiveIntegerField(default=0, verbose_name='known already')),
                ('conflict', models.PositiveIntegerField(default=0, verbose_name='second versions')),
                ('quarantined', models.PositiveIntegerField(default=0, verbose_name='set aside')),
                ('refused', models.PositiveIntegerField(default=0, verbose_name='refused')),
                ('octets', models.BigIntegerField(default=0, verbose_name='bytes')),
                ('longest_wait', models.FloatField(default=0, verbose_name='longest wait for registration, in seconds')),
                ('last_at', models.DateTimeField(verbose_name='last at')),
                ('last_address', models.CharField(blank=True, max_length=64, verbose_name='last address')),
                ('last_refusal', models.CharField(blank=True, max_length=200, verbose_name='last refusal')),
            ],
            options={
                'verbose_name': 'receipt',
                'verbose_name_plural': 'receipts',
                'ordering': ['-hour', 'sender'],
            },
        ),
        migrations.AddField(
            model_name='applicationentity',
            name='silence_hours',
            field=models.PositiveIntegerField(blank=True, help_text='Integrators are told when it has not called for so long. Empty: no alarm.', null=True, verbose_name='alarm after hours of silence'),
        ),
        migrations.AddField(
            model_name='applicationentity',
            name='silent_since',
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name='silent since'),
        ),
        migrations.AddField(
            model_name='instanceversion',
            name='is_corrected',
            field=models.BooleanField(default=False, editable=False, verbose_name='corrected'),
        ),
        migrations.AddField(
            model_name='objectcopy',
            name='spare_since',
            field=models.DateTimeField(blank=True, null=True, verbose_name='not needed here since'),
        ),
        migrations.AddField(
            model_name='quarantinedobject',
            name='corrections',
            field=models.JSONField(blank=True, default=dict, verbose_name='attributes that its sender corrected'),
        ),
        migrations.AddField(
            model_name='quarantinedobject',
            name='outcome',
            field=models.CharField(blank=True, max_length=12, verbose_name='what became of it'),
        ),
        migrations.AddField(
            model_name='quarantinedobject',
            name='version',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='imaging.instanceversion', verbose_name='version'),
        ),
        migrations.AddField(
            model_name='rendition',
            name='shown_with',
            field=models.CharField(blank=True, max_length=64, verbose_name='shown with'),
        ),
        migrations.AddField(
            model_name='study',
            name='is_corrected',
            field=models.BooleanField(default=False, editable=False, verbose_name='corrected'),
        ),
        migrations.AlterField(
            model_name='objectcopy',
            name='state',
            field=models.CharField(choices=[('written', 'written, digest checked while writing'), ('verified', 'read back and verified'), ('damaged', 'damaged: the digest differs'), ('missing', 'missing'), ('leaving', 'being removed: verified elsewhere')], default='written', max_length=10, verbose_name='state'),
        ),
        migrations.AlterField(
            model_name='quarantinedobject',
            name='state',
            field=models.CharField(choices=[('open', 'waiting for a decision'), ('releasing', 'being released'), ('released', 'released'), ('rejected', 'rejected')], default='open', max_length=10, verbose_name='state'),
        ),
        migrations.AlterField(
            model_name='rendition',
            name='kind',
            field=models.CharField(choices=[('thumbnail', 'thumbnail, 256 px'), ('preview', 'preview, 1024 px'), ('cine', 'moving picture, 256 px')], max_length=10, verbose_name='kind'),
        ),
        migrations.AddIndex(
            model_name='instanceversion',
            index=models.Index(condition=models.Q(('state', 'conflicting')), fields=['instance'], name='version_in_conflict'),
        ),
        migrations.AddIndex(
            model_name='objectcopy',
            index=models.Index(condition=models.Q(('spare_since__isnull', False)), fields=['tier', 'spare_since'], name='object_copy_spare'),
        ),
        migrations.AddField(
            model_name='conflictdecision',
            name='before',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='imaging.instanceversion', verbose_name='version shown before'),
        ),
        migrations.AddField(
            model_name='conflictdecision',
            name='chosen',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='imaging.instanceversion', verbose_name='version shown'),
        ),
        migrations.AddField(
            model_name='conflictdecision',
            name='decided_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='decided by'),
        ),
        migrations.AddField(
            model_name='conflictdecision',
            name='instance',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='imaging.instance', verbose_name='instance'),
        ),
        migrations.AddField(
            model_name='copyorder',
            name='stored_object',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='copy_orders', to='imaging.storedobject', verbose_name='stored object'),
        ),
        migrations.AddField(
            model_name='correction',
            name='study',
            field=models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='corrections', to='imaging.study', verbose_name='study'),
        ),
        migrations.AddField(
            model_name='correction',
            name='version',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='corrections', to='imaging.instanceversion', verbose_name='corrected version'),
        ),
        migrations.AddField(
            model_name='import',
            name='department',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.department', verbose_name='department'),
        ),
        migrations.AddField(
            model_name='import',
            name='owner',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='brought by'),
        ),
        migrations.AddField(
            model_name='importedfile',
            name='archive',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='contents', to='imaging.importedfile', verbose_name='in the archive'),
        ),
        migrations.AddField(
            model_name='importedfile',
            name='delivery',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='files', to='imaging.import', verbose_name='import'),
        ),
        migrations.AddField(
            model_name='quarantinedecision',
            name='decided_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='decided by'),
        ),
        migrations.AddField(
            model_name='quarantinedecision',
            name='objects_decided',
            field=models.ManyToManyField(blank=True, related_name='decisions', to='imaging.quarantinedobject', verbose_name='objects'),
        ),
        migrations.AddField(
            model_name='quarantinedecision',
            name='place_in',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.department', verbose_name='placed in'),
        ),
        migrations.AddField(
            model_name='quarantinedobject',
            name='decision',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='in_force', to='imaging.quarantinedecision', verbose_name='decision in force'),
        ),
        migrations.AddIndex(
            model_name='quarantinedobject',
            index=models.Index(fields=['study_instance_uid', 'sender'], name='quarantine_by_study'),
        ),
        migrations.AddIndex(
            model_name='receipt',
            index=models.Index(fields=['sender', '-hour'], name='receipt_of_sender'),
        ),
        migrations.AddConstraint(
            model_name='receipt',
            constraint=models.UniqueConstraint(fields=('hour', 'door', 'sender'), name='receipt_per_hour_and_sender'),
        ),
        migrations.AddIndex(
            model_name='conflictdecision',
            index=models.Index(fields=['instance', 'latest_seen'], name='conflict_decision_of'),
        ),
        migrations.AddIndex(
            model_name='copyorder',
            index=models.Index(fields=['tier', 'due_at'], name='copy_order_due'),
        ),
        migrations.AddConstraint(
            model_name='copyorder',
            constraint=models.UniqueConstraint(fields=('stored_object', 'tier'), name='copy_order_per_tier'),
        ),
        migrations.AddIndex(
            model_name='correction',
            index=models.Index(condition=models.Q(('reverted_at', None)), fields=['version'], name='correction_in_force'),
        ),
        migrations.AddIndex(
            model_name='correction',
            index=models.Index(condition=models.Q(('reverted_at', None)), fields=['study'], name='correction_of_study'),
        ),
        migrations.AddIndex(
            model_name='import',
            index=models.Index(fields=['owner', '-created_at'], name='import_of_person'),
        ),
        migrations.AddIndex(
            model_name='import',
            index=models.Index(condition=models.Q(('state__in', ['receiving', 'examining', 'waiting', 'registering'])), fields=['state', 'created_at'], name='import_unfinished'),
        ),
        migrations.AddIndex(
            model_name='importedfile',
            index=models.Index(fields=['delivery', 'state'], name='imported_file_by_state'),
        ),
        migrations.AddConstraint(
            model_name='importedfile',
            constraint=models.UniqueConstraint(condition=models.Q(('fingerprint', ''), _negated=True), fields=('delivery', 'fingerprint'), name='imported_file_once'),
        ),
    ]
