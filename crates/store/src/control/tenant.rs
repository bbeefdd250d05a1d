//! Tenants: who is served. What changes one of them later stands in [`life`].

pub(crate) mod life;

use domain::tenant::{TenantStatus, Tier};
use domain::{Occurrence, Secret, TenantId, TenantSlug, Timestamp};
use uuid::Uuid;

use crate::Store;
use crate::db::{on, statements};
use crate::error::{Error, Result};
use crate::token::{self, Purpose};

statements! {
    INSERT = "INSERT INTO tenant (id, slug, tier, status, token_hash, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (slug) DO NOTHING";
    LIST = "SELECT id, slug, tier, status, created_at, last_active_at FROM tenant
        WHERE status <> 'deleted' ORDER BY slug";
    BY_SLUG = "SELECT id, slug, tier, status, created_at, last_active_at FROM tenant
        WHERE slug = $1 AND status <> 'deleted'";
    BY_TOKEN = "SELECT id, slug, tier, status, created_at, last_active_at FROM tenant
        WHERE token_hash = $1 AND status <> 'deleted'";
    BY_ID = "SELECT id, slug, tier, status, created_at, last_active_at FROM tenant
        WHERE id = $1 AND status <> 'deleted'";
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
    /// When somebody last wrote to it, to the minute; `None`: nobody has.
    pub last_active_at: Option<Timestamp>,
}

type Row = (Uuid, String, String, String, i64, Option<i64>);

// === impl Store ===

impl Store {
    /// Creates a tenant, its database, and its credential, which is shown this once.
    ///
    /// # Errors
    /// [`Error::Exists`] when the name is taken, also by a tenant that was deleted; whatever keeps the database
    /// from being made.
    pub async fn create_tenant(&self, slug: &TenantSlug, tier: Tier) -> Result<(Tenant, Secret)> {
        let now = self.clock.now();
        let tenant = Tenant {
            id: TenantId(self.ids.uuid(now)),
            slug: slug.clone(),
            tier,
            status: TenantStatus::Active,
            created_at: now,
            last_active_at: None,
        };
        self.tenants.prepare(slug).await?;
        let token = token::mint(Purpose::Tenant, self.ids.as_ref());
        let (row, hash) = (tenant.clone(), token::hash(&token));
        self.change("creating a tenant", move |conn| {
            Box::pin(async move {
                let created = on!(conn, c => sqlx::query(INSERT)
                    .bind(row.id.0)
                    .bind(row.slug.as_str())
                    .bind(row.tier.as_str())
                    .bind(row.status.as_str())
                    .bind(hash)
                    .bind(row.created_at.0)
                    .execute(c).await.map(|done| done.rows_affected() == 1))?;
                let (tenant_id, tier) = (row.slug, row.tier);
                if !created {
                    return Err(
                        Error::Exists { what: "tenant", name: tenant_id.to_string() }.into()
                    );
                }
                Ok(((), vec![Occurrence::TenantCreated { tenant_id, tier }]))
            })
        })
        .await?;
        Ok((tenant, token))
    }

    /// Every tenant, by name; not those that were deleted.
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
}

/// A row that does not read back was written by a newer version; it is not served by this one.
fn from_row((id, slug, tier, status, created_at, last_active_at): Row) -> Option<Tenant> {
    Some(Tenant {
        id: TenantId(id),
        slug: slug.parse().ok()?,
        tier: tier.parse().ok()?,
        status: status.parse().ok()?,
        created_at: Timestamp(created_at),
        last_active_at: last_active_at.map(Timestamp),
    })
}
