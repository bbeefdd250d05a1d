//! Persons: who writes to a tenant, how much each may use, and whether each is served.
//!
//! A row is made with somebody's first message and touched at most once a minute.

use std::time::Duration;

use domain::person::{PersonKey, PersonStatus};
use domain::tenant::Tier;
use domain::{Occurrence, TenantSlug, Timestamp};
use uuid::Uuid;

use super::suspension;
use crate::Store;
use crate::db::{Conn, on, statements};
use crate::error::{Error, Failure, Result};

statements! {
    LIST = "SELECT t.slug, p.account, p.peer, p.tier, t.tier, p.status, p.created_at, p.last_active_at
        FROM person p JOIN tenant t ON t.id = p.tenant_id
        WHERE ($1 = '' OR t.slug = $1) AND t.status <> 'deleted' AND p.last_active_at < $2
        ORDER BY p.last_active_at DESC, p.account, p.peer LIMIT $3";
    BY_KEY = "SELECT t.slug, p.account, p.peer, p.tier, t.tier, p.status, p.created_at, p.last_active_at
        FROM person p JOIN tenant t ON t.id = p.tenant_id
        WHERE t.slug = $1 AND t.status <> 'deleted' AND p.account = $2 AND p.peer = $3";
    // Also keeps others from changing the person until the transaction ends.
    HOLD = "UPDATE person SET status = status WHERE account = $2 AND peer = $3
            AND tenant_id = (SELECT id FROM tenant WHERE slug = $1 AND status <> 'deleted')
        RETURNING tenant_id, tier, status";
    SET_TIER = "UPDATE person SET tier = $4 WHERE tenant_id = $1 AND account = $2 AND peer = $3";
    SET_STATUS = "UPDATE person SET status = $4 WHERE tenant_id = $1 AND account = $2 AND peer = $3";
    SEEN = "INSERT INTO person (tenant_id, account, peer, tier, status, created_at, last_active_at)
        VALUES ($1, $2, $3, NULL, 'active', $4, $4)
        ON CONFLICT (tenant_id, account, peer) DO UPDATE SET last_active_at = excluded.last_active_at
            WHERE person.last_active_at < excluded.last_active_at";
    TENANT_SEEN = "UPDATE tenant SET last_active_at = $2
        WHERE id = $1 AND (last_active_at IS NULL OR last_active_at < $2)";
}

/// How exactly it is known when somebody last wrote.
const ONCE_A: Duration = Duration::from_secs(60);

/// Someone who writes to a tenant.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// To whom.
    pub tenant: TenantSlug,
    /// Who.
    pub person: PersonKey,
    /// The person's own tier; `None`: the tenant's.
    pub own_tier: Option<Tier>,
    /// How much the person may use.
    pub tier: Tier,
    /// Whether the person is served.
    pub status: PersonStatus,
    /// When the person first wrote.
    pub created_at: Timestamp,
    /// When the person last wrote, to the minute.
    pub last_active_at: Timestamp,
}

/// Which persons to list.
#[derive(Debug, Clone, Default)]
pub struct PersonFilter {
    /// Of one tenant only.
    pub tenant: Option<TenantSlug>,
    /// Who last wrote before this moment.
    pub before: Option<Timestamp>,
    /// At most this many; zero means 100.
    pub limit: u32,
}

/// When a tenant and a person were last heard of, as a message finds it.
pub(super) struct Sighting<'a> {
    pub(super) tenant: Uuid,
    pub(super) account: &'a str,
    pub(super) peer: &'a str,
    pub(super) tenant_seen: Option<i64>,
    /// `None`: the person writes for the first time.
    pub(super) person_seen: Option<i64>,
}

type Row = (String, String, String, Option<String>, String, String, i64, i64);

/// A person whom nobody else changes until the transaction ends.
struct Held {
    tenant: Uuid,
    tier: Option<Tier>,
    status: PersonStatus,
}

// === impl Store ===

