"""All addresses of the site; each room brings its own."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import URLPattern, URLResolver, include, path

from arena.sign_in_limits import LimitedSignIn
from arena.style_gallery import style_gallery

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("arena.urls_voting")),  # first: what is asked for most is found soonest
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("login/", LoginView.as_view(authentication_form=LimitedSignIn), name="login"),
    path("accounts/", include("arena.urls_accounts")),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("", include("arena.urls_pages")),
    path("", include("leaderboard.urls")),
    path("", include("arena.urls_runs")),
    path("", include("judging.urls")),
    path("", include("benchmarks.urls")),
    path("", include("speed.urls")),
    path("", include("leaderboard.urls_pareto")),
    path("style/", style_gallery, name="style_gallery"),
]
