"""Addresses of voting, on stored answers and live."""

from django.urls import path

from arena.views import voting

urlpatterns = [
    path("vote/", voting.vote, name="vote"),
    path("vote/next/", voting.vote_next, name="vote_next"),
    path("vote/cast/", voting.vote_cast, name="vote_cast"),
    path("vote/verdicts/<str:token>/", voting.vote_verdicts, name="vote_verdicts"),
]
