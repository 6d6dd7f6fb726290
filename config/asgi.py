"""ASGI entry point: HTTP through Django, sockets through Channels."""

import os
import warnings

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)  # the imports below need it

# whitenoise hands files over as synchronous iterators; Django reads them whole, which is meant
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous")

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402

from arena.collector import spare_the_collector  # noqa: E402
from arena.live.routing import websocket_urlpatterns  # noqa: E402
from config.seats import SeatedHandler  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": SeatedHandler(),
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(URLRouter(websocket_urlpatterns))
        ),
    }
)
spare_the_collector()
