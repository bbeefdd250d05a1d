//! Who may come in: single-use links, and the devices that came in through them.

use std::time::Duration;

use domain::{Occurrence, Secret, TenantId, Timestamp};
use uuid::Uuid;

use crate::Store;
use crate::db::{on, statements};
use crate::error::Result;
use crate::token::{self, Purpose};

statements! {
    INSERT_LINK = "INSERT INTO link (code_hash, expires_at) VALUES ($1, $2)";
    USE_LINK = "UPDATE link SET used_at = $2
        WHERE code_hash = $1 AND used_at IS NULL AND expires_at > $2";
    INSERT_DEVICE = "INSERT INTO device (id, token_hash, label, scopes, tenant_id, created_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    SLUG = "SELECT slug FROM tenant WHERE id = $1";
    DEVICE_BY_TOKEN = "SELECT id, label, scopes, tenant_id, created_at FROM device
        WHERE token_hash = $1 AND revoked_at IS NULL";
    DEVICES = "SELECT id, label, scopes, tenant_id, created_at FROM device
        WHERE revoked_at IS NULL ORDER BY created_at";
    REVOKE = "UPDATE device SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
}

/// A browser or program that was let in and keeps a credential of its own.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Device {
    /// Its id.
    pub id: Uuid,
    /// What it called itself; untrusted text.
    pub label: String,
    /// What the server granted it.
    pub scopes: Vec<String>,
    /// The one tenant it may see; `None` is the operator's own.
    pub tenant: Option<TenantId>,
    /// When it was let in.
    pub created_at: Timestamp,
}

/// A device to let in.
#[derive(Debug, Clone)]
pub struct NewDevice {
    /// What it called itself.
    pub label: String,
    /// What the server grants it.
    pub scopes: Vec<String>,
    /// The one tenant it may see; `None` is the operator's own.
    pub tenant: Option<TenantId>,
}

type Row = (Uuid, String, String, Option<Uuid>, i64);

// === impl Store ===

impl Store {
    /// A code that lets one device in as the operator's, once, until it expires.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn create_link(&self, lifetime: Duration) -> Result<Secret> {
        let code = token::mint(Purpose::Link, self.ids.as_ref());
        let (hash, expires_at) = (token::hash(&code), self.clock.now().after(lifetime));
        self.change("creating a link", move |conn| {
            Box::pin(async move {
                on!(conn, c => sqlx::query(INSERT_LINK)
                    .bind(hash).bind(expires_at.0).execute(c).await.map(drop))?;
                Ok(((), vec![Occurrence::LinkCreated { expires_at }]))
            })
        })
        .await?;
        Ok(code)
    }

    /// Uses a link's code up. `false` when it is unknown, used or expired.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn use_link(&self, code: &Secret) -> Result<bool> {
        let (hash, now) = (token::hash(code), self.clock.now());
        self.control
            .db
            .write("using a link", move |conn| {
                Box::pin(async move {
                    Ok(on!(conn, c => sqlx::query(USE_LINK)
                        .bind(hash).bind(now.0)
                        .execute(c).await.map(|done| done.rows_affected() == 1))?)
                })
            })
            .await
    }

    /// Lets a device in. Its credential is returned this once.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn create_device(&self, new: NewDevice) -> Result<(Device, Secret)> {
        let now = self.clock.now();
        let device = Device {
            id: self.ids.uuid(now),
            label: domain::text::one_line(&new.label, 120),
            scopes: new.scopes,
            tenant: new.tenant,
            created_at: now,
        };
        let credential = token::mint(Purpose::Device, self.ids.as_ref());
        let (row, hash) = (device.clone(), token::hash(&credential));
        self.change("letting a device in", move |conn| {
            Box::pin(async move {
                on!(conn, c => sqlx::query(INSERT_DEVICE)
                    .bind(row.id)
                    .bind(hash)
                    .bind(row.label.as_str())
                    .bind(row.scopes.join(" "))
                    .bind(row.tenant.map(|tenant| tenant.0))
                    .bind(now.0)
                    .execute(c).await.map(drop))?;
                let slug: Option<String> = match row.tenant {
                    Some(id) => on!(conn, c => sqlx::query_scalar(SLUG)
                        .bind(id.0).fetch_optional(c).await)?,
                    None => None,
                };
                let (device_id, label) = (row.id, row.label);
                let tenant_id = slug.and_then(|slug| slug.parse().ok());
                Ok(((), vec![Occurrence::DeviceAdmitted { device_id, label, tenant_id }]))
            })
        })
        .await?;
        Ok((device, credential))
    }

    /// The device whose credential this is, unless it was revoked.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn device_by_token(&self, credential: &Secret) -> Result<Option<Device>> {
        let hash = token::hash(credential);
        let row: Option<Row> = self
            .control
            .db
            .read("checking a credential", |conn| {
                Box::pin(async move {
                    Ok(on!(conn, c => sqlx::query_as(DEVICE_BY_TOKEN).bind(hash).fetch_optional(c).await)?)
                })
            })
            .await?;
        Ok(row.map(from_row))
    }

    /// Every device that may come in, oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn devices(&self) -> Result<Vec<Device>> {
        let rows: Vec<Row> = self
            .control
            .db
            .read("listing devices", |conn| {
                Box::pin(
                    async move { Ok(on!(conn, c => sqlx::query_as(DEVICES).fetch_all(c).await)?) },
                )
            })
            .await?;
        Ok(rows.into_iter().map(from_row).collect())
    }

    /// Shuts a device out. `false` when it is not in.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn revoke_device(&self, id: Uuid) -> Result<bool> {
        let now = self.clock.now();
        self.change("shutting a device out", move |conn| {
            Box::pin(async move {
                let revoked = on!(conn, c => sqlx::query(REVOKE)
                    .bind(id).bind(now.0)
                    .execute(c).await.map(|done| done.rows_affected() == 1))?;
                let told = revoked.then_some(Occurrence::DeviceRevoked { device_id: id });
                Ok((revoked, told.into_iter().collect()))
            })
        })
        .await
    }
}

fn from_row((id, label, scopes, tenant, created_at): Row) -> Device {
    Device {
        id,
        label,
        scopes: scopes.split_whitespace().map(str::to_owned).collect(),
        tenant: tenant.map(TenantId),
        created_at: Timestamp(created_at),
    }
}
