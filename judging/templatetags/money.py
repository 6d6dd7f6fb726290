"""Money on pages."""

from django import template

from judging.money import shown_usd

register = template.Library()
register.filter("usd", shown_usd)
