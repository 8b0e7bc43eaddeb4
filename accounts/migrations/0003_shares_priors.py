from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_audit_partitions'),
    ]

    operations = [
        migrations.AddField(
            model_name='department',
            name='shares_priors',
            field=models.CharField(choices=[('nobody', 'nobody: others see only that they exist'), ('site', 'who cares for the patient at the same site'), ('everyone', 'who cares for the patient at any site')], default='site', help_text='A reader who cares for a patient sees that earlier studies exist here: date, modality, department. This says who may open their images. Protected studies are neither shown nor opened.', max_length=12, verbose_name='earlier studies may be opened by'),
        ),
    ]
