//! What changes a tenant after its creation: tier, credential, suspension, reinstatement, deletion. Each
//! change and its audit row are one transaction.

use domain::tenant::{BadTransition, TenantStatus, Tier};
use domain::{Occurrence, Secret, TenantSlug, Timestamp, session};
use uuid::Uuid;

use crate::Store;
use crate::db::{Conn, on, statements};
use crate::error::{Error, Failure, Result};
use crate::token::{self, Purpose};

statements! {
    // Also keeps others from changing the tenant until the transaction ends.
    HOLD = "UPDATE tenant SET updated_at = $2 WHERE slug = $1 AND status <> 'deleted'
        RETURNING id, tier, status";
    SET_TIER = "UPDATE tenant SET tier = $2 WHERE id = $1";
    SET_STATUS = "UPDATE tenant SET status = $2 WHERE id = $1";
    SET_TOKEN = "UPDATE tenant SET token_hash = $2 WHERE id = $1";
    SUSPEND_SESSIONS = "UPDATE session SET state = 'suspended', suspended_with = 'tenant'
        WHERE tenant_id = $1 AND state <> 'suspended'";
    // Sessions in which nothing waits begin anew with the next message.
    TO_BEGIN_ANEW = "SELECT s.id FROM session s
        WHERE s.tenant_id = $1 AND s.state = 'suspended' AND s.suspended_with = 'tenant'
            AND (s.id IN (SELECT i.session_id FROM inbox i WHERE i.state IN ('waiting', 'running'))
                OR s.id IN (SELECT i.session_id FROM inbox i WHERE i.state = 'parked'))";
    BEGIN_ANEW = "UPDATE session SET id = $2, state = 'active', suspended_with = NULL, owner = NULL,
            lease_until = NULL, created_at = $3, last_at = $3, expires_at = $4
        WHERE id = $1";
    TAKE_ALONG = "UPDATE inbox SET session_id = $2,
            state = CASE WHEN state = 'running' THEN 'waiting' ELSE state END
        WHERE seq IN (
            SELECT i.seq FROM inbox i WHERE i.session_id = $1 AND i.state IN ('waiting', 'running')
            UNION ALL SELECT i.seq FROM inbox i WHERE i.session_id = $1 AND i.state = 'parked')";
    SHUT_OUT = "UPDATE device SET revoked_at = $2 WHERE tenant_id = $1 AND revoked_at IS NULL";
    FORGET_OUTBOX = "DELETE FROM outbox WHERE tenant_id = $1";
    FORGET_INBOX = "DELETE FROM inbox WHERE tenant_id = $1";
    FORGET_SESSIONS = "DELETE FROM session WHERE tenant_id = $1";
    FORGET_PERSONS = "DELETE FROM person WHERE tenant_id = $1";
}

/// A tenant that nobody else changes until the transaction ends.
struct Held {
    id: Uuid,
    tier: Tier,
    status: TenantStatus,
}

// === impl Store ===

impl Store {
    /// Lets a tenant use more or less from now on. The same tier again changes nothing.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is no such tenant.
    pub async fn change_tenant_tier(&self, slug: &TenantSlug, tier: Tier) -> Result<()> {
        let (tenant_id, now) = (slug.clone(), self.clock.now());
        self.change("changing a tenant's tier", move |conn| {
            Box::pin(async move {
                let held = hold(conn, &tenant_id, now).await?;
                if held.tier == tier {
                    return Ok(((), Vec::new()));
                }
                on!(conn, c => sqlx::query(SET_TIER)
                    .bind(held.id).bind(tier.as_str()).execute(c).await.map(drop))?;
                let (old_tier, new_tier) = (held.tier, tier);
                Ok(((), vec![Occurrence::TenantTierChanged { tenant_id, old_tier, new_tier }]))
            })
        })
        .await
    }

    /// Replaces a tenant's credential; the old one is worth nothing from now on.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is no such tenant.
    pub async fn rotate_tenant_token(&self, slug: &TenantSlug) -> Result<Secret> {
        let token = token::mint(Purpose::Tenant, self.ids.as_ref());
        let (tenant_id, hash, now) = (slug.clone(), token::hash(&token), self.clock.now());
        self.change("replacing a tenant's credential", move |conn| {
            Box::pin(async move {
                let held = hold(conn, &tenant_id, now).await?;
                set_token(conn, held.id, hash).await?;
                Ok(((), vec![Occurrence::TenantTokenRotated { tenant_id }]))
            })
        })
        .await?;
        Ok(token)
    }

    /// Refuses a tenant everywhere. Its sessions are suspended with it and never come back; what waits in
    /// them is kept.
    ///
    /// # Errors
    /// [`Error::Missing`], or [`Error::State`] when it is suspended already.
    pub async fn suspend_tenant(&self, slug: &TenantSlug) -> Result<()> {
        let (tenant_id, now) = (slug.clone(), self.clock.now());
        self.change("suspending a tenant", move |conn| {
            Box::pin(async move {
                let id = turn(conn, &tenant_id, TenantStatus::Suspended, now).await?;
                on!(conn, c => sqlx::query(SUSPEND_SESSIONS).bind(id).execute(c).await.map(drop))?;
                Ok(((), vec![Occurrence::TenantSuspended { tenant_id }]))
            })
        })
        .await
    }

