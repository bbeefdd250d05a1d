//! Both engines have the same tables, and every statement of the product can be prepared on each.

use std::collections::BTreeMap;

use sqlx::{
    Connection as _, Executor as _, PgConnection, Row as _, SqlSafeStr as _, SqliteConnection,
};
use store::Location;
use testkit::{Engine, World};

/// Table to columns: name, type in common words, may be null.
type Schema = BTreeMap<String, Vec<(String, String, bool)>>;

fn sqlite_files(world: &World) -> (String, String) {
    let Location::Directory(root) = &world.location else { panic!("a directory") };
    let control = root.join("control.db");
    let tenant = root.join("tenants/main/openclaw_main.db");
    (control.display().to_string(), tenant.display().to_string())
}

/// Opens the tenant's database once, so that it is there.
async fn touch_tenant(world: &World) {
    world.tenant("main").await;
    let key = domain::SessionKey::first("main".parse().unwrap());
    assert!(world.store.transcript(&key, 0, 10).await.unwrap().is_empty());
}

async fn postgres_connections(world: &World) -> (PgConnection, PgConnection) {
    let Location::Server(options) = &world.location else { panic!("a server") };
    let tenant = format!("{}_main", options.get_database().unwrap());
    let tenant = options.as_ref().clone().database(&tenant);
    (
        PgConnection::connect_with(options).await.unwrap(),
        PgConnection::connect_with(&tenant).await.unwrap(),
    )
}

#[test]
fn every_statement_prepares_on_sqlite() {
    World::run(Engine::Sqlite, async |world| {
        touch_tenant(world).await;
        let (control, tenant) = sqlite_files(world);
        let mut control = SqliteConnection::connect(&format!("sqlite:{control}")).await.unwrap();
        let mut tenant = SqliteConnection::connect(&format!("sqlite:{tenant}")).await.unwrap();
        let statements = store::statements();
        assert!(statements.control.len() > 30 && statements.tenant.len() > 2);
        for sql in statements.control {
            assert!(control.prepare(sql.into_sql_str()).await.is_ok(), "{sql}");
        }
        for sql in statements.tenant {
            assert!(tenant.prepare(sql.into_sql_str()).await.is_ok(), "{sql}");
        }
    });
}

/// Whole tables that a statement may read: those that stay small, and what people ask for or time does once
/// a minute.
fn may_read_all(sql: &str, table: &str) -> bool {
    let is_rare = ["DELETE FROM", "SELECT s.id"].iter().any(|start| sql.starts_with(start));
    !matches!(table, "inbox" | "session" | "message" | "i" | "s" | "e" | "q" | "a") || is_rare
}

#[test]
fn no_statement_on_the_path_of_a_message_reads_a_whole_table() {
    World::run(Engine::Sqlite, async |world| {
        touch_tenant(world).await;
        let (control, tenant) = sqlite_files(world);
        let statements = store::statements();
        for (path, statements) in [(control, statements.control), (tenant, statements.tenant)] {
            let mut connection =
                SqliteConnection::connect(&format!("sqlite:{path}")).await.unwrap();
            for sql in statements {
                let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
                let plan = sqlx::raw_sql(explain).fetch_all(&mut connection).await.unwrap();
                for step in plan {
                    let step: String = step.get("detail");
                    let scanned = step.strip_prefix("SCAN ").filter(|rest| !rest.contains("INDEX"));
                    if let Some(table) = scanned {
                        assert!(may_read_all(sql, table), "{step}: {sql}");
                    }
                }
            }
        }
    });
}

#[test]
fn every_statement_prepares_on_postgres() {
    World::run(Engine::Postgres, async |world| {
        touch_tenant(world).await;
        let (mut control, mut tenant) = postgres_connections(world).await;
        let statements = store::statements();
        for sql in statements.control {
            if let Err(error) = control.prepare(sql.into_sql_str()).await {
                panic!("{error}: {sql}");
            }
        }
        for sql in statements.tenant {
            if let Err(error) = tenant.prepare(sql.into_sql_str()).await {
                panic!("{error}: {sql}");
            }
        }
    });
}

#[test]
fn both_engines_have_the_same_tables() {
    let (mut on_sqlite, mut on_postgres) = (Vec::new(), Vec::new());
    World::run(Engine::Sqlite, async |world| {
        touch_tenant(world).await;
        let (control, tenant) = sqlite_files(world);
        on_sqlite = vec![sqlite_schema(&control).await, sqlite_schema(&tenant).await];
    });
    World::run(Engine::Postgres, async |world| {
        touch_tenant(world).await;
        let (mut control, mut tenant) = postgres_connections(world).await;
        on_postgres = vec![postgres_schema(&mut control).await, postgres_schema(&mut tenant).await];
    });
    assert!(on_sqlite[0].len() >= 6, "{on_sqlite:?}");
    assert_eq!(on_sqlite, on_postgres);
}

async fn sqlite_schema(file: &str) -> Schema {
    let mut connection = SqliteConnection::connect(&format!("sqlite:{file}")).await.unwrap();
    let rows: Vec<(String, String, String, bool)> = sqlx::query_as(
        r#"SELECT m.name, c.name, lower(c.type), c."notnull" = 0
           FROM sqlite_schema m, pragma_table_info(m.name) c
           WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE '\_sqlx%' ESCAPE '\'
           ORDER BY m.name, c.cid"#,
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    gather(rows)
}

async fn postgres_schema(connection: &mut PgConnection) -> Schema {
    let rows: Vec<(String, String, String, bool)> = sqlx::query_as(
        r"SELECT table_name::text, column_name::text, data_type::text, is_nullable = 'YES'
           FROM information_schema.columns
           WHERE table_schema = 'public' AND table_name NOT LIKE '\_sqlx%'
           ORDER BY table_name, ordinal_position",
    )
    .fetch_all(connection)
    .await
    .unwrap();
    gather(rows)
}

fn gather(rows: Vec<(String, String, String, bool)>) -> Schema {
    let mut schema = Schema::new();
    for (table, column, kind, nullable) in rows {
        let kind = match kind.as_str() {
            "integer" | "bigint" => "integer",
            "blob" | "uuid" | "bytea" => "bytes",
            "text" | "jsonb" => "text",
            other => panic!("{table}.{column} has the type {other}, which only one engine has"),
        };
        schema.entry(table).or_default().push((column, kind.to_owned(), nullable));
    }
    schema
}
