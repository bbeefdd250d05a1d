#!/usr/bin/env bash
# Runs a command beside a PostgreSQL server of its own, and removes the server when it ends.
#
#   scripts/with-postgres.sh cargo test --workspace
#
# The command finds the server in OPENCLAW_TEST_POSTGRES. Any number of these may run at once. As root
# the server runs as the user postgres or nobody, because PostgreSQL refuses to run as root.
set -euo pipefail

[ $# -gt 0 ] || { echo "usage: scripts/with-postgres.sh COMMAND [ARGUMENT...]" >&2; exit 2; }
bin=$("$(dirname "$0")/postgres-bin.sh") || {
  echo "with-postgres: no PostgreSQL server programs found; run scripts/ensure-tools.sh, or install the package postgresql" >&2
  exit 1
}

dir=$(mktemp -d /tmp/openclaw-postgres.XXXXXX)
server=  # process id of the server, empty while there is none
command= # process id (and group) of the command

clean_up() {
  trap '' INT TERM HUP
  if [ -n "$command" ]; then
    kill -TERM -- "-$command" 2>/dev/null || true
    for _ in $(seq 100); do
      kill -0 -- "-$command" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL -- "-$command" 2>/dev/null || true
  fi
  if [ -n "$server" ]; then
    # Nobody will read this data again: stop at once, without a last checkpoint.
    kill -QUIT "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# Runs a server program as someone who may run it. Should this script be killed outright, the kernel
# stops the server.
as_owner=()
if [ "$(id -u)" -eq 0 ]; then
  owner=postgres
  id -u "$owner" >/dev/null 2>&1 || owner=nobody
  chown "$owner" "$dir"
  as_owner=(setpriv "--reuid=$owner" "--regid=$(id -g "$owner")" --clear-groups)
fi
with_parent=()
if command -v setpriv >/dev/null; then
  with_parent=("${as_owner[@]:-setpriv}" --pdeathsig QUIT)
fi

fail() {
  echo "with-postgres: $1; the end of its log:" >&2
  tail -n 20 "$dir/log" >&2
  exit 1
}

# Bound or refused is the only honest test whether a port is free, so draw one and try. Below the
# range that the kernel hands out by itself.
start_server() {
  port=$((15000 + RANDOM % 15000))
  (
    cd "$dir"
    exec "${with_parent[@]}" "$bin/postgres" -D "$dir/data" -p "$port" -k "$dir" \
      -c listen_addresses=127.0.0.1 -c max_connections=200 -c shared_buffers=32MB -c fsync=on \
      -c logging_collector=off
  ) </dev/null >>"$dir/log" 2>&1 &
  server=$!
  for _ in $(seq 600); do
    kill -0 "$server" 2>/dev/null || break
    "$bin/pg_isready" --quiet --host="$dir" --port="$port" --username=postgres && return 0
    sleep 0.1
  done
  kill -QUIT "$server" 2>/dev/null || true
  wait "$server" 2>/dev/null || true
  server=
  return 1
}

(cd "$dir" && "${as_owner[@]}" "$bin/initdb" --pgdata="$dir/data" --username=postgres --auth=trust \
  --encoding=UTF8 --locale=C --no-sync) >"$dir/log" 2>&1 ||
  fail "initdb failed"

for attempt in 1 2 3 4 5; do
  start_server && break
  [ "$attempt" -lt 5 ] || fail "the server did not start"
done

export OPENCLAW_TEST_POSTGRES="postgres://postgres@127.0.0.1:$port/postgres"
[ ! -t 0 ] || exec </dev/null
# In a process group of its own, so that a signal to this script ends all that the command started.
set -m
"$@" <&0 &
command=$!
set +m
status=0
wait "$command" || status=$?
command=
exit "$status"
