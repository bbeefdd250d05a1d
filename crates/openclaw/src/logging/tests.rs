//! What reaches the file and the terminal, byte by byte.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use domain::{Clock, Secret, Timestamp};
use serde_json::Value;
use tracing_subscriber::layer::SubscriberExt;

use super::console::Console;
use super::layer::{LogLayer, Thresholds};
use super::{Style, Threshold, queue};

#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Memory {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        Timestamp(1_700_000_000_123)
    }
}

/// Runs `say` with a log of its own and returns what the file and the terminal got.
fn logged(
    file: Threshold,
    console: Threshold,
    style: Style,
    say: impl FnOnce(&Thresholds),
) -> (String, String) {
    let (file_memory, console_memory) = (Memory::default(), Memory::default());
    let (file_queue, file_guard) = queue("test-file", 64, file_memory.clone());
    let (console_queue, console_guard) = queue("test-console", 64, console_memory.clone());
    let thresholds = Arc::new(Thresholds::new(file, console));
    let layer = LogLayer::new(
        Arc::clone(&thresholds),
        Arc::new(Stopped),
        file_queue,
        Console::new(style, false, console_queue),
    );
    let subscriber = tracing_subscriber::registry().with(layer);
    tracing::subscriber::with_default(subscriber, || say(&thresholds));
    drop((file_guard, console_guard));
    (file_memory.text(), console_memory.text())
}

fn in_file(say: impl FnOnce()) -> String {
    logged(Threshold::Trace, Threshold::Silent, Style::Pretty, |_| say()).0
}

fn pid() -> u32 {
    std::process::id()
}

#[test]
fn a_line_has_pinos_fields_then_its_own() {
    let text = in_file(|| {
        let span = tracing::info_span!(
            "turn",
            tenant = "main",
            attempt = 1,
            later = tracing::field::Empty
        );
        span.record("later", true);
        let _inside = span.enter();
        tracing::info!(attempt = 2, ratio = 0.5, debug = ?Some("x"), "answered {}", "well");
    });
    assert_eq!(
        text,
        format!(
            "{{\"level\":30,\"time\":1700000000123,\"pid\":{},\"module\":\"openclaw::logging::tests\",\
             \"msg\":\"answered well\",\"attempt\":2,\"ratio\":0.5,\"debug\":\"Some(\\\"x\\\")\",\
             \"tenant\":\"main\",\"later\":true}}\n",
            pid()
        )
    );
}

#[test]
fn levels_are_pinos_numbers() {
    let text = in_file(|| {
        tracing::trace!("a");
        tracing::debug!("a");
        tracing::info!("a");
        tracing::warn!("a");
        tracing::error!("a");
        tracing::error!(fatal = true, "a");
    });
    let levels: Vec<u64> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["level"].as_u64().unwrap())
        .collect();
    assert_eq!(levels, [10, 20, 30, 40, 50, 60]);
}

#[test]
fn untrusted_text_cannot_break_or_grow_a_line() {
    let huge = "A".repeat(1024 * 1024);
    let text = in_file(|| {
        tracing::info!(
            agent = "a\r\n{\"level\":60}\u{1b}[31m\u{2028}\u{202e}b\"",
            level = "taken",
            "x\ny"
        );
        tracing::info!(agent = huge, list = ?vec![huge.as_str(); 3], "{huge}");
    });
    let lines: Vec<&str> = text.split_terminator('\n').collect();
    assert_eq!(lines.len(), 2);
    let first: Value = serde_json::from_str(lines[0]).unwrap();
    assert_eq!(first["agent"], "a  {\"level\":60} [31m  b\"");
    assert_eq!((&first["level"], &first["level_"]), (&30.into(), &"taken".into()));
    assert_eq!(first["msg"], "x y");
    let second: Value = serde_json::from_str(lines[1]).unwrap();
    for name in ["agent", "list", "msg"] {
        let field = second[name].as_str().unwrap();
        assert!(field.len() <= 256 && field.len() > 250 && field.ends_with('…'), "{name}: {field}");
    }
    assert!(!text.contains('\u{1b}'));
}

