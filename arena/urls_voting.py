"""Addresses of voting, on stored answers and live."""

from django.urls import path

from arena.views import (
    live,
    voting,
    voting_integrity,
    voting_mine,
    voting_rating,
    voting_release,
    voting_rounds,
)

urlpatterns = [
    path("vote/", voting.vote, name="vote"),
    path("vote/next/", voting.vote_next, name="vote_next"),
    path("vote/cast/", voting.vote_cast, name="vote_cast"),
    path("vote/verdicts/<str:token>/", voting.vote_verdicts, name="vote_verdicts"),
    path("live/", live.live_battle, name="live_battle"),
    path("side-by-side/", live.side_by_side, name="side_by_side"),
    path("chat/", live.direct_chat, name="direct_chat"),
    path("rate/", voting_rating.rate, name="rate_answer"),
    path("satisfaction/", voting_rating.satisfaction, name="satisfaction"),
    path("my-votes/", voting_mine.my_votes, name="my_votes"),
    path("my-votes/data/", voting_mine.my_data, name="my_data"),
    path("my-votes/forget/", voting_mine.forget_me, name="forget_me"),
    path("privacy/", voting_mine.voter_privacy, name="voter_privacy"),
    path("rounds/", voting_rounds.round_list, name="round_list"),
    path("rounds/<int:pk>/", voting_rounds.round_detail, name="round_detail"),
    path("rounds/<int:pk>/toggle/", voting_rounds.round_toggle, name="round_toggle"),
    path("rounds/<int:pk>/delete/", voting_rounds.round_delete, name="round_delete"),
    path("join/<str:code>/", voting_rounds.round_join, name="round_join"),
    path("integrity/", voting_integrity.integrity, name="integrity"),
    path("integrity/review/", voting_integrity.integrity_review, name="integrity_review"),
    path("integrity/voters/<int:pk>/", voting_integrity.integrity_voter, name="integrity_voter"),
    path("integrity/reasons/", voting_integrity.integrity_reason, name="integrity_reason"),
    path("integrity/votes/<int:pk>/", voting_integrity.integrity_vote, name="integrity_vote"),
    path("integrity/battles/<int:pk>/", voting_integrity.integrity_battle, name="integrity_battle"),
    path("integrity/controls/", voting_integrity.integrity_gold, name="integrity_gold"),
    path("integrity/policy/", voting_integrity.voting_policy, name="voting_policy"),
    path("releases/", voting_release.release_list, name="release_list"),
    path("releases/<int:pk>/file/", voting_release.release_file, name="release_file"),
    path("releases/<int:pk>/remove/", voting_release.release_remove, name="release_remove"),
]
