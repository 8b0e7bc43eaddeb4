import django.db.models.deletion
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
            name='Import',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('title', models.CharField(blank=True, max_length=200, verbose_name='title')),
                ('state', models.CharField(choices=[('receiving', 'files are arriving'), ('examining', 'files are being read'), ('waiting', 'waiting for your decision'), ('registering', 'being imported'), ('done', 'imported'), ('cancelled', 'cancelled'), ('expired', 'expired'), ('failed', 'stopped by a fault')], default='receiving', max_length=12, verbose_name='state')),
                ('decisions', models.JSONField(blank=True, default=dict, verbose_name='decisions')),
                ('problem', models.CharField(blank=True, max_length=200, verbose_name='problem')),
                ('file_count', models.PositiveIntegerField(default=0, verbose_name='files')),
                ('done_count', models.PositiveIntegerField(default=0, verbose_name='files done')),
                ('stop_asked', models.BooleanField(default=False, verbose_name='stop was asked for')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='begun at')),
                ('expires_at', models.DateTimeField(verbose_name='expires at')),
                ('confirmed_at', models.DateTimeField(blank=True, null=True, verbose_name='confirmed at')),
                ('finished_at', models.DateTimeField(blank=True, null=True, verbose_name='finished at')),
                ('department', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.department', verbose_name='department')),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='brought by')),
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
                ('path', models.CharField(max_length=500, verbose_name='name')),
                ('length', models.BigIntegerField(verbose_name='length in bytes')),
                ('fingerprint', models.CharField(blank=True, max_length=128, verbose_name='fingerprint of the client')),
                ('kind', models.CharField(choices=[('unknown', 'not read yet'), ('dicom', 'DICOM object'), ('dicomdir', 'index of a disc'), ('archive', 'archive'), ('document', 'picture or document'), ('junk', 'not an image')], default='unknown', max_length=10, verbose_name='kind')),
                ('state', models.CharField(choices=[('receiving', 'arriving'), ('received', 'arrived'), ('examined', 'read'), ('registered', 'in the archive'), ('set_aside', 'kept, set aside for a check'), ('refused', 'refused'), ('skipped', 'left out')], default='receiving', max_length=10, verbose_name='state')),
                ('sop_class_uid', models.CharField(blank=True, max_length=64, verbose_name='SOP Class UID')),
                ('sop_instance_uid', models.CharField(blank=True, max_length=64, verbose_name='SOP Instance UID')),
                ('series_instance_uid', models.CharField(blank=True, max_length=64, verbose_name='Series Instance UID')),
                ('study_instance_uid', models.CharField(blank=True, max_length=64, verbose_name='Study Instance UID')),
                ('header', models.JSONField(blank=True, default=dict, verbose_name='header as received')),
                ('outcome', models.CharField(blank=True, max_length=12, verbose_name='outcome')),
                ('reason', models.CharField(blank=True, max_length=40, verbose_name='reason')),
                ('detail', models.CharField(blank=True, max_length=300, verbose_name='detail')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='begun at')),
                ('archive', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='contents', to='imaging.importedfile', verbose_name='in the archive')),
                ('delivery', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='files', to='imaging.import', verbose_name='import')),
            ],
            options={
                'verbose_name': 'file of an import',
                'verbose_name_plural': 'files of an import',
                'ordering': ['created_at', 'id'],
            },
        ),
        migrations.CreateModel(
            name='Correction',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('attributes', models.JSONField(verbose_name='corrected attributes')),
                ('origin', models.CharField(choices=[('import', 'at import'), ('quarantine', 'on release from quarantine'), ('desk', 'by a person'), ('inherited', 'as for the others of its study')], default='desk', max_length=12, verbose_name='origin')),
                ('reason', models.CharField(blank=True, max_length=200, verbose_name='reason')),
                ('made_by', models.CharField(max_length=150, verbose_name='corrected by')),
                ('made_at', models.DateTimeField(verbose_name='corrected at')),
                ('reverted_by', models.CharField(blank=True, max_length=150, verbose_name='reverted by')),
                ('reverted_at', models.DateTimeField(blank=True, null=True, verbose_name='reverted at')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='corrections', to='imaging.instanceversion', verbose_name='corrected version')),
            ],
            options={
                'verbose_name': 'correction',
                'verbose_name_plural': 'corrections',
                'ordering': ['id'],
                'indexes': [models.Index(condition=models.Q(('reverted_at', None)), fields=['version'], name='correction_in_force')],
            },
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
    ]
