import accounts.framing.models
import accounts.outbound.models
import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_keyed_requests'),
    ]

    operations = [
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
        migrations.AddField(
            model_name='department',
            name='is_personal',
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.AddField(
            model_name='user',
            name='own_place',
            field=models.OneToOneField(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='person', to='accounts.department'),
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
                'constraints': [models.UniqueConstraint(fields=('host', 'port'), name='one_row_per_outbound_host')],
            },
        ),
    ]
