import accounts.messaging.gateway_call
import accounts.messaging.models
import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0008_notifications'),
    ]

    operations = [
        migrations.CreateModel(
            name='SmsGatewaySettings',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('backend', models.CharField(choices=[('none', 'nobody: text messages are not offered'), ('http', 'a gateway, called over HTTPS'), ('file', 'a file (demo only)'), ('console', "the server's own log (demo only)")], default='none', max_length=8, verbose_name='who takes them')),
                ('country', models.CharField(default='FR', help_text="Where a number typed without a country's prefix is.", max_length=2, validators=[django.core.validators.RegexValidator('^[A-Z]{2}\\Z', 'Write the two letters of the country, such as FR.')], verbose_name='country')),
                ('most_per_day', models.PositiveIntegerField(default=300, help_text='Each message costs, and somebody may try to have many sent.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(100000)], verbose_name='messages in a day at the most')),
                ('sender', models.CharField(blank=True, help_text='What the gateway shows as the sender, for {sender}.', max_length=16, validators=[django.core.validators.RegexValidator('^(\\+?[0-9]{3,15}|[A-Za-z0-9 ]{1,11})\\Z', 'A number, or up to 11 letters and digits.')], verbose_name='sender')),
                ('method', models.CharField(choices=[('POST', 'POST'), ('PUT', 'PUT'), ('GET', 'GET')], default='POST', max_length=4, verbose_name='method')),
                ('address', models.CharField(blank=True, help_text='Its host must be among the outbound hosts.', max_length=500, verbose_name='address')),
                ('account', models.CharField(blank=True, help_text='For {account} and {basic}.', max_length=200, verbose_name='account')),
                ('sealed_secret', models.TextField(blank=True, editable=False)),
                ('headers', models.TextField(blank=True, help_text='One a line, such as Authorization: Bearer {secret}. {secret} is the secret above, {account} the account, {basic} both as HTTP Basic has them.', max_length=2000, validators=[accounts.messaging.gateway_call.validate_headers], verbose_name='headers')),
                ('body_format', models.CharField(choices=[('json', 'JSON'), ('form', 'fields of a form')], default='json', help_text='With GET the fields of a form go into the address.', max_length=4, verbose_name='form of the body')),
                ('body', models.TextField(blank=True, help_text='JSON, or one field a line as name=value. {to} is the number with its +, {digits} without, {text} the message, {sender}, {account} and {secret} as above.', max_length=4000, verbose_name='body')),
                ('statuses', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=3, validators=[accounts.messaging.gateway_call.validate_status]), blank=True, default=list, help_text='Empty: any from 200 to 299.', size=None, verbose_name='statuses of success')),
                ('expects', models.CharField(blank=True, help_text='For gateways that answer 200 to a failure as well: a text such as "status":"ok".', max_length=200, verbose_name='the answer holds')),
                ('changed_at', models.DateTimeField(auto_now=True, verbose_name='changed at')),
            ],
            options={
                'verbose_name': 'gateway for text messages',
                'verbose_name_plural': 'gateway for text messages',
                'constraints': [models.CheckConstraint(condition=models.Q(('pk', 1)), name='one_sms_gateway')],
            },
        ),
        migrations.CreateModel(
            name='MessageTemplate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=60, validators=[accounts.messaging.models.validate_kind], verbose_name='kind')),
                ('language', models.CharField(max_length=8, verbose_name='language')),
                ('subject', models.CharField(blank=True, max_length=200, verbose_name='subject')),
                ('body', models.TextField(help_text='Plain text; an empty line begins a paragraph. {places} are filled in.', max_length=5000, verbose_name='text')),
                ('changed_at', models.DateTimeField(auto_now=True, verbose_name='changed at')),
                ('department', models.ForeignKey(blank=True, help_text='None: for all departments that have no text of their own.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.department', verbose_name='department')),
            ],
            options={
                'verbose_name': 'text of a message',
                'verbose_name_plural': 'texts of messages',
                'ordering': ('kind', 'language', 'department__name', 'pk'),
                'constraints': [models.UniqueConstraint(fields=('kind', 'language', 'department'), name='one_message_template', nulls_distinct=False, violation_error_message='There is a text for this kind, language and department already: change that.')],
            },
        ),
        migrations.CreateModel(
            name='OutgoingMessage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('channel', models.CharField(choices=[('mail', 'e-mail'), ('sms', 'text message')], max_length=4, verbose_name='by')),
                ('kind', models.CharField(max_length=60, verbose_name='kind')),
                ('subject_type', models.CharField(blank=True, max_length=40, verbose_name='type of subject')),
                ('subject_uid', models.CharField(blank=True, max_length=128, verbose_name='subject')),
                ('language', models.CharField(max_length=8, verbose_name='language')),
                ('recipient', models.CharField(max_length=254, verbose_name='to')),
                ('message_id', models.CharField(editable=False, max_length=120, unique=True, verbose_name='message ID')),
                ('sealed_words', models.TextField(blank=True, editable=False)),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='written at')),
                ('good_until', models.DateTimeField(blank=True, null=True, verbose_name='of use until')),
                ('due_at', models.DateTimeField(blank=True, null=True, verbose_name='due at')),
                ('attempts', models.PositiveSmallIntegerField(default=0, verbose_name='attempts')),
                ('sent_at', models.DateTimeField(blank=True, null=True, verbose_name='sent at')),
                ('problem', models.CharField(blank=True, max_length=40, verbose_name='problem')),
                ('department', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='accounts.department', verbose_name='department')),
            ],
            options={
                'verbose_name': 'message to somebody outside',
                'verbose_name_plural': 'messages to people outside',
                'ordering': ('-pk',),
                'indexes': [models.Index(condition=models.Q(('due_at__isnull', False)), fields=['channel', 'due_at'], name='outgoing_message_due'), models.Index(fields=['subject_type', 'subject_uid'], name='outgoing_message_about'), models.Index(fields=['channel', 'created_at'], name='outgoing_message_by_time')],
                'constraints': [models.CheckConstraint(condition=models.Q(('due_at__isnull', False), ('sealed_words', ''), _connector='OR'), name='outgoing_message_words_while_owed')],
            },
        ),
    ]
