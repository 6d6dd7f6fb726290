"""Sockets of this room."""

from django.urls import path

from arena.live.consumers import LiveConsumer

websocket_urlpatterns = [path("ws/live/", LiveConsumer.as_asgi())]
