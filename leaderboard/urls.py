"""Addresses of the leaderboard."""

from django.urls import path

from leaderboard import views

urlpatterns = [
    path("boards/", views.board_list, name="board_list"),
    path("boards/<str:slug>/", views.board_detail, name="board_detail"),
    path("boards/<str:slug>/charts/", views.board_charts_fragment, name="board_charts"),
    path("boards/<str:slug>/board.json", views.board_json, name="board_json"),
    path("boards/<str:slug>/board.csv", views.board_csv_file, name="board_csv"),
    path(
        "boards/<str:slug>/<str:model_a>/vs/<str:model_b>/",
        views.head_to_head,
        name="head_to_head",
    ),
]
