"""An OpenAI server with files and batches."""

import orjson
from aiohttp import web

from tests.openai_server import Call, OpenAIServer, Reply, completion


class BatchServer(OpenAIServer):
    """Files and batches; a request whose text is ``fail`` ends in the error file.

    ``state`` is what a new batch is in: ``completed`` at once, or ``in_progress`` until
    ``finish_batches`` is called. A batch that is cancelled answers ``answered_all_the_same``
    requests and is ``cancelling`` until then.
    """

    state = "completed"
    answered_all_the_same = 0

    def __post_init__(self):
        super().__post_init__()
        self.files = {}
        self.batches = {}

    async def handle_other(self, request):
        match request.method, request.path.strip("/").split("/")[1:]:
            case "POST", ["files"]:
                form = await web.Request.post(request)
                return self.add_file(form["file"].file.read())
            case "GET", ["files", name, "content"]:
                return web.Response(body=self.files[name])
            case "POST", ["batches"]:
                return self.run_batch(orjson.loads(await request.read()))
            case "GET", ["batches"]:
                newest_first = list(self.batches.values())[::-1]
                return web.json_response(
                    {"object": "list", "data": newest_first, "has_more": False}
                )
            case "GET", ["batches", name]:
                return web.json_response(self.batches[name])
            case "POST", ["batches", name, "cancel"]:
                return self.cancel_batch(self.batches[name])
        return await super().handle_other(request)

    def add_file(self, content):
        name = f"file-{len(self.files)}"
        self.files[name] = content
        return web.json_response(
            {
                "id": name,
                "object": "file",
                "bytes": len(content),
                "created_at": 0,
                "filename": "requests.jsonl",
                "purpose": "batch",
                "status": "processed",
            }
        )

    def run_batch(self, body):
        rows = [orjson.loads(line) for line in self.files[body["input_file_id"]].splitlines()]
        outcomes = {False: [], True: []}
        for row in rows:
            is_failing = row["body"]["messages"][-1]["content"] == "fail"
            outcomes[is_failing].append(self.outcome(row, is_failing))
        for is_failing, name in ((False, "output"), (True, "error")):
            lines = [orjson.dumps(outcome) for outcome in outcomes[is_failing]]
            self.files[f"{name}-{len(self.batches)}"] = b"\n".join(lines)
        number = len(self.batches)
        self.batches[f"batch-{number}"] = body | {
            "id": f"batch-{number}",
            "object": "batch",
            "created_at": 0,
            "status": self.state,
            "output_file_id": f"output-{number}",
            "error_file_id": f"error-{number}",
            "request_counts": {
                "total": len(rows),
                "completed": len(outcomes[False]),
                "failed": len(outcomes[True]),
            },
        }
        return web.json_response(self.batches[f"batch-{number}"])

    def cancel_batch(self, batch):
        lines = self.files[batch["output_file_id"]].split(b"\n")
        kept = lines[: self.answered_all_the_same]
        error = {"code": "batch_cancelled", "message": "the batch was cancelled"}
        never = [
            orjson.dumps({"custom_id": orjson.loads(line)["custom_id"], "error": error})
            for line in lines[len(kept) :]
        ]
        self.files[batch["output_file_id"]] = b"\n".join(kept)
        self.files[batch["error_file_id"]] = b"\n".join(never)
        batch["status"] = "cancelling"
        batch["request_counts"]["completed"] = len(kept)
        return web.json_response(batch)

    def outcome(self, row, is_failing):
        call = Call(row["url"], row["body"], 0.0, {})
        reply = Reply(self.reply(row["body"]["messages"]))
        body = completion(call, reply)
        if is_failing:
            body = {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}
        response = {"status_code": 429 if is_failing else 200, "body": body}
        return {"custom_id": row["custom_id"], "response": response, "error": None}

    def finish_batches(self, state="completed"):
        """Let every batch that is going on end."""
        self.state = state
        for batch in self.batches.values():
            if batch["status"] == "cancelling":
                batch["status"] = "cancelled"
            elif batch["status"] == "in_progress":
                batch["status"] = state
