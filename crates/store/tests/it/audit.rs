//! The audit: a change has its row or did not happen.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::platform_event::Record;
use domain::tenant::Tier;
use domain::{Actor, MessageId, Occurrence, PersonKey, PlatformEvent, Timestamp, Witness};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, SqliteConnection};
use store::{
    AuditFilter, InboxFilter, Location, NewDevice, Outcome, PersonFilter, SessionFilter, Store,
};
use testkit::{World, both_engines};
use uuid::Uuid;

use crate::words::{admit, claim, key, message, park};

/// Hears everything that a store tells.
#[derive(Default)]
struct Ear(Mutex<Vec<PlatformEvent>>);

impl Witness for Ear {
    fn tell(&self, event: PlatformEvent) {
        self.0.lock().unwrap().push(event);
    }
}

/// Everything that an operator can change, by the name of its row.
const CHANGES: &[&str] = &[
    "tenant.created",
    "tenant.tier_changed",
    "tenant.token_rotated",
    "person.tier_changed",
    "person.suspended",
    "person.reinstated",
    "session.extended",
    "session.reset",
    "session.suspended",
    "session.cleaned",
    "link.created",
    "device.admitted",
    "device.revoked",
    "inbox.replayed",
    "inbox.replayed_all",
    "inbox.dropped",
    "tenant.suspended",
    "tenant.reinstated",
    "tenant.deleted",
];

/// What the changes are made to.
struct Stage {
    device: Uuid,
    parked: Vec<MessageId>,
}

fn anna() -> PersonKey {
    "web:anna".parse().unwrap()
}

fn phone() -> NewDevice {
    NewDevice { label: "phone".to_owned(), scopes: vec!["operator.read".to_owned()], tenant: None }
}

/// Two tenants, one to delete; sessions, a device, three parked messages.
async fn stage(world: &World) -> Stage {
    world.tenant("main").await;
    world.tenant("gone").await;
    world.store.suspend_tenant(&"gone".parse().unwrap()).await.unwrap();
    world.tenant("away").await;
    world.store.suspend_tenant(&"away".parse().unwrap()).await.unwrap();
    let (device, _) = world.store.create_device(phone()).await.unwrap();
    let mut parked = Vec::new();
    for run in ["r-1", "r-2", "r-3"] {
        let admitted = admit(&world.store, message("a", run)).await;
        let claimed = claim(&world.store, &admitted).await;
        world.store.finish(claimed.claim, park()).await.unwrap();
        parked.push(admitted.message);
    }
    admit(&world.store, message("b", "r-4")).await;
    Stage { device: device.id, parked }
}

/// Makes one change; the code of what it failed with.
async fn make(store: &Store, stage: &Stage, change: &str) -> Result<(), &'static str> {
    use domain::Coded as _;
    let main = "main".parse().unwrap();
    let session = key("main", "a");
    let made = match change {
        "tenant.created" => {
            store.create_tenant(&"fresh".parse().unwrap(), Tier::Free).await.map(drop)
        }
        "tenant.tier_changed" => store.change_tenant_tier(&main, Tier::Premium).await,
        "tenant.token_rotated" => store.rotate_tenant_token(&main).await.map(drop),
        "tenant.suspended" => store.suspend_tenant(&main).await,
        "tenant.reinstated" => store.reinstate_tenant(&"away".parse().unwrap()).await,
        "tenant.deleted" => store.delete_tenant(&"gone".parse().unwrap()).await,
        "person.tier_changed" => store.change_person_tier(&main, &anna(), Some(Tier::Free)).await,
        "person.suspended" => store.suspend_person(&main, &anna()).await,
        "person.reinstated" => store.reinstate_person(&main, &anna()).await,
        "session.extended" => {
            store.extend_session(&session, Duration::from_secs(60)).await.map(drop)
        }
        "session.reset" => store.reset_session(&session).await,
        "session.suspended" => store.suspend_session(&session).await,
        "session.cleaned" => store.clean_sessions(None).await.map(drop),
        "link.created" => store.create_link(Duration::from_secs(60)).await.map(drop),
        "device.admitted" => store.create_device(phone()).await.map(drop),
        "device.revoked" => store.revoke_device(stage.device).await.map(drop),
        "inbox.replayed" => store.replay(stage.parked[0]).await,
        "inbox.replayed_all" => store.replay_all().await.map(drop),
        "inbox.dropped" => store.drop_message(stage.parked[1]).await,
        other => panic!("{other}"),
    };
    made.map_err(|error| error.code())
}

