import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_audit_partitions'),
        ('imaging', '0003_every_way_in'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
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
                ('department', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.department', verbose_name='department')),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='saved_lists', to=settings.AUTH_USER_MODEL, verbose_name='kept by')),
            ],
            options={
                'verbose_name': 'saved list',
                'verbose_name_plural': 'saved lists',
                'ordering': ['position', 'name', 'id'],
            },
        ),
        migrations.CreateModel(
            name='ListLayout',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('columns', models.JSONField(default=list, verbose_name='columns')),
                ('density', models.CharField(default='comfortable', max_length=12, verbose_name='density')),
                ('changed_at', models.DateTimeField(auto_now=True, verbose_name='changed at')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='reader')),
                ('saved_list', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='layouts', to='imaging.savedlist', verbose_name='saved list')),
            ],
            options={
                'verbose_name': 'list layout',
                'verbose_name_plural': 'list layouts',
            },
        ),
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
                ('author', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='author')),
                ('instance', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='annotations', to='imaging.instance', verbose_name='instance')),
                ('study', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='annotations', to='imaging.study', verbose_name='study')),
            ],
            options={
                'verbose_name': 'annotation',
                'verbose_name_plural': 'annotations',
                'indexes': [models.Index(condition=models.Q(('removed_at', None)), fields=['study', 'id'], name='annotation_of_study')],
            },
        ),
        migrations.CreateModel(
            name='KeyImage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('frame_number', models.PositiveIntegerField(default=1, verbose_name='frame')),
                ('note', models.CharField(blank=True, max_length=200, verbose_name='note')),
                ('flagged_at', models.DateTimeField(auto_now_add=True, verbose_name='flagged at')),
                ('flagged_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='flagged by')),
                ('instance', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='key_images', to='imaging.instance', verbose_name='instance')),
                ('study', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='key_images', to='imaging.study', verbose_name='study')),
            ],
            options={
                'verbose_name': 'key image',
                'verbose_name_plural': 'key images',
                'indexes': [models.Index(fields=['study'], name='key_image_of_study')],
                'constraints': [models.UniqueConstraint(fields=('instance', 'frame_number'), name='key_image_per_frame')],
            },
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
    ]