impl Store {
    /// Persons, the one who wrote last first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn persons(&self, filter: PersonFilter) -> Result<Vec<Person>> {
        let tenant = filter.tenant.map(|slug| slug.to_string()).unwrap_or_default();
        let before = filter.before.map_or(i64::MAX, |before| before.0);
        let limit = i64::from(if filter.limit == 0 { 100 } else { filter.limit });
        let rows: Vec<Row> = self
            .control
            .db
            .read("listing persons", |conn| {
                Box::pin(async move {
                    Ok(on!(conn, c => sqlx::query_as(LIST)
                        .bind(tenant).bind(before).bind(limit).fetch_all(c).await)?)
                })
            })
            .await?;
        Ok(rows.into_iter().filter_map(from_row).collect())
    }

    /// One person.
    ///
    /// # Errors
    /// [`Error::Missing`] when nobody of that name has written to the tenant.
    pub async fn person(&self, tenant: &TenantSlug, key: &PersonKey) -> Result<Person> {
        let (slug, PersonKey { account, peer }) = (tenant.to_string(), key.clone());
        let row: Option<Row> = self
            .control
            .db
            .read("looking up a person", |conn| {
                Box::pin(async move {
                    Ok(on!(conn, c => sqlx::query_as(BY_KEY)
                        .bind(slug).bind(account).bind(peer).fetch_optional(c).await)?)
                })
            })
            .await?;
        row.and_then(from_row).ok_or_else(|| missing(key))
    }

    /// Gives a person a tier of their own, or the tenant's again. The same once more changes nothing.
    ///
    /// # Errors
    /// [`Error::Missing`].
    pub async fn change_person_tier(
        &self,
        tenant: &TenantSlug,
        key: &PersonKey,
        tier: Option<Tier>,
    ) -> Result<()> {
        let (tenant_id, key) = (tenant.clone(), key.clone());
        self.change("changing a person's tier", move |conn| {
            Box::pin(async move {
                let held = hold(conn, &tenant_id, &key).await?;
                if held.tier == tier {
                    return Ok(((), Vec::new()));
                }
                set(conn, SET_TIER, held.tenant, &key, tier.map(Tier::as_str)).await?;
                let (old_tier, new_tier) = (held.tier, tier);
                let PersonKey { account, peer } = key;
                let told =
                    Occurrence::PersonTierChanged { tenant_id, account, peer, old_tier, new_tier };
                Ok(((), vec![told]))
            })
        })
        .await
    }

    /// Refuses a person. What waits of theirs is parked.
    ///
    /// # Errors
    /// [`Error::Missing`], or [`Error::State`] when the person is suspended already.
    pub async fn suspend_person(&self, tenant: &TenantSlug, key: &PersonKey) -> Result<()> {
        let needs = "only an active person can be suspended";
        self.turn_person(tenant, key, PersonStatus::Suspended, needs).await
    }

    /// Serves a person again. What was parked can be replayed.
    ///
    /// # Errors
    /// [`Error::Missing`], or [`Error::State`] when the person is not suspended.
    pub async fn reinstate_person(&self, tenant: &TenantSlug, key: &PersonKey) -> Result<()> {
        let needs = "only a suspended person can be reinstated";
        self.turn_person(tenant, key, PersonStatus::Active, needs).await
    }

    async fn turn_person(
        &self,
        tenant: &TenantSlug,
        key: &PersonKey,
        to: PersonStatus,
        needs: &'static str,
    ) -> Result<()> {
        let (tenant_id, key) = (tenant.clone(), key.clone());
        self.change("changing whether a person is served", move |conn| {
            Box::pin(async move {
                let held = hold(conn, &tenant_id, &key).await?;
                if held.status == to {
                    let (name, state) = (key.to_string(), to.as_str().to_owned());
                    return Err(Error::State { what: "person", name, state, needs }.into());
                }
                set(conn, SET_STATUS, held.tenant, &key, Some(to.as_str())).await?;
                if to == PersonStatus::Suspended {
                    suspension::park(conn).await?;
                }
                let PersonKey { account, peer } = key;
                Ok((
                    (),
                    vec![match to {
                        PersonStatus::Suspended => {
                            Occurrence::PersonSuspended { tenant_id, account, peer }
                        }
                        PersonStatus::Active => {
                            Occurrence::PersonReinstated { tenant_id, account, peer }
                        }
                    }],
                ))
            })
        })
        .await
    }
}

// === impl Sighting ===

impl Sighting<'_> {
    /// Notes that both were heard of, unless that was noted within the last minute.
    pub(super) async fn note(&self, conn: &mut Conn<'_>, now: Timestamp) -> Result<(), Failure> {
        let due = now.before(ONCE_A).0;
        if self.person_seen.is_none_or(|seen| seen <= due) {
            on!(conn, c => sqlx::query(SEEN)
                .bind(self.tenant)
                .bind(self.account)
                .bind(self.peer)
                .bind(now.0)
                .execute(c).await.map(drop))?;
        }
        if self.tenant_seen.is_none_or(|seen| seen <= due) {
            on!(conn, c => sqlx::query(TENANT_SEEN)
                .bind(self.tenant).bind(now.0).execute(c).await.map(drop))?;
        }
        Ok(())
    }
}

async fn hold(conn: &mut Conn<'_>, slug: &TenantSlug, key: &PersonKey) -> Result<Held, Failure> {
    let row: Option<(Uuid, Option<String>, String)> = on!(conn, c => sqlx::query_as(HOLD)
        .bind(slug.as_str())
        .bind(key.account.as_str())
        .bind(key.peer.as_str())
        .fetch_optional(c).await)?;
    let held = row.and_then(|(tenant, tier, status)| {
        let tier = tier.map(|tier| tier.parse()).transpose().ok()?;
        Some(Held { tenant, tier, status: status.parse().ok()? })
    });
    held.ok_or_else(|| missing(key).into())
}

async fn set(
    conn: &mut Conn<'_>,
    statement: &'static str,
    tenant: Uuid,
    key: &PersonKey,
    value: Option<&str>,
) -> Result<(), Failure> {
    on!(conn, c => sqlx::query(statement)
        .bind(tenant)
        .bind(key.account.as_str())
        .bind(key.peer.as_str())
        .bind(value)
        .execute(c).await.map(drop))?;
    Ok(())
}

fn missing(key: &PersonKey) -> Error {
    Error::Missing { what: "person", name: key.to_string() }
}

fn from_row(row: Row) -> Option<Person> {
    let (slug, account, peer, own_tier, tenants_tier, status, created_at, last_active_at) = row;
    let own_tier: Option<Tier> = own_tier.map(|tier| tier.parse()).transpose().ok()?;
    Some(Person {
        tenant: slug.parse().ok()?,
        person: PersonKey { account, peer },
        own_tier,
        tier: own_tier.map_or_else(|| tenants_tier.parse().ok(), Some)?,
        status: status.parse().ok()?,
        created_at: Timestamp(created_at),
        last_active_at: Timestamp(last_active_at),
    })
}
