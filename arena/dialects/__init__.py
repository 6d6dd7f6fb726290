"""Every file format of the field that can be imported or exported, one module per format."""

from typing import TYPE_CHECKING

from registry import Registry

if TYPE_CHECKING:
    from arena.dialects.dialect import Dialect

DIALECTS: "Registry[type[Dialect]]" = Registry("file format", "arena.dialects")
