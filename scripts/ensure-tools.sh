#!/usr/bin/env bash
# Installs what the tests need and this machine lacks, with apt-get. Says what it does before it does it;
# does nothing when nothing is missing. Rust, Node and make are yours to choose: they are only checked.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { echo "ensure-tools: $*" >&2; }
have() { command -v "$1" >/dev/null; }

for tool in cargo node npm; do
  have "$tool" || { say "$tool is missing; install Rust from https://rustup.rs and Node 20.19 or newer"; exit 1; }
done

packages=()
have cc || packages+=(gcc libc6-dev)
have chromium || packages+=(chromium)
have promtool || packages+=(prometheus)
have strace || packages+=(strace)
scripts/postgres-bin.sh >/dev/null || packages+=(postgresql)
[ ${#packages[@]} -gt 0 ] || exit 0

have apt-get || {
  say "missing here: ${packages[*]} (names of Debian packages), and there is no apt-get; install them by your own means"
  exit 1
}
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  have sudo || { say "missing: ${packages[*]}; run as root: apt-get install ${packages[*]}"; exit 1; }
  as_root=(sudo)
fi
say "installing with apt-get: ${packages[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -qq -y --no-install-recommends "${packages[@]}" </dev/null >&2
