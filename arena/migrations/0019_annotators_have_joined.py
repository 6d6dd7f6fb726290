"""Until now a battle of a round could be voted on by who had not joined it: they have, from here on."""

from typing import Any

from django.db import migrations
from django.db.models import Exists, OuterRef


def join(apps: Any, schema_editor: Any) -> None:
    taking_part = apps.get_model("arena", "InviteRound").voters.through
    joined = taking_part.objects.filter(inviteround=OuterRef("round"), voter=OuterRef("voter"))
    ballots = apps.get_model("arena", "Ballot").objects.filter(round__isnull=False)
    outside = ballots.exclude(Exists(joined)).order_by()
    done = outside.filter(status__in=("voted", "skipped"))
    pairs = {
        (invite, voter)
        for invite, *voters in done.values_list("round", "voter", "voter__merged_into").distinct()
        for voter in voters
        if voter is not None
    }
    # handed out to who only looked, and asked again once they join
    outside.filter(status="open").delete()
    taking_part.objects.bulk_create(
        (taking_part(inviteround_id=invite, voter_id=voter) for invite, voter in sorted(pairs)),
        ignore_conflicts=True,
        batch_size=500,
    )


class Migration(migrations.Migration):
    dependencies = [("arena", "0018_round_seeds_and_ballots")]

    operations = [migrations.RunPython(join, migrations.RunPython.noop)]
