#!/usr/bin/env python
"""Negatoscope's command line: `python manage.py help` lists what it can do."""

import os
import sys

from django.core.management import execute_from_command_line

from portal.embedded import Refused
from portal.variables import Misconfigured

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    try:
        execute_from_command_line(sys.argv)
    except (Misconfigured, Refused) as sentences:
        sys.exit(str(sentences))
