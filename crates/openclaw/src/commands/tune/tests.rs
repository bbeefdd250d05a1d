//! What `openclaw tune` shows for a quiet day and for too short a past.

use super::*;

const MINUTE: i64 = 60_000;
const NOW: Now = Now {
    sizes: Sizes {
        min_workers: 1,
        max_workers: 4,
        max_queue_size: 32,
        worker_timeout_ms: 120_000,
        memory_limit_mb: 512,
    },
    stuck_threshold_ms: 60_000,
};

fn report(minutes: i64) -> Report {
    let samples: Vec<_> = (0..minutes)
        .map(|minute| {
            let sample = Sample {
                at: Timestamp(minute * MINUTE),
                level: 0.15,
                active: 2,
                throughput: u32::from(minute % 3 == 0),
                p99_ms: 41_300,
                memory: 60 << 20,
                ..Sample::default()
            };
            (uuid::Uuid::nil(), sample)
        })
        .collect();
    let machine = Machine { processors: 2, memory: Some(4 << 30) };
    Report::new(&samples, machine, NOW, (Timestamp(0), Timestamp(1_440 * MINUTE)))
}

fn shown(report: &Report) -> String {
    let mut bytes = Vec::new();
    report.show(&mut Screen::new(&mut bytes, false)).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_day_ends_in_figures_with_reasons() {
    let text = shown(&report(1_440));
    for line in [
        "history      1440 minutes of 1 instance(s)",
        "requests     480 answered, 0 of them failed, 0 refused",
        "machine      2 processor(s), 4096 MB of memory",
        "table row    less than 10 requests per second",
        "minWorkers       1 is right",
        "maxWorkers       4 -> 2",
        "maxQueueSize     32 -> 16",
        "workerTimeoutMs  120000 -> 83000",
        "memoryLimitMb    512 is right",
    ] {
        assert!(text.lines().any(|found| found == line), "{line:?} is missing in\n{text}");
    }
    assert!(text.ends_with("`openclaw tune --apply` writes this into the configuration.\n"));
}

#[test]
fn too_short_a_past_is_said_to_be_too_short() {
    let text = shown(&report(30));
    assert!(
        text.contains("Nothing is proposed: the history has 30 minutes with 10 answers"),
        "{text}"
    );
    let none = shown(&report(0));
    assert!(!none.contains("at most") && none.contains("Nothing is proposed"), "{none}");
}

#[test]
fn programs_get_all_of_it() {
    let json = serde_json::to_value(report(1_440)).unwrap();
    assert_eq!(json["load"]["busiestMinute"], 1);
    assert_eq!(json["machine"]["processors"], 2);
    assert_eq!(json["proposal"]["row"]["maxWorkers"], 2);
    assert_eq!(json["proposal"]["figures"][1]["setting"], "maxWorkers");
    let json = serde_json::to_value(report(3)).unwrap();
    assert!(json["proposal"].is_null() && json["tooLittle"].is_string());
}
