#!/bin/sh
# Debian's Chromium for the browser tests; without root or apt it says what to do.
command -v chromium >/dev/null 2>&1 && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing chromium…"
    apt-get update -qq && apt-get install -y -qq chromium fonts-noto-cjk >/dev/null
    exit $?
fi
echo "Chromium is missing: the browser tests will be skipped. Install the package 'chromium'." >&2
