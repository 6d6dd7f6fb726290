"""Sockets of this room."""

from channels.security.websocket import WebsocketDenier
from django.urls import path, re_path

from arena.live.consumers import LiveConsumer

websocket_urlpatterns = [
    path("ws/live/", LiveConsumer.as_asgi()),
    # without it each unknown address would fill the log with a traceback
    re_path("", WebsocketDenier.as_asgi()),
]
