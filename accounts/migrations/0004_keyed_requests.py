from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_shares_priors'),
    ]

    operations = [
        migrations.CreateModel(
            name='KeyedRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('principal', models.CharField(max_length=80, verbose_name='principal')),
                ('key', models.CharField(max_length=255, verbose_name='key')),
                ('route', models.CharField(max_length=300, verbose_name='route')),
                ('digest', models.CharField(blank=True, max_length=64, verbose_name='digest of the request')),
                ('token', models.UUIDField(verbose_name='token of who is at work')),
                ('working_until', models.DateTimeField(verbose_name='at work until')),
                ('status', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='status of the answer')),
                ('content_type', models.CharField(blank=True, max_length=100, verbose_name='type of the answer')),
                ('body', models.BinaryField(default=b'', verbose_name='answer')),
                ('created_at', models.DateTimeField(verbose_name='created')),
                ('expires_at', models.DateTimeField(verbose_name='expires')),
            ],
            options={
                'verbose_name': 'request with a key',
                'verbose_name_plural': 'requests with a key',
                'indexes': [models.Index(fields=['expires_at'], name='keyed_request_expiry')],
                'constraints': [models.UniqueConstraint(fields=('principal', 'key'), name='keyed_request_once')],
            },
        ),
    ]
