"""The versioned read API: public boards, their snapshots, ratings and pairs, the models, and how
far people and judges agree.

It only reads, needs no key, and shows what the public pages show. ``docs/api.md`` describes it.
"""

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI

from arena import __version__
from leaderboard.api.boards import router as boards
from leaderboard.api.models import router as models
from leaderboard.api.people import NotYetError
from leaderboard.api.people import router as people

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
api.add_router("/people-and-judges", people, tags=["people and judges"])


@api.exception_handler(NotYetError)
def _answer_not_yet(request: HttpRequest, error: NotYetError) -> HttpResponse:
    response = api.create_response(request, {"detail": str(error)}, status=503)
    response["Retry-After"] = str(error.retry_after_s)
    return response
