#!/usr/bin/env bash
# Prints where amtool is. Where it is not installed, takes it out of Debian's package without installing that:
# the package would start an Alertmanager.
set -euo pipefail
cd "$(dirname "$0")/.."

if command -v amtool; then exit 0; fi
tools=$(realpath --canonicalize-missing "${CARGO_TARGET_DIR:-target}")/tools
if [ ! -x "$tools/usr/bin/amtool" ]; then
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || exit 1
  mkdir -p "$tools"
  (cd "$tools" && apt-get download -qq prometheus-alertmanager && dpkg-deb -x prometheus-alertmanager_*.deb .) >&2
fi
echo "$tools/usr/bin/amtool"
