"""The server's entry: checks that the configuration is safe, then serves."""

import os

from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "docproc.settings")

application = get_wsgi_application()
# Django checks the configuration for its commands only; a server that trusts nobody by mistake
# should say so at its start and not in each answer.
call_command("check")