#[test]
fn keys_are_masked_wherever_they_stand() {
    #[derive(Debug)]
    #[expect(dead_code, reason = "read by Debug, which is what is tested")]
    struct Provider {
        key: Secret,
        echoed: &'static str,
    }
    let behind = format!("{} sk-ant-{}", "x".repeat(1_010), "k".repeat(90));
    let many = "sk-ant-0123456789abcdef0123456789abcdef ".repeat(30);
    let text = in_file(|| {
        let provider = Provider { key: Secret::new("sk-ant-typed"), echoed: "sk-ant-parroted" };
        let error = io::Error::other("refused: Bearer abcdefghijklmnop");
        tracing::error!(
            ?provider,
            error = &error as &dyn std::error::Error,
            behind,
            many,
            "sk-proj-12345678"
        );
    });
    for key in ["typed", "parroted", "abcdef", "12345678", "kk"] {
        assert!(!text.contains(key), "{key} in {text}");
    }
    let line: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(line["provider"], "Provider { key: Secret(***), echoed: \"sk-***\" }");
    assert_eq!(line["error"], "refused: Bearer ***");
    assert_eq!(line["msg"], "sk-***");
}

#[test]
fn other_peoples_code_is_heard_from_warn_up() {
    let text = in_file(|| {
        tracing::info!(target: "hyper::proto", "headers and bodies");
        tracing::warn!(target: "sqlx::query", "slow");
        tracing::debug!(target: "engine::turn", "ours");
    });
    let modules: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["module"].to_string())
        .collect();
    assert_eq!(modules, ["\"sqlx::query\"", "\"engine::turn\""]);
}

#[test]
fn levels_change_while_running() {
    let say = || tracing::info!("said");
    let (file, console) = logged(Threshold::Warn, Threshold::Fatal, Style::Compact, |levels| {
        say();
        levels.set(Threshold::Info, Threshold::Info);
        say();
        levels.set(Threshold::Silent, Threshold::Fatal);
        say();
        tracing::error!("not fatal");
        tracing::error!(fatal = true, "the end");
    });
    assert_eq!(file.lines().count(), 1, "{file}");
    assert_eq!(console, "22:13:20 INFO  said\n22:13:20 FATAL the end\n");
}

#[test]
fn the_terminal_has_three_styles() {
    let say = |style| {
        logged(Threshold::Silent, Threshold::Info, style, |_| tracing::info!(port = 1, "ready")).1
    };
    let module = "openclaw::logging::tests";
    assert_eq!(
        say(Style::Pretty),
        format!("2023-11-14 22:13:20.123 INFO  {module} ready port=1\n")
    );
    assert_eq!(say(Style::Compact), "22:13:20 INFO  ready port=1\n");
    assert_eq!(
        say(Style::Json),
        format!(
            "{{\"level\":30,\"time\":1700000000123,\"pid\":{},\"module\":\"{module}\",\"msg\":\"ready\",\"port\":1}}\n",
            pid()
        )
    );
}

/// A disk that takes nothing until it is let go.
struct Stuck(std::sync::mpsc::Receiver<()>);

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Both a word and the end of the test let it go.
        let _ = self.0.recv();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_stuck_disk_stops_nobody_and_what_it_loses_is_counted() {
    let (let_go, stuck) = std::sync::mpsc::channel();
    let (file, file_guard) = queue("test-file", 8, Stuck(stuck));
    let (console, console_guard) = queue("test-console", 8, io::sink());
    let losses = file.error_counter();
    let thresholds = Arc::new(Thresholds::new(Threshold::Info, Threshold::Silent));
    let layer = LogLayer::new(
        thresholds,
        Arc::new(Stopped),
        file,
        Console::new(Style::Json, false, console),
    );
    let subscriber = tracing_subscriber::registry().with(layer);
    tracing::subscriber::with_default(subscriber, || {
        for number in 0..1_000 {
            tracing::info!(number, "said");
        }
    });
    // Eight wait and one may be on its way to the disk.
    assert!((991..=992).contains(&losses.dropped_lines()), "{}", losses.dropped_lines());
    drop(let_go);
    drop((file_guard, console_guard));
}
