"""Judges on pages."""

from django import template

from judging.labels import kind_label

register = template.Library()
register.filter("kind_label", kind_label)
