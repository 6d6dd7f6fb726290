"""The Chinese interface is complete, keeps its placeholders and is compiled as written."""

import gettext
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import polib
import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import override_settings

from leaderboard.shipped_texts import shipped_texts
from tests.skipping import skip_or_fail

ROOT = Path(settings.BASE_DIR)
CATALOGUE = ROOT / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
HAN = "\u4e00-\u9fff"
# names, formats and units that are the same in every language, and a language's own name
UNTRANSLATED_WORDS = {
    *("Agon", "CPU", "CSV", "English", "HTML", "JSON", "Python", "UTC", "system", "user", "zip")
}
DEVELOPER_PAGES = {"style/gallery.html"}
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|(?<!{){\w*(?::[^{}]*)?}(?!})|</?\w+[^>]*>")


@pytest.fixture(scope="module")
def catalogue():
    return polib.pofile(str(CATALOGUE))


def _key(entry):
    return (entry.msgctxt or "", entry.msgid, entry.msgid_plural or "")


def _translations(entry):
    return [entry.msgstr, *entry.msgstr_plural.values()] if entry.msgid_plural else [entry.msgstr]


def _shown(entry):
    return [text for text in _translations(entry) if text]


def test_every_text_has_a_translation_and_none_is_doubtful(catalogue):
    missing = [entry.msgid for entry in catalogue if not entry.translated() or entry.fuzzy]

    assert missing == []
    assert list(catalogue.obsolete_entries()) == []


def test_a_translation_keeps_every_placeholder_and_tag(catalogue):
    broken = [
        entry.msgid
        for entry in catalogue
        for text in _shown(entry)
        if sorted(PLACEHOLDER.findall(text))
        != sorted(PLACEHOLDER.findall(entry.msgid_plural or entry.msgid))
    ]

    assert broken == []


def test_chinese_has_one_form_for_all_counts(catalogue):
    assert "nplurals=1" in catalogue.metadata["Plural-Forms"]
    assert all(list(e.msgstr_plural) == [0] for e in catalogue if e.msgid_plural)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(rf"[{HAN}][,;:?!]|[,;:?!][{HAN}]|[{HAN}]\.(?!\w)", id="half-width mark"),
        pytest.param(rf"[{HAN}][(\"]|[)\"][{HAN}]", id="half-width bracket or quote"),
        pytest.param(rf"[{HAN}][A-Za-z0-9]|[A-Za-z0-9%][{HAN}]", id="no space beside Latin"),
    ],
)
def test_chinese_typography_holds(catalogue, fault):
    texts = [PLACEHOLDER.sub("", text) for entry in catalogue for text in _shown(entry)]

    assert [text for text in texts if re.search(fault, text)] == []


def test_the_compiled_catalogue_says_what_the_source_says(catalogue):
    with CATALOGUE.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)

    stale = [entry.msgid for entry in catalogue if _compiled(compiled, entry) != _shown(entry)[0]]

    assert stale == [], "run `make messages` and commit django.mo"


def _compiled(compiled, entry):
    if entry.msgctxt and entry.msgid_plural:
        return compiled.npgettext(entry.msgctxt, entry.msgid, entry.msgid_plural, 2)
    if entry.msgid_plural:
        return compiled.ngettext(entry.msgid, entry.msgid_plural, 2)
    if entry.msgctxt:
        return compiled.pgettext(entry.msgctxt, entry.msgid)
    return compiled.gettext(entry.msgid)


def test_the_catalogue_holds_every_text_that_comes_as_data(catalogue):
    known = {entry.msgid for entry in catalogue}

    assert {shipped.text for shipped in shipped_texts()} - known == set()


def test_the_catalogue_holds_every_text_of_the_program_and_no_other(
    catalogue, tmp_path, monkeypatch
):
    if shutil.which("xgettext") is None:
        skip_or_fail("GNU gettext is not installed; install the package 'gettext'")
    for folder in [ROOT / "templates", *(path.parent for path in ROOT.glob("*/__init__.py"))]:
        (tmp_path / folder.name).symlink_to(folder)
    fresh = tmp_path / "catalogues" / "zh_Hans" / "LC_MESSAGES" / "django.po"
    fresh.parent.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)

    with override_settings(LOCALE_PATHS=[tmp_path / "catalogues"]):
        call_command("makemessages", symlinks=True, verbosity=0)

    extracted = {_key(entry) for entry in polib.pofile(str(fresh))}
    assert extracted == {_key(entry) for entry in catalogue}, "run `make messages` and translate"


TEMPLATES = sorted(
    path.relative_to(ROOT / "templates").as_posix() for path in (ROOT / "templates").rglob("*.html")
)


@pytest.mark.parametrize("name", sorted(set(TEMPLATES) - DEVELOPER_PAGES))
def test_a_template_shows_no_text_outside_translation(name):
    source = (ROOT / "templates" / name).read_text(encoding="utf-8")

    assert bare_words(source) == []


def test_the_scan_sees_bare_text_attributes_and_arguments():
    source = '<p title="Some hint">Hello {{ name }}</p>{% include "a.html" with title="Plain" %}'

    assert bare_words(source) == ["Some hint", "Hello", "Plain"]


def bare_words(source):
    """What a reader would see of this template that no translator gets to see."""
    source = re.sub(r"{% comment %}.*?{% endcomment %}|{#.*?#}", "", source, flags=re.DOTALL)
    source = re.sub(r"{% block page_class %}.*?{% endblock %}", "", source)
    source = re.sub(r"{% blocktranslate.*?{% endblocktranslate %}", "", source, flags=re.DOTALL)
    given = re.findall(
        r'{% include [^%]*?\b(?:title|text|label|action|note|words)="([^"]+)"', source
    )
    scan = _VisibleText()
    scan.feed(re.sub(r"{%.*?%}|{{.*?}}", " ", source))
    return [text for text in [*scan.found, *given] if _has_words(text)]


def _has_words(text):
    return any(word not in UNTRANSLATED_WORDS for word in re.findall(r"[A-Za-z]{2,}", text))


class _VisibleText(HTMLParser):
    """Text nodes and the attributes that are read out; code samples and scripts are no prose."""

    SPOKEN = frozenset({"title", "alt", "aria-label", "placeholder", "content-label"})
    SILENT = frozenset({"script", "style", "code", "kbd"})

    def __init__(self):
        super().__init__()
        self.found = []
        self.silent_depth = 0

    def handle_starttag(self, tag, attrs):
        self.silent_depth += tag in self.SILENT
        self.found += [value.strip() for key, value in attrs if key in self.SPOKEN and value]

    def handle_endtag(self, tag):
        self.silent_depth -= tag in self.SILENT and self.silent_depth > 0

    def handle_data(self, data):
        if not self.silent_depth:
            self.found.append(data.strip())
