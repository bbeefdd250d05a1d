//! Tenants: who is served.

use domain::tenant::{TenantStatus, Tier};
use domain::{Secret, TenantId, TenantSlug, Timestamp};
use uuid::Uuid;

use super::Control;
use crate::Store;
use crate::db::{on, statements};
use crate::error::{Error, Result};
use crate::token::{self, Purpose};

statements! {
    INSERT = "INSERT INTO tenant (id, slug, tier, status, token_hash, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (slug) DO NOTHING";
    LIST = "SELECT id, slug, tier, status, created_at FROM tenant ORDER BY slug";
    BY_SLUG = "SELECT id, slug, tier, status, created_at FROM tenant WHERE slug = $1";
    BY_TOKEN = "SELECT id, slug, tier, status, created_at FROM tenant WHERE token_hash = $1";
    BY_ID = "SELECT id, slug, tier, status, created_at FROM tenant WHERE id = $1";
    ROTATE = "UPDATE tenant SET token_hash = $2, updated_at = $3 WHERE slug = $1";
    SET_STATUS = "UPDATE tenant SET status = $2, updated_at = $3 WHERE slug = $1";
}

/// A client of the operator.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Its name.
    pub slug: TenantSlug,
    /// How much it may use.
    pub tier: Tier,
    /// Whether it is served.
    pub status: TenantStatus,
    /// When it was created.
    pub created_at: Timestamp,
}

type Row = (Uuid, String, String, String, i64);

// === impl Store ===

impl Store {
    /// Creates a tenant, its database, and its credential, which is shown this once.
    ///
    /// # Errors
    /// [`Error::Exists`] when the name is taken; whatever keeps the database from being made.
    pub async fn create_tenant(&self, slug: &TenantSlug, tier: Tier) -> Result<(Tenant, Secret)> {
        let now = self.clock.now();
        let tenant = Tenant {
            id: TenantId(self.ids.uuid(now)),
            slug: slug.clone(),
            tier,
            status: TenantStatus::Active,
            created_at: now,
        };
        self.tenants.prepare(slug).await?;
        let token = token::mint(Purpose::Tenant, self.ids.as_ref());
        if self.control.insert_tenant(tenant.clone(), token::hash(&token)).await? {
            return Ok((tenant, token));
        }
        Err(Error::Exists { what: "tenant", name: slug.to_string() })
    }

    /// Every tenant, by name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn tenants(&self) -> Result<Vec<Tenant>> {
        let rows: Vec<Row> = self
            .control
            .db
            .read("listing tenants", |conn| {
                Box::pin(
                    async move { Ok(on!(conn, c => sqlx::query_as(LIST).fetch_all(c).await)?) },
                )
            })
            .await?;
        Ok(rows.into_iter().filter_map(from_row).collect())
    }

    /// The tenant of that name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn tenant(&self, slug: &TenantSlug) -> Result<Option<Tenant>> {
        let slug = slug.to_string();
        let row: Option<Row> = self
            .control
            .db
            .read("looking up a tenant", |conn| {
                Box::pin(async move {
                    Ok(on!(conn, c => sqlx::query_as(BY_SLUG).bind(slug).fetch_optional(c).await)?)
                })
            })
            .await?;
        Ok(row.and_then(from_row))
    }

    /// The tenant with that id.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn tenant_by_id(&self, id: TenantId) -> Result<Option<Tenant>> {
        let row: Option<Row> = self
            .control
            .db
            .read("looking up a tenant", |conn| {
                Box::pin(async move {
                    Ok(on!(conn, c => sqlx::query_as(BY_ID).bind(id.0).fetch_optional(c).await)?)
                })
            })
            .await?;
        Ok(row.and_then(from_row))
    }

    /// The tenant whose own credential this is.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn tenant_by_token(&self, token: &Secret) -> Result<Option<Tenant>> {
        let hash = token::hash(token);
        let row: Option<Row> = self
            .control
            .db
            .read("checking a credential", |conn| {
                Box::pin(async move {
                    Ok(on!(conn, c => sqlx::query_as(BY_TOKEN).bind(hash).fetch_optional(c).await)?)
                })
            })
            .await?;
        Ok(row.and_then(from_row))
    }

    /// Replaces a tenant's credential; the old one is worth nothing from now on.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is no such tenant.
    pub async fn rotate_tenant_token(&self, slug: &TenantSlug) -> Result<Secret> {
        let token = token::mint(Purpose::Tenant, self.ids.as_ref());
        let (name, hash, now) = (slug.to_string(), token::hash(&token), self.clock.now());
        let changed = self
            .control
            .db
            .write("replacing a tenant's credential", move |conn| {
                Box::pin(async move {
                    Ok(on!(conn, c => sqlx::query(ROTATE)
                        .bind(name).bind(hash).bind(now.0)
                        .execute(c).await.map(|done| done.rows_affected()))?)
                })
            })
            .await?;
        if changed == 0 {
            return Err(Error::Missing { what: "tenant", name: slug.to_string() });
        }
        Ok(token)
    }

    /// Serves a tenant, or refuses it everywhere.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is no such tenant.
    pub async fn set_tenant_status(&self, slug: &TenantSlug, status: TenantStatus) -> Result<()> {
        let (name, now) = (slug.to_string(), self.clock.now());
        let changed = self
            .control
            .db
            .write("changing a tenant's status", move |conn| {
                Box::pin(async move {
                    Ok(on!(conn, c => sqlx::query(SET_STATUS)
                        .bind(name).bind(status.as_str()).bind(now.0)
                        .execute(c).await.map(|done| done.rows_affected()))?)
                })
            })
            .await?;
        if changed == 0 {
            return Err(Error::Missing { what: "tenant", name: slug.to_string() });
        }
        Ok(())
    }
}

// === impl Control ===

impl Control {
    async fn insert_tenant(&self, tenant: Tenant, token_hash: Vec<u8>) -> Result<bool> {
        self.db
            .write("creating a tenant", move |conn| {
                Box::pin(async move {
                    Ok(on!(conn, c => sqlx::query(INSERT)
                        .bind(tenant.id.0)
                        .bind(tenant.slug.as_str())
                        .bind(tenant.tier.as_str())
                        .bind(tenant.status.as_str())
                        .bind(token_hash)
                        .bind(tenant.created_at.0)
                        .execute(c).await.map(|done| done.rows_affected() == 1))?)
                })
            })
            .await
    }
}

/// A row that does not read back was written by a newer version; it is not served by this one.
fn from_row((id, slug, tier, status, created_at): Row) -> Option<Tenant> {
    Some(Tenant {
        id: TenantId(id),
        slug: slug.parse().ok()?,
        tier: tier.parse().ok()?,
        status: status.parse().ok()?,
        created_at: Timestamp(created_at),
    })
}