/// Everything that a change could have changed.
async fn state(store: &Store) -> String {
    format!(
        "{:?}{:?}{:?}{:?}{:?}",
        store.tenants().await.unwrap(),
        store.persons(PersonFilter::default()).await.unwrap(),
        store.sessions(SessionFilter::default()).await.unwrap(),
        store.inbox(InboxFilter::default()).await.unwrap(),
        store.devices().await.unwrap(),
    )
}

/// Runs statements beside the store.
async fn beside(world: &World, on_sqlite: &str, on_postgres: &[&str]) {
    match &world.location {
        Location::Directory(root) => {
            let file = format!("sqlite:{}", root.join("control.db").display());
            let mut connection = SqliteConnection::connect(&file).await.unwrap();
            connection.execute(AssertSqlSafe(on_sqlite.to_owned())).await.unwrap();
        }
        Location::Server(options) => {
            let mut connection = PgConnection::connect_with(options).await.unwrap();
            for statement in on_postgres {
                connection.execute(AssertSqlSafe((*statement).to_owned())).await.unwrap();
            }
        }
    }
}

async fn break_the_audit(world: &World) {
    beside(
        world,
        "CREATE TRIGGER no_audit BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END",
        &[
            "CREATE OR REPLACE FUNCTION no_audit() RETURNS trigger LANGUAGE plpgsql
                AS 'BEGIN RAISE EXCEPTION ''no''; END'",
            "CREATE TRIGGER no_audit BEFORE INSERT ON audit
                FOR EACH ROW EXECUTE FUNCTION no_audit()",
        ],
    )
    .await;
}

async fn mend_the_audit(world: &World) {
    let on_postgres = "DROP TRIGGER no_audit ON audit";
    beside(world, "DROP TRIGGER no_audit", &[on_postgres]).await;
}

