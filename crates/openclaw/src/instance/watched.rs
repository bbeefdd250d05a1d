//! What Prometheus and Grafana are told to look at exists: a metric that is renamed here breaks this test
//! before it silences an alert.

use std::cell::RefCell;
use std::collections::BTreeSet;

use metrics::{
    Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
    with_local_recorder,
};

const RULES: &str = include_str!("../../../../deploy/prometheus/openclaw.rules.yml");
const RULE_TESTS: &str = include_str!("../../../../deploy/prometheus/openclaw.rules.test.yml");
const DASHBOARD: &str = include_str!("../../../../deploy/grafana/openclaw.json");
const ROUTES: &str = include_str!("../../../../deploy/alertmanager/alertmanager.yml");
const PAGE: &str = include_str!("../../../../docs/operations.md");

/// Listens to what is described and records nothing.
#[derive(Default)]
struct Listener(RefCell<BTreeSet<String>>);

// === impl Listener ===

impl Recorder for Listener {
    fn describe_counter(&self, key: KeyName, _: Option<Unit>, _: SharedString) {
        self.0.borrow_mut().insert(key.as_str().to_owned());
    }

    fn describe_gauge(&self, key: KeyName, _: Option<Unit>, _: SharedString) {
        self.0.borrow_mut().insert(key.as_str().to_owned());
    }

    fn describe_histogram(&self, key: KeyName, _: Option<Unit>, _: SharedString) {
        self.0.borrow_mut().insert(key.as_str().to_owned());
    }

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

/// The metrics that the parts of the product describe.
fn described() -> BTreeSet<String> {
    let listener = Listener::default();
    with_local_recorder(&listener, || {
        super::figures::describe();
        engine::metrics::describe();
        gateway::metrics::describe();
        llm::metrics::describe();
        crate::logging::describe_metrics();
    });
    listener.0.into_inner()
}

/// The names of metrics in a text. The three series of a histogram have one name here.
fn metrics_in(text: &str) -> BTreeSet<String> {
    text.split(|character: char| !character.is_ascii_alphanumeric() && !"_:".contains(character))
        .filter(|word| word.starts_with("openclaw_") || word.starts_with("process_"))
        .map(|word| {
            let parts = ["_bucket", "_sum", "_count"];
            parts.iter().find_map(|part| word.strip_suffix(part)).unwrap_or(word).to_owned()
        })
        .collect()
}

/// Names such as `openclaw:disk_free:ratio`, which a rule records.
fn recorded_in(text: &str) -> BTreeSet<&str> {
    text.split(|character: char| !character.is_ascii_alphanumeric() && !"_:".contains(character))
        .filter(|word| word.starts_with("openclaw:"))
        .collect()
}

/// The first words after `openclaw` where a text names a command in backquotes. Lines may be folded there.
fn commands_in(text: &str) -> BTreeSet<String> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.split("`openclaw ")
        .skip(1)
        .filter_map(|rest| rest.split([' ', '`']).next().map(str::to_owned))
        .collect()
}

/// Each alert's name and what stands in it.
fn alerts() -> Vec<(&'static str, &'static str)> {
    let named =
        |block: &'static str| block.split_once('\n').map(|(name, body)| (name.trim(), body));
    RULES.split("- alert:").skip(1).filter_map(named).collect()
}

#[test]
fn rules_and_dashboard_ask_for_metrics_that_exist() {
    let known = described();
    for (file, text) in [("rules", RULES), ("dashboard", DASHBOARD), ("tests", RULE_TESTS)] {
        for name in metrics_in(text) {
            assert!(known.contains(&name), "the {file} ask for {name}, which nothing describes");
        }
        for name in recorded_in(text) {
            assert!(RULES.contains(&format!("record: {name}\n")), "no rule records {name}");
        }
    }
}

#[test]
fn every_alert_is_explained_and_tested() {
    assert!(alerts().len() > 20);
    for (name, body) in alerts() {
        let link = format!("runbook_url: docs/operations.md#{}", name.to_lowercase());
        assert!(body.contains(&link), "{name} lacks `{link}`");
        assert!(PAGE.contains(&format!("\n### {name}\n")), "docs/operations.md lacks {name}");
        let severities = ["critical", "warning", "info"].map(|word| format!("severity: {word}\n"));
        assert!(severities.iter().any(|severity| body.contains(severity)), "{name}: severity");
        assert!(body.contains("summary: ") && body.contains("description: "), "{name}: words");
        assert!(!commands_in(body).is_empty(), "{name} names no command");
        let tested = format!("alertname=\"{name}\", alertstate=\"firing\"");
        assert!(RULE_TESTS.contains(&tested), "{name} is not tested");
    }
    for heading in PAGE.lines().filter_map(|line| line.strip_prefix("### OpenClaw")) {
        let name = format!("OpenClaw{heading}");
        assert!(alerts().iter().any(|(alert, _)| *alert == name), "no alert is called {name}");
    }
}

#[test]
fn routes_name_alerts_that_exist() {
    let words = ROUTES.split(|character: char| !character.is_ascii_alphanumeric());
    for word in words.filter(|word| word.starts_with("OpenClaw") && word.len() > "OpenClaw".len()) {
        assert!(alerts().iter().any(|(alert, _)| *alert == word), "no alert is called {word}");
    }
}

#[test]
fn commands_that_are_named_exist() {
    let tree = crate::cli::tree();
    for name in &commands_in(RULES) | &commands_in(PAGE) {
        assert!(tree.find_subcommand(&name).is_some(), "`openclaw {name}` is no command");
    }
}
