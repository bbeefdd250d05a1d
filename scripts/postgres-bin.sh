#!/usr/bin/env bash
# Prints the folder that holds PostgreSQL's server programs, the newest first; fails if there is none.
# Debian keeps them out of PATH.
set -euo pipefail

for folder in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort --version-sort --reverse) \
  "$(dirname "$(command -v initdb || echo none)")"; do
  if [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ]; then
    echo "$folder"
    exit 0
  fi
done
exit 1
