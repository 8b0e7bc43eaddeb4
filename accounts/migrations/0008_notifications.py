import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0007_keep_outbound_hosts'),
    ]

    operations = [
        migrations.CreateModel(
            name='Notification',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=60, verbose_name='kind')),
                ('subject_type', models.CharField(blank=True, max_length=40, verbose_name='type of subject')),
                ('subject_uid', models.CharField(blank=True, max_length=128, verbose_name='subject')),
                ('params', models.JSONField(blank=True, default=dict, verbose_name='parameters')),
                ('path', models.CharField(max_length=300, verbose_name='page')),
                ('count', models.PositiveIntegerField(default=1, verbose_name='times')),
                ('in_page', models.BooleanField(default=True, verbose_name='in the page')),
                ('is_urgent', models.BooleanField(default=False, verbose_name='urgent')),
                ('created_at', models.DateTimeField(verbose_name='created at')),
                ('happened_at', models.DateTimeField(verbose_name='last happened at')),
                ('read_at', models.DateTimeField(blank=True, null=True, verbose_name='read at')),
                ('mail_due_at', models.DateTimeField(blank=True, null=True, verbose_name='mail due at')),
                ('mail_attempts', models.PositiveSmallIntegerField(default=0, verbose_name='attempts')),
                ('mailed_at', models.DateTimeField(blank=True, null=True, verbose_name='mailed at')),
                ('mail_problem', models.CharField(blank=True, max_length=60, verbose_name='problem of the mail')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notifications', to=settings.AUTH_USER_MODEL, verbose_name='user')),
            ],
            options={
                'verbose_name': 'notification',
                'verbose_name_plural': 'notifications',
                'indexes': [models.Index(condition=models.Q(('in_page', True)), fields=['user', '-happened_at'], name='notification_of_person'), models.Index(condition=models.Q(('mail_due_at__isnull', False)), fields=['mail_due_at'], name='notification_mail_due'), models.Index(fields=['happened_at'], name='notification_by_time')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('read_at', None)), fields=('user', 'kind', 'subject_type', 'subject_uid'), name='notification_unread_once')],
            },
        ),
        migrations.CreateModel(
            name='NotificationPreference',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=60, verbose_name='kind')),
                ('in_page', models.BooleanField(verbose_name='in the page')),
                ('by_mail', models.BooleanField(verbose_name='by mail')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notification_preferences', to=settings.AUTH_USER_MODEL, verbose_name='user')),
            ],
            options={
                'verbose_name': 'preference about notifications',
                'verbose_name_plural': 'preferences about notifications',
                'constraints': [models.UniqueConstraint(fields=('user', 'kind'), name='notification_preference_once')],
            },
        ),
    ]
