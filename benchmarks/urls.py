"""Addresses of benchmark pages."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
