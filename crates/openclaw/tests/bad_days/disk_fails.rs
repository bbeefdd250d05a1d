//! An fsync that fails: nothing is acknowledged any more, the process ends, the next start is clean.

use tokio::process::Command;

use crate::disk_full::attached;
use crate::home::Home;
use crate::ledger::Ledger;
use crate::running::Running;

const SESSION: &str = "agent:main:main";

/// Lets every fsync fail from the given one on, of one file or of all.
async fn fail(
    running: &Running,
    from: u32,
    file: Option<&std::path::Path>,
) -> tokio::process::Child {
    let mut command = Command::new("strace");
    command.args(["-f", "-p", &running.id().to_string(), "-o", "/dev/null"]);
    command.args(["-e", &format!("inject=fsync,fdatasync:error=EIO:when={from}+")]);
    if let Some(file) = file {
        command.arg("-P").arg(file);
    }
    attached(command).await
}

async fn ends_and_begins_again(home: &Home, from: u32, file: Option<&std::path::Path>) {
    let running = Running::start(home).await;
    let (mut ledger, mut socket) = (Ledger::default(), running.socket().await);
    ledger.say_as(&mut socket, SESSION, &format!("{from}-before")).await.unwrap();
    ledger.settle(&running).await;

    let _debugger = fail(&running, from, file).await;
    let mut said = 0;
    let refused = loop {
        said += 1;
        let run = format!("{from}-{said}");
        if let Err(code) = ledger.say_as(&mut socket, SESSION, &run).await {
            break code;
        }
    };
    assert!(["store-disk", "instance-stopping", "CLOSED"].contains(&refused.as_str()), "{refused}");
    // Nothing more is acknowledged, however often it is tried.
    while let Err(code) = ledger.say(&mut socket, SESSION).await {
        if code == "CLOSED" {
            break;
        }
    }
    assert_eq!(running.ended().await.code(), Some(74));
    let again = Running::start(home).await;
    ledger.settle(&again).await;
    again.signal("TERM").await;
    assert_eq!(again.ended().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_fsync_ends_the_process_and_loses_nothing() {
    let home = Home::new();
    for from in [1, 2, 5] {
        ends_and_begins_again(&home, from, None).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_does_one_of_a_tenants_database_alone() {
    let home = Home::new();
    let log = home.state().join("tenants/main/openclaw_main.db-wal");
    ends_and_begins_again(&home, 1, Some(&log)).await;
}
