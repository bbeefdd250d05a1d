//! One child process and its family, from the start to the last of them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use agent::child::{Child, Exit, Order, Processes};

use crate::stage::{Ears, Gate, play, runs};

/// The next `count` lines.
async fn lines(child: &mut Child, count: usize) -> Vec<String> {
    let mut text = String::new();
    while text.lines().count() < count {
        let piece = child.next().await.unwrap().expect("it ended early");
        text.push_str(std::str::from_utf8(&piece).unwrap());
    }
    text.lines().map(str::to_owned).collect()
}

async fn numbers(child: &mut Child, count: usize) -> Vec<u32> {
    lines(child, count).await.iter().map(|line| line.parse().unwrap()).collect()
}

async fn all(child: &mut Child) -> String {
    let mut all = Vec::new();
    while let Some(piece) = child.next().await.unwrap() {
        all.extend(piece);
    }
    String::from_utf8(all).unwrap()
}

#[tokio::test]
async fn a_child_is_heard_from_its_start_to_its_end() {
    let (gate, ears) = (Gate::new(), Arc::new(Ears::default()));
    let (mut child, gone) = play("json", &gate, Arc::clone(&ears));
    let id = child.id().unwrap();
    assert_eq!(ears.started.load(Ordering::SeqCst), id);
    assert!(all(&mut child).await.starts_with(r#"{"type":"result""#));
    assert_eq!(child.exit(), Some(Exit::Code(0)));
    assert!(ears.beats.load(Ordering::SeqCst) > 0);
    drop(child);
    assert_eq!(ears.ended.load(Ordering::SeqCst), 1);
    gone.await.unwrap_err();
    assert!(!std::path::Path::new(&format!("/proc/{id}")).exists(), "not even a zombie");
}

#[tokio::test]
async fn nobody_of_the_family_outlives_it() {
    let gate = Gate::new();
    let (mut child, gone) = play("family", &gate, Arc::default());
    let family = numbers(&mut child, 3).await;
    let leader = child.id().unwrap();
    assert!(family.iter().all(|member| runs(*member)), "{family:?}");
    drop(child);
    gone.await.unwrap_err();
    assert!(!runs(leader));
    for member in family {
        ends(member).await;
    }
}

/// A process that was killed ends in a moment, but who reaps it is not us.
async fn ends(pid: u32) {
    while runs(pid) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn it_is_asked_before_it_is_killed() {
    let gate = Gate::new();
    let (mut child, gone) = play("polite", &gate, Arc::default());
    assert_eq!(lines(&mut child, 1).await, ["ready"]);
    drop(child);
    gone.await.unwrap_err();
    assert_eq!(std::fs::read_to_string(gate.mark()).unwrap(), "asked\n");
}

#[tokio::test]
async fn who_does_not_listen_is_killed() {
    let gate = Gate::new();
    let (mut child, gone) = play("stubborn", &gate, Arc::default());
    let id = numbers(&mut child, 1).await[0];
    // From here on no output is waited for, so time may jump over the grace.
    tokio::time::pause();
    drop(child);
    gone.await.unwrap_err();
    assert!(!runs(id));
}

#[tokio::test]
async fn a_runtime_that_stops_takes_the_family_along() {
    let id = tokio::task::spawn_blocking(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let gate = Gate::new();
        runtime.block_on(async {
            let (mut child, _gone) = play("stubborn", &gate, Arc::default());
            numbers(&mut child, 1).await[0]
        })
    });
    ends(id.await.unwrap()).await;
}

#[tokio::test]
async fn an_end_is_seen_although_somebody_holds_the_pipe() {
    let gate = Gate::new();
    let (mut child, gone) = play("leaves", &gate, Arc::default());
    let left: u32 = all(&mut child).await.trim().parse().unwrap();
    assert_eq!(child.exit(), Some(Exit::Code(0)));
    drop(child);
    gone.await.unwrap_err();
    ends(left).await;
}

#[tokio::test]
async fn memory_is_counted_over_the_family() {
    let gate = Gate::new();
    let (mut child, gone) = play("memory", &gate, Arc::default());
    assert_eq!(lines(&mut child, 1).await, ["full"]);
    let resident = Processes::read().resident(child.id().unwrap());
    assert!((30_000_000..1_000_000_000).contains(&resident), "{resident}");
    let id = child.id().unwrap();
    drop(child);
    gone.await.unwrap_err();
    assert_eq!(Processes::read().resident(id), 0);
}

#[tokio::test]
async fn nothing_is_handed_down() {
    let gate = Gate::new();
    let open = std::fs::File::open("/proc/self/stat").unwrap();
    let own = std::os::fd::AsRawFd::as_raw_fd(&open).to_string();
    let (mut child, _) = play("descriptors", &gate, Arc::default());
    let theirs = all(&mut child).await;
    let strangers = strangers();
    assert!(!strangers.contains(&own));
    // One more is the folder that `ls` reads.
    let more = theirs.lines().filter(|number| !strangers.iter().any(|other| other == number));
    assert_eq!(more.count(), 1, "{theirs:?}, {strangers:?}");
    let (mut child, _) = play("environment", &gate, Arc::default());
    let names: Vec<String> = all(&mut child)
        .await
        .lines()
        .filter_map(|line| Some(line.split_once('=')?.0.to_owned()))
        .filter(|name| !matches!(name.as_str(), "PWD" | "OLDPWD" | "SHLVL" | "_"))
        .collect();
    assert_eq!(names, ["GATE", "MARK", "PATH", "PLAY"], "and what the shell sets for itself");
}

/// Descriptors that whoever started this test hands down through it: those that do not close on `exec`.
fn strangers() -> Vec<String> {
    const CLOSED_ON_EXEC: u32 = 0o2_000_000;
    let is_handed_down = |number: &String| {
        let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{number}")).ok()?;
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?.trim().to_owned();
        Some(u32::from_str_radix(&flags, 8).ok()? & CLOSED_ON_EXEC == 0)
    };
    let all = std::fs::read_dir("/proc/self/fd").unwrap();
    let names = all.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|number| is_handed_down(number) == Some(true)).collect()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn it_leaves_no_core_and_is_the_first_to_go_when_memory_ends() {
    let gate = Gate::new();
    let (mut child, _) = play("limits", &gate, Arc::default());
    gate.open();
    let text = all(&mut child).await;
    let core = text.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    assert_eq!(text.lines().last(), Some("800"));
}

#[tokio::test]
async fn what_cannot_be_started_is_told() {
    let order = Order {
        program: "/nowhere/at/all".into(),
        args: Vec::new(),
        env: Vec::new(),
        folder: "/".into(),
        input: Vec::new(),
        kept: Box::new(()),
    };
    let ears = Arc::new(Ears::default());
    let error = Child::start(order, Arc::clone(&ears) as Arc<dyn domain::Pulse>).err().unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    assert_eq!(ears.started.load(Ordering::SeqCst), 0);
}