both_engines! {
    async fn a_change_has_its_row_or_did_not_happen(world: &World) {
        let stage = stage(world).await;
        let ear = Arc::new(Ear::default());
        let store = world
            .store
            .acting_as(Actor::Terminal("root".to_owned()))
            .witnessed_by(ear.clone());
        let filter = || AuditFilter { limit: 1_000, ..AuditFilter::default() };
        let rows = store.audit(filter()).await.unwrap().len();
        for change in CHANGES {
            break_the_audit(world).await;
            let before = state(&store).await;
            let refused = make(&store, &stage, change).await.unwrap_err();
            assert_eq!(refused, "audit-unavailable", "{change}");
            assert_eq!(state(&store).await, before, "{change}");
            mend_the_audit(world).await;
            make(&store, &stage, change).await.unwrap();
        }
        let rows = store.audit(filter()).await.unwrap().split_off(rows);
        let actions: Vec<_> = rows.iter().map(|row| row.action.as_str()).collect();
        assert_eq!(actions, CHANGES);
        assert!(rows.iter().all(|row| row.actor == "cli:root"));
        let told = std::mem::take(&mut *ear.0.lock().unwrap());
        assert_eq!(told.len(), rows.len(), "nobody is told what did not happen");
        let row = rows.iter().find(|row| row.action == "person.suspended").unwrap();
        assert_eq!((row.subject.as_str(), row.tenant.as_deref()), ("web:anna", Some("main")));
        let row = rows.iter().find(|row| row.action == "tenant.tier_changed").unwrap();
        assert_eq!(row.payload["oldTier"], "standard");
        assert_eq!(row.payload["newTier"], "premium");
    }

    async fn the_audit_holds_neither_words_nor_secrets(world: &World) {
        let (_, token) = world.tenant("main").await;
        let fresh = world.store.rotate_tenant_token(&"main".parse().unwrap()).await.unwrap();
        let link = world.store.create_link(Duration::from_secs(60)).await.unwrap();
        let (_, device) = world.store.create_device(phone()).await.unwrap();
        let admitted = admit(&world.store, message("a", "r-1")).await;
        world.store.drop_message(admitted.message).await.unwrap();
        let rows = world.store.audit(AuditFilter::default()).await.unwrap();
        assert_eq!(rows.len(), 5);
        let all = serde_json::to_string(&rows).unwrap();
        assert!(!all.contains("words of"), "{all}");
        for secret in [&token, &fresh, &link, &device] {
            assert!(!all.contains(secret.expose()));
        }
    }

    async fn what_changes_nothing_leaves_no_row(world: &World) {
        world.tenant("main").await;
        let (store, main) = (&world.store, "main".parse().unwrap());
        store.change_tenant_tier(&main, Tier::Standard).await.unwrap();
        assert!(!store.revoke_device(Uuid::nil()).await.unwrap());
        assert_eq!(store.replay_all().await.unwrap(), 0);
        assert!(store.reinstate_tenant(&main).await.is_err());
        assert_eq!(store.audit(AuditFilter::default()).await.unwrap().len(), 1, "the creation");
    }

    async fn another_process_learns_of_each_change_once(world: &World) {
        let other = world.reopened().await;
        let mut followed = world.store.follow().await.unwrap();
        let (main, gone) = ("main".parse().unwrap(), "gone".parse().unwrap());
        other.create_tenant(&main, Tier::Free).await.unwrap();
        world.store.create_tenant(&gone, Tier::Free).await.unwrap();
        other.suspend_tenant(&main).await.unwrap();
        let stuck = Occurrence::WorkerStuck {
            worker_id: "worker-1".to_owned(),
            tenant_id: None,
            request_id: None,
            heartbeat_age_ms: 1,
        };
        assert_eq!(stuck.record(), Record::Note);
        other.note(vec![PlatformEvent::new(stuck, Timestamp(1), Uuid::nil())]).await.unwrap();
        let told: Vec<_> = world.store.changes(&mut followed).await.unwrap();
        let told: Vec<_> = told.into_iter().map(|event| event.what).collect();
        let tenant_id = main.clone();
        let wanted = [
            Occurrence::TenantCreated { tenant_id: main.clone(), tier: Tier::Free },
            Occurrence::TenantSuspended { tenant_id },
        ];
        assert_eq!(told, wanted, "neither our own nor what was only noted");
        assert_eq!(world.store.changes(&mut followed).await.unwrap(), []);
        other.reinstate_tenant(&main).await.unwrap();
        assert_eq!(world.store.changes(&mut followed).await.unwrap().len(), 1);
        other.close().await;
    }

    async fn rows_are_listed_by_tenant_and_time_and_forgotten_after_ninety_days(world: &World) {
        world.tenant("main").await;
        world.clock.advance(Duration::from_secs(60 * 60));
        let since = Some(domain::Clock::now(world.clock.as_ref()));
        world.tenant("acme").await;
        let rows = async |filter| {
            let rows = world.store.audit(filter).await.unwrap();
            rows.into_iter().filter_map(|row| row.tenant).collect::<Vec<_>>()
        };
        assert_eq!(rows(AuditFilter::default()).await, ["main", "acme"]);
        let of = |slug: &str| AuditFilter { tenant: slug.parse().ok(), ..AuditFilter::default() };
        assert_eq!(rows(of("main")).await, ["main"]);
        assert_eq!(rows(AuditFilter { since, ..AuditFilter::default() }).await, ["acme"]);
        let first = world.store.audit(AuditFilter::default()).await.unwrap()[0].seq;
        assert_eq!(rows(AuditFilter { after: Some(first), ..AuditFilter::default() }).await, ["acme"]);
        assert_eq!(rows(AuditFilter { limit: 1, ..AuditFilter::default() }).await, ["acme"]);
        world.clock.advance(Duration::from_secs(90 * 24 * 60 * 60 - 60 * 60));
        world.store.upkeep().await.unwrap();
        assert_eq!(rows(AuditFilter::default()).await, ["acme"]);
    }

    async fn the_end_of_a_turn_is_no_change_of_an_operators(world: &World) {
        world.tenant("main").await;
        let admitted = admit(&world.store, message("a", "r-1")).await;
        let claimed = claim(&world.store, &admitted).await;
        world.store.finish(claimed.claim, Outcome::Release).await.unwrap();
        assert_eq!(world.store.audit(AuditFilter::default()).await.unwrap().len(), 1);
    }
}
