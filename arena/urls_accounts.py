"""Addresses of accounts. Of allauth's only those that need no e-mail, for none is ever sent."""

from allauth.account import views
from django.apps import apps
from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

urlpatterns: list[URLPattern | URLResolver] = [
    path(
        "login/",
        RedirectView.as_view(pattern_name="login", query_string=True),
        name="account_login",
    ),
    path("logout/", LogoutView.as_view(), name="account_logout"),
    path("signup/", views.signup, name="account_signup"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("reauthenticate/", views.reauthenticate, name="account_reauthenticate"),
    path("password/change/", views.password_change, name="account_change_password"),
    path("password/set/", views.password_set, name="account_set_password"),
]
if apps.is_installed("allauth.socialaccount"):
    from allauth.urls import build_provider_urlpatterns

    urlpatterns += [path("3rdparty/", include("allauth.socialaccount.urls"))]
    urlpatterns += build_provider_urlpatterns()
