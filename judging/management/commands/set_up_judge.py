"""``manage.py set_up_judge``: a judge of any kind, or its next version."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from arena.management.named_rows import named_models
from judging.judges import JUDGES, JudgeSettingsError
from judging.kinds import HIDDEN, kinds_of_judge
from judging.prompts import PromptError
from judging.services.judges import create_judge
from judging.services.local_models import local_model

USAGE = 2


class Command(BaseCommand):
    help = (
        "Set up a judge. A name that is taken gets its next version, unless nothing differs. "
        "--kinds lists the kinds with their settings. Exit code 2: wrong usage."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", help="what the judge is called in commands")
        parser.add_argument("--kinds", action="store_true", help="list the kinds and stop")
        parser.add_argument("--kind", choices=sorted(set(JUDGES.names()) - HIDDEN), default="chat")
        parser.add_argument("--model", metavar="MODEL", help="the model that is asked")
        parser.add_argument(
            "--checkpoint",
            metavar="PATH",
            help="a folder or hub id to run on this machine, as the model called --model",
        )
        parser.add_argument(
            "--set",
            dest="given",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="a setting of the kind; the value is JSON, or text",
        )
        parser.add_argument("--title", default="", help="the name that pages show")
        parser.add_argument("--description", default="")

    def handle(self, *_: Any, **options: Any) -> None:
        if options["kinds"]:
            self._list_kinds()
            return
        if not options["name"]:
            raise CommandError("name the judge, or give --kinds", returncode=USAGE)
        try:
            judge = create_judge(
                slug=options["name"],
                kind=options["kind"],
                name=options["title"],
                settings=dict(_setting(text) for text in options["given"]),
                language_model=_model(options),
                description=options["description"],
            )
        except (JudgeSettingsError, PromptError) as error:
            raise CommandError(str(error), returncode=USAGE) from None
        self.stdout.write(f"{judge.slug}@{judge.version}")

    def _list_kinds(self) -> None:
        for kind in kinds_of_judge():
            model = ", asks a model" if kind.needs_model else ""
            self.stdout.write(f"{kind.name} ({', '.join(kind.modes)}{model})")
            for setting in kind.settings:
                self.stdout.write(f"    {setting.name}={setting.default or '…'}")


def _model(options: dict[str, Any]) -> Any:  # a language model, or None
    slug, checkpoint = options["model"], options["checkpoint"]
    if checkpoint:
        return local_model(slug or options["name"], checkpoint)
    return named_models([slug])[0] if slug else None


def _setting(text: str) -> tuple[str, Any]:  # JSON
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise CommandError(f"--set {text!r} is not NAME=VALUE", returncode=USAGE)
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value
