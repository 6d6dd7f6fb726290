"""``manage.py calibrate_judge``: fit a reward model's scale and tie band to people's votes."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from judging.reward_calibration import CalibrationError
from judging.services.calibrating import calibrate_judge
from judging.services.judges import UnknownJudgeError, runnable_judge


class Command(BaseCommand):
    help = (
        "Fit a reward model's scale and tie band to the votes on battles it has scored, as its "
        "next version. Its scores are kept, so judging with it costs nothing. Exit code 2: wrong "
        "usage; 3: too little to learn from."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("judge", help="its name, or name@version")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            judge, found = calibrate_judge(runnable_judge(options["judge"]))
        except UnknownJudgeError as error:
            raise CommandError(str(error), returncode=2) from None
        except CalibrationError as error:
            raise CommandError(str(error), returncode=3) from None
        scale, eta = found.scale_interval, found.tie_eta_interval
        self.stdout.write(f"{judge.slug}@{judge.version}, from {found.n} votes")
        self.stdout.write(f"scale {found.scale:.3g} [{scale[0]:.3g}, {scale[1]:.3g}]")
        self.stdout.write(f"tie_eta {found.tie_eta:.3g} [{eta[0]:.3g}, {eta[1]:.3g}]")
        self.stdout.write(f"log loss {found.log_loss_before:.3f} before, {found.log_loss:.3f} now")
