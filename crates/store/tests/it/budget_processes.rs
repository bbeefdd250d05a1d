//! Several processes spend from one budget at once, and one of them is killed: never a token too much, and
//! nothing is held for ever.
//!
//! The other processes are this test binary, run again with nothing but the test `spender`.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use domain::event::Usage;
use domain::{Ids, Secret};
use store::{Error, Hold, Location, Settlement, Spent, Store};
use testkit::{Engine, ManualClock, World};
use uuid::Uuid;

use crate::budget::{taken, tokens};
use crate::words::LEASE;

const PLACE: &str = "STORE_TEST_SPENDER_PLACE";
const NAME: &str = "STORE_TEST_SPENDER_NAME";
/// What each call holds, what it uses of that, and what there is for all.
const HELD: u64 = 100;
const USED: u64 = 60;
const LIMIT: u64 = 150_000;
/// Calls of each of the two processes.
const CALLS: u64 = 5_000;
const AT_ONCE: u64 = 64;

/// Ids that two processes never share.
struct Named(AtomicU64, u8);

impl Ids for Named {
    fn fill(&self, bytes: &mut [u8]) {
        let count = self.0.fetch_add(1, Ordering::SeqCst).to_be_bytes();
        for (byte, value) in bytes.iter_mut().rev().zip(count.iter().rev()) {
            *byte = *value;
        }
        if let Some(first) = bytes.iter_mut().rev().nth(8) {
            *first = self.1;
        }
    }
}

/// What became of the calls of one process.
#[derive(Debug, Default)]
struct Tally {
    made: AtomicU64,
    refused: AtomicU64,
}

async fn open(location: Location, name: u8) -> Store {
    let ids = Arc::new(Named(AtomicU64::new(0), name));
    Store::open_patiently(location, Arc::new(ManualClock::default()), ids).await.unwrap()
}

