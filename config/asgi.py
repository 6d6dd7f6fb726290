"""ASGI entry point: HTTP through Django, sockets through Channels."""

import os
import warnings

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# whitenoise hands files over as synchronous iterators; Django reads them whole, which is meant
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous")

application = ProtocolTypeRouter({"http": get_asgi_application()})
