"""What a test that commits leaves behind: nothing but content types and permissions."""

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType

from arena.models import Battle
from tests.flushing import empty


@pytest.mark.django_db(transaction=True)
def test_every_table_is_empty_afterwards(question_set, alpha, beta, make_battle):
    make_battle(question_set.questions.first(), alpha, beta)
    User.objects.create_user("alice").user_permissions.set(Permission.objects.all()[:2])
    empty("default")
    assert not Battle.objects.exists()
    left = [m for m in apps.get_models() if m._default_manager.exists()]
    assert set(left) == {ContentType, Permission}
