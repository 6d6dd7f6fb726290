"""The versioned read API: public boards, their snapshots, ratings and pairs, and the models.

It only reads, needs no key, and shows what the public pages show. ``docs/api.md`` describes it.
"""

from ninja import NinjaAPI

from arena import __version__
from leaderboard.api.boards import router as boards
from leaderboard.api.models import router as models

api = NinjaAPI(
    title="Agon",
    version="1",
    description=(
        f"Public boards and everything behind them, read only. Program version {__version__}. "
        "Ratings are on the method's own scale; `rank_lower` is the best plausible rank and "
        "`rank_upper` the worst. Times are ISO 8601 in UTC."
    ),
    urls_namespace="api-v1",
    docs_url=None,
)
api.add_router("/boards", boards, tags=["boards"])
api.add_router("/models", models, tags=["models"])
