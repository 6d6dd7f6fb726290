import sys
import types

import pytest

from registry import DuplicatePartError, Registry, UnknownPartError


@pytest.fixture
def colours(tmp_path, monkeypatch):
    package = tmp_path / "colour_parts"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from registry import Registry\nREGISTRY = Registry('colour', 'colour_parts')\n"
    )
    (package / "red.py").write_text(
        "from colour_parts import REGISTRY\nREGISTRY.register('red')('#f00')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    import colour_parts

    yield colour_parts.REGISTRY
    for name in [n for n in sys.modules if n.startswith("colour_parts")]:
        del sys.modules[name]


def test_parts_are_found_in_the_modules_of_the_package(colours):
    assert colours.get("red") == "#f00"
    assert colours.names() == ["red"]
    assert "red" in colours


def test_an_unknown_name_is_answered_with_the_valid_ones(colours):
    with pytest.raises(UnknownPartError, match="no colour named 'blue'; choose one of: red"):
        colours.get("blue")


def test_two_parts_may_not_share_a_name():
    registry: Registry[object] = Registry("thing", types.__name__)
    registry.register("one")(object())
    with pytest.raises(DuplicatePartError, match="'one' is registered twice"):
        registry.register("one")(object())
