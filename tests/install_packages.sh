#!/bin/sh
# Debian's Chromium for the browser tests, bubblewrap for the sandbox's strictest level, gettext for
# the check of the translations. Without root or apt it says what to do.
missing=""
command -v chromium >/dev/null 2>&1 || missing="$missing chromium fonts-noto-cjk"
command -v bwrap >/dev/null 2>&1 || missing="$missing bubblewrap"
command -v xgettext >/dev/null 2>&1 || missing="$missing gettext"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing$missing…"
    apt-get update -qq && apt-get install -y -qq $missing >/dev/null
    exit $?
fi
echo "Some tests will be skipped. Install the packages:$missing" >&2