/// Calls until all are made or refused, many at once.
async fn spend(store: &Store, name: u8, tally: &Arc<Tally>) {
    let callers = (0..AT_ONCE).map(|caller| {
        let (store, tally) = (store.clone(), Arc::clone(tally));
        tokio::spawn(async move {
            for _ in (caller..CALLS).step_by(usize::try_from(AT_ONCE).unwrap()) {
                call(&store, name, &tally).await;
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
}

async fn call(store: &Store, name: u8, tally: &Tally) {
    let at = store.budget_time().await.unwrap();
    let hold = Hold {
        tenant: "main".parse().unwrap(),
        instance: Uuid::from_u128(name.into()),
        session: None,
        lines: vec![tokens(HELD, LIMIT, at)],
        at,
        longest: LEASE,
    };
    match store.reserve(hold).await {
        Ok(reservation) => {
            let usage = Usage { input: USED, cached: 0, output: 0 };
            let spent = Some(Spent { model: "m".to_owned(), usage, money: None });
            store.settle(Settlement { reservation, spent }).await.unwrap();
            tally.made.fetch_add(1, Ordering::SeqCst);
        }
        Err(Error::Budget(_)) => {
            tally.refused.fetch_add(1, Ordering::SeqCst);
        }
        Err(error) => panic!("{error}"),
    }
}

/// Run by itself it spends a budget of its own to the end; run by another test, it is a second process that
/// spends that test's.
#[test]
fn spender() {
    let place = std::env::var(PLACE).ok();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let location = match &place {
        None => Location::Directory(directory.path().to_owned()),
        Some(url) if url.starts_with("postgres") => {
            Location::server(&Secret::new(url.clone())).unwrap()
        }
        Some(path) => Location::Directory(path.into()),
    };
    let name = std::env::var(NAME).map_or(1, |name| name.parse().unwrap());
    runtime.block_on(async {
        let store = open(location, name).await;
        if place.is_none() {
            let main = "main".parse().unwrap();
            store.create_tenant(&main, domain::tenant::Tier::Standard).await.unwrap();
        }
        let tally = Arc::new(Tally::default());
        // The first call says that it has begun.
        call(&store, name, &tally).await;
        println!("\nspending");
        spend(&store, name, &tally).await;
        let (made, refused) =
            (tally.made.load(Ordering::SeqCst), tally.refused.load(Ordering::SeqCst));
        println!("made {made} refused {refused}");
        assert_eq!(made + refused, CALLS + 1);
        if place.is_none() {
            let (used, reserved) = taken(&store).await;
            assert_eq!((used, reserved), (made * USED, 0));
            assert!(used <= LIMIT && used + HELD > LIMIT, "{used}");
        }
        store.close().await;
    });
}

fn spawn(place: &str, name: u8) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "budget_processes::spender", "--nocapture"])
        .env(PLACE, place)
        .env(NAME, name.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    wait_for(&mut out, "spending").unwrap();
    (child, out)
}

/// The first line that begins so; `None` when the process ends before.
fn wait_for(out: &mut BufReader<std::process::ChildStdout>, word: &str) -> Option<String> {
    let mut line = String::new();
    while out.read_line(&mut line).unwrap() > 0 {
        if line.starts_with(word) {
            return Some(line);
        }
        line.clear();
    }
    None
}

/// The processes spend while this one looks; the second is killed when a third of all is used.
async fn two_processes(world: &World, place: String) {
    world.tenant("main").await;
    let done = Arc::new(AtomicBool::new(false));
    let reader = {
        let (store, done) = (world.store.clone(), Arc::clone(&done));
        tokio::spawn(async move {
            let mut looks = 0_u64;
            while !done.load(Ordering::SeqCst) {
                let (used, reserved) = taken(&store).await;
                assert!(used + reserved <= LIMIT, "{used} used and {reserved} held of {LIMIT}");
                looks += 1;
            }
            looks
        })
    };
    let (mut first, mut told) = spawn(&place, 101);
    let (mut second, _) = spawn(&place, 102);
    while taken(&world.store).await.0 < LIMIT / 3 {
        tokio::task::yield_now().await;
    }
    second.kill().unwrap();
    assert!(!second.wait().unwrap().success(), "it was killed in the middle");
    let line = wait_for(&mut told, "made").unwrap();
    assert!(first.wait().unwrap().success());
    let made: Vec<u64> = line.split(' ').filter_map(|word| word.trim().parse().ok()).collect();
    assert_eq!(made.iter().sum::<u64>(), CALLS + 1, "{line}");

    let (used, reserved) = taken(&world.store).await;
    assert_eq!(reserved % HELD, 0, "only what the killed one held is left");
    assert!(used + reserved <= LIMIT);
    world.store.let_go(Uuid::from_u128(102)).await.unwrap();
    let (after, reserved) = taken(&world.store).await;
    assert_eq!((after, reserved), (used, 0), "its next start lets it go");
    assert_eq!(after % USED, 0, "and every call that ended was charged, whole");

    // What it held is there to be spent again.
    let tally = Arc::new(Tally::default());
    spend(&world.store, 103, &tally).await;
    let (used, reserved) = taken(&world.store).await;
    assert!(reserved == 0 && used <= LIMIT && used + HELD > LIMIT, "{used}");
    done.store(true, Ordering::SeqCst);
    assert!(tokio::time::timeout(Duration::from_secs(60), reader).await.unwrap().unwrap() > 100);
}

#[test]
fn two_processes_and_a_kill_on_sqlite() {
    World::run(Engine::Sqlite, async |world| {
        let Location::Directory(root) = &world.location else { panic!("a directory") };
        two_processes(world, root.display().to_string()).await;
    });
}

#[test]
fn two_processes_and_a_kill_on_postgres() {
    World::run(Engine::Postgres, async |world| {
        let Location::Server(options) = &world.location else { panic!("a server") };
        let server = std::env::var("OPENCLAW_TEST_POSTGRES").unwrap();
        let (base, _) = server.rsplit_once('/').unwrap();
        let place = format!("{base}/{}", options.get_database().unwrap());
        two_processes(world, place).await;
    });
}
