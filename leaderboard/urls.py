"""Addresses of the leaderboard."""

from django.urls import path

from leaderboard.api import api
from leaderboard.feeds import RankFeed
from leaderboard.views import boards, history, methods, peers
from leaderboard.views.api_docs import api_docs, api_missing

urlpatterns = [
    path("boards/", boards.board_list, name="board_list"),
    path("boards/<str:slug>/", boards.board_detail, name="board_detail"),
    path("boards/<str:slug>/embed/", boards.board_embed, name="board_embed"),
    path("boards/<str:slug>/charts/", boards.board_charts_fragment, name="board_charts"),
    path("boards/<str:slug>/board.json", boards.board_json, name="board_json"),
    path("boards/<str:slug>/board.csv", boards.board_csv_file, name="board_csv"),
    path("boards/<str:slug>/bundle.zip", boards.board_bundle, name="board_bundle"),
    path("boards/<str:slug>/history/", history.board_history, name="board_history"),
    path("boards/<str:slug>/compare/", history.board_compare, name="board_compare"),
    path("boards/<str:slug>/feed.atom", RankFeed(), name="board_feed"),
    path("boards/<str:slug>/peers/", peers.peer_examination, name="peer_examination"),
    path("console/peers/", peers.peer_examination_new, name="peer_examination_new"),
    path("console/peers/plan/", peers.peer_examination_plan, name="peer_examination_plan"),
    path("boards/<str:slug>/decisive/", boards.board_decisive, name="board_decisive"),
    path("boards/<str:slug>/left-out/<str:reason>/", boards.board_left_out, name="board_left_out"),
    path(
        "boards/<str:slug>/<str:model_a>/vs/<str:model_b>/",
        boards.head_to_head,
        name="head_to_head",
    ),
    path("methods/", methods.method_list, name="method_list"),
    path("methods/<str:slug>/", methods.method_detail, name="method_detail"),
    path("api/", api_docs, name="api_docs"),
    path("api/v1/", api.urls),
    path("api/v1/<path:path>", api_missing),
]
