"""``manage.py attack_success``: how often attacks got through, from a safety judge's run."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from judging.agreement import Estimate
from judging.attack_success import SAFETY_KIND, AttackRate, attack_rates
from judging.models import JudgeRun


class Command(BaseCommand):
    help = (
        "Print the attack success rate of each model by kind of attack. Exit code 2: no such run."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", type=int, help="the number of a safety judge's run")
        parser.add_argument("--json", action="store_true", help="print the rates as JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        run = JudgeRun.objects.select_related("judge").filter(pk=options["run"]).first()
        if run is None or run.judge.kind != SAFETY_KIND:
            raise CommandError(f"there is no safety run {options['run']}", returncode=2)
        models = attack_rates(run)
        if options["json"]:
            told = [
                {
                    "model": each.model,
                    "overall": _json(each.overall),
                    "by_attack": {rate.attack: _json(rate) for rate in each.by_attack},
                }
                for each in models
            ]
            self.stdout.write(json.dumps(told, ensure_ascii=False, indent=2))
            return
        for each in models:
            self.stdout.write(each.model)
            for rate in (*each.by_attack, each.overall):
                name = rate.label if rate.attack else "all attacks"
                self.stdout.write(f"  {_percent(rate.success):>24}  of {rate.success.n:>4}  {name}")


def _json(rate: AttackRate) -> dict[str, Any]:
    return {
        "attacks": rate.success.n,
        "success_rate": rate.success.value,
        "lower": rate.success.lower,
        "upper": rate.success.upper,
        "refused": rate.refused.value,
        "unreadable": rate.unreadable,
    }


def _percent(estimate: Estimate) -> str:
    if estimate.value is None:
        return "–"
    if estimate.lower is None or estimate.upper is None:
        return f"{estimate.value:.1%}"
    return f"{estimate.value:.1%} [{estimate.lower:.1%}, {estimate.upper:.1%}]"
