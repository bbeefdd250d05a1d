#!/usr/bin/env bash
# Checks what Prometheus, Alertmanager and Grafana are given: the rules and when each fires, the example of
# Alertmanager with its routes, and every query of the dashboard.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { echo "check-watching: $*" >&2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

promtool check rules deploy/prometheus/openclaw.rules.yml
node scripts/draw-level.mjs --check
(cd deploy/prometheus && promtool test rules openclaw.rules.test.yml)

# Every query of the dashboard as a rule of its own, so that promtool parses it. Grafana's own variables get a value.
node - deploy/grafana/openclaw.json >"$work/dashboard.rules.yml" <<'JS'
const queries = [];
const walk = (node) => {
  if (node === null || typeof node !== "object") return;
  if (typeof node.expr === "string") queries.push(node.expr);
  Object.values(node).forEach(walk);
};
walk(JSON.parse(require("node:fs").readFileSync(process.argv[2], "utf8")));
if (queries.length === 0) throw new Error("the dashboard asks nothing");
const rule = (query, number) => {
  const expr = query.replaceAll("$__rate_interval", "5m").replaceAll("$instance", ".*").replaceAll("$job", "openclaw");
  return `      - record: dashboard:query:${number}\n        expr: ${JSON.stringify(expr)}\n`;
};
console.log(`groups:\n  - name: dashboard\n    rules:\n${queries.map(rule).join("")}`);
JS
promtool check rules "$work/dashboard.rules.yml"

amtool=$(scripts/amtool-bin.sh) || { say "amtool is not here and cannot be fetched: Alertmanager's example is not checked"; exit 0; }
example=deploy/alertmanager/alertmanager.yml
# Debian 12 has Alertmanager 0.25, which knows everything in the example but the token in a file (0.26).
if ! "$amtool" check-config "$example" >"$work/said" 2>&1 && grep -q 'bot_token_file not found' "$work/said"; then
  sed 's|bot_token_file:.*|bot_token: placeholder|' "$example" >"$work/alertmanager.yml"
  example=$work/alertmanager.yml
fi
"$amtool" check-config "$example"
receivers() { # severity, receivers that it reaches
  local reached
  reached=$("$amtool" config routes test --config.file="$example" "severity=$1" alertname=OpenClawAny)
  [ "$reached" = "$2" ] || { say "an alert that is $1 goes to '$reached', not to '$2'"; exit 1; }
}
receivers critical telegram,webhook
receivers warning webhook,telegram
receivers info webhook
say "rules, dashboard and routes are sound"
