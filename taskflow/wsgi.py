"""The WSGI application that the api process serves."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "taskflow.settings")

application = get_wsgi_application()
