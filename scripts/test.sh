#!/usr/bin/env bash
# Everything that must hold before a change goes in, cheapest first. Stops at the first step that fails.
set -uo pipefail
cd "$(dirname "$0")/.."

binary=$(realpath --canonicalize-missing "${CARGO_TARGET_DIR:-target}")/debug/openclaw

# What it is called, and what it runs.
steps=(
  "tools|scripts/ensure-tools.sh"
  "format|cargo fmt --all --check"
  "house rules|cargo xtask tidy"
  "rules, routes and dashboard|scripts/check-watching.sh"
  "page: packages|npm --prefix web ci --no-audit --no-fund"
  "page: build|npm --prefix web run build"
  "page: tests|npm --prefix web test"
  "clippy|cargo clippy --workspace --all-targets --features engine/measure --locked -- -D warnings"
  "binary|cargo build --locked -p openclaw"
  "tests on SQLite and PostgreSQL|scripts/with-postgres.sh cargo test --workspace --locked"
  "page in a browser|OPENCLAW_BIN='$binary' scripts/with-postgres.sh npm --prefix web run test:browser"
)

clock() { printf '%d:%02d' $((SECONDS / 60)) $((SECONDS % 60)); }

number=0
for step in "${steps[@]}"; do
  name=${step%%|*} run=${step#*|}
  number=$((number + 1))
  printf '\n== %d/%d %s (at %s)\n   %s\n' "$number" "${#steps[@]}" "$name" "$(clock)" "$run"
  bash -c "$run" </dev/null
  status=$?
  if [ "$status" -ne 0 ]; then
    printf '\nFAILED at step %d/%d, %s, with status %d after %s\n   again, alone: %s\n' \
      "$number" "${#steps[@]}" "$name" "$status" "$(clock)" "$run" >&2
    exit "$status"
  fi
done
printf '\nOK: all %d steps passed in %s\n' "$number" "$(clock)"