    /// Serves a tenant again. A suspended session is over for good: a new one takes its place, at once where
    /// something waits, else with the next message. What was said before is still known in it.
    ///
    /// # Errors
    /// [`Error::Missing`], or [`Error::State`] when it is not suspended.
    pub async fn reinstate_tenant(&self, slug: &TenantSlug) -> Result<()> {
        let (tenant_id, now) = (slug.clone(), self.clock.now());
        let ids = std::sync::Arc::clone(&self.ids);
        self.change("reinstating a tenant", move |conn| {
            Box::pin(async move {
                let id = turn(conn, &tenant_id, TenantStatus::Active, now).await?;
                let over: Vec<Uuid> = on!(conn, c => sqlx::query_scalar(TO_BEGIN_ANEW)
                    .bind(id).fetch_all(c).await)?;
                for session in over {
                    begin_anew(conn, session, ids.uuid(now), now).await?;
                }
                Ok(((), vec![Occurrence::TenantReinstated { tenant_id }]))
            })
        })
        .await
    }

    /// Deletes a suspended tenant: its credentials, devices, sessions, persons and whatever waits are gone.
    /// Its own database and its workspace are left as they are, and its name stays taken, so that nobody else
    /// ever opens them.
    ///
    /// # Errors
    /// [`Error::Missing`], or [`Error::State`] when it is not suspended.
    pub async fn delete_tenant(&self, slug: &TenantSlug) -> Result<()> {
        let (tenant_id, now) = (slug.clone(), self.clock.now());
        // Nobody ever sees the credential to which this belongs.
        let nobodys = token::hash(&token::mint(Purpose::Tenant, self.ids.as_ref()));
        self.change("deleting a tenant", move |conn| {
            Box::pin(async move {
                let id = turn(conn, &tenant_id, TenantStatus::Deleted, now).await?;
                set_token(conn, id, nobodys).await?;
                on!(conn, c => sqlx::query(SHUT_OUT).bind(id).bind(now.0).execute(c).await.map(drop))?;
                for forget in [FORGET_OUTBOX, FORGET_INBOX, FORGET_SESSIONS, FORGET_PERSONS] {
                    on!(conn, c => sqlx::query(forget).bind(id).execute(c).await.map(drop))?;
                }
                Ok(((), vec![Occurrence::TenantDeleted { tenant_id }]))
            })
        })
        .await
    }
}

/// Puts a new session in the place of one that is over, and takes along what waits in it. The fence goes on
/// growing, so that a turn of the old one cannot end in the new one.
pub(crate) async fn begin_anew(
    conn: &mut Conn<'_>,
    over: Uuid,
    fresh: Uuid,
    now: Timestamp,
) -> Result<(), Failure> {
    on!(conn, c => sqlx::query(BEGIN_ANEW)
        .bind(over)
        .bind(fresh)
        .bind(now.0)
        .bind(now.after(session::TIME_TO_LIVE).0)
        .execute(c).await.map(drop))?;
    on!(conn, c => sqlx::query(TAKE_ALONG).bind(over).bind(fresh).execute(c).await.map(drop))?;
    Ok(())
}

async fn hold(conn: &mut Conn<'_>, slug: &TenantSlug, now: Timestamp) -> Result<Held, Failure> {
    let row: Option<(Uuid, String, String)> = on!(conn, c => sqlx::query_as(HOLD)
        .bind(slug.as_str()).bind(now.0).fetch_optional(c).await)?;
    let held = row.and_then(|(id, tier, status)| {
        Some(Held { id, tier: tier.parse().ok()?, status: status.parse().ok()? })
    });
    held.ok_or_else(|| Error::Missing { what: "tenant", name: slug.to_string() }.into())
}

/// Takes one step of the tenant's life.
async fn turn(
    conn: &mut Conn<'_>,
    slug: &TenantSlug,
    to: TenantStatus,
    now: Timestamp,
) -> Result<Uuid, Failure> {
    let held = hold(conn, slug, now).await?;
    held.status.transition(to).map_err(|refused| wrong(slug, refused))?;
    on!(conn, c => sqlx::query(SET_STATUS)
        .bind(held.id).bind(to.as_str()).execute(c).await.map(drop))?;
    Ok(held.id)
}

fn wrong(slug: &TenantSlug, BadTransition { from, to }: BadTransition) -> Error {
    let needs = match to {
        TenantStatus::Suspended => "only an active tenant can be suspended",
        TenantStatus::Active => "only a suspended tenant can be reinstated",
        TenantStatus::Deleted => "only a suspended tenant can be deleted; suspend it first",
    };
    Error::State { what: "tenant", name: slug.to_string(), state: from.as_str().to_owned(), needs }
}

async fn set_token(conn: &mut Conn<'_>, id: Uuid, hash: Vec<u8>) -> Result<(), Failure> {
    on!(conn, c => sqlx::query(SET_TOKEN).bind(id).bind(hash).execute(c).await.map(drop))?;
    Ok(())
}
