import django.db.models.deletion
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
                ('granted_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='granted by')),
                ('holder', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.department', verbose_name='holder')),
                ('patient', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='grants', to='imaging.patient', verbose_name='patient')),
                ('study', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='grants', to='imaging.study', verbose_name='study')),
            ],
            options={
                'verbose_name': 'grant',
                'verbose_name_plural': 'grants',
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
    ]
