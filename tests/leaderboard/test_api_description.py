"""The API answers as its own OpenAPI description says, whatever it is asked."""

import schemathesis
from hypothesis import given, settings

from leaderboard.services import take_snapshot


def test_every_answer_is_what_the_api_description_promises(
    transactional_db, live_server, board, votes
):
    take_snapshot(board=board)
    schema = schemathesis.openapi.from_url(f"{live_server.url}/api/v1/openapi.json")
    for found in schema.get_all_operations():

        @given(case=found.ok().as_strategy())
        @settings(max_examples=25, deadline=None, derandomize=True, database=None)
        def keeps_its_promise(case):
            case.call_and_validate()

        keeps_its_promise()
