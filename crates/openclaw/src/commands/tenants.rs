//! `openclaw tenants`: the clients that have an agent here.

use std::io;
use std::path::Path;
use std::time::Duration;

use domain::tenant::{TenantStatus, Tier};
use domain::{Secret, TenantSlug, Timestamp};
use serde::Serialize;
use store::Tenant;

use crate::cli::TenantsCommand;
use crate::context::Context;
use crate::error::Error;
use crate::installation::Installation;
use crate::output::{Screen, Show, Table, ago};

/// Does what was asked.
pub async fn run(command: TenantsCommand, context: &Context) -> Result<(), Error> {
    let installation = Installation::find()?;
    let store = installation.store().await?;
    match command {
        TenantsCommand::Create { slug, tier } => {
            let (tenant, token) = store.create_tenant(&slug, tier).await?;
            let workspace = installation.workspace(&slug);
            workspace.create()?;
            context.print(&Created::new(tenant, &token, workspace.root()))?;
        }
        TenantsCommand::List => {
            let tenants = store.tenants().await?.into_iter().map(Row::from).collect();
            context.print(&Listed { tenants, now: context.now() })?;
        }
        TenantsCommand::Show { slug } => {
            let tenant = store.tenant(&slug).await?.ok_or_else(|| missing(&slug))?;
            context.print(&Shown { tenant: tenant.into(), now: context.now() })?;
        }
        TenantsCommand::Inactive { days } => {
            let now = context.now();
            let due = now.before(Duration::from_secs(u64::from(days) * 24 * 60 * 60));
            let mut tenants: Vec<Row> = store.tenants().await?.into_iter().map(Row::from).collect();
            tenants.retain(|tenant| tenant.last_active_at.unwrap_or(tenant.created_at) <= due);
            context.print(&Inactive { tenants, days, now })?;
        }
        TenantsCommand::Tier { slug, tier } => {
            store.change_tenant_tier(&slug, tier).await?;
            context.print(&Tiered { slug, tier })?;
        }
        TenantsCommand::Suspend { slug } => {
            store.suspend_tenant(&slug).await?;
            context.print(&Changed { slug, status: TenantStatus::Suspended })?;
        }
        TenantsCommand::Reinstate { slug } => {
            store.reinstate_tenant(&slug).await?;
            context.print(&Changed { slug, status: TenantStatus::Active })?;
        }
        TenantsCommand::Delete { slug, yes } => {
            let tenant = store.tenant(&slug).await?.ok_or_else(|| missing(&slug))?;
            if tenant.status == TenantStatus::Suspended {
                let question =
                    format!("Delete {slug} and all that it has in the control database?");
                context.confirm_name(&question, slug.as_str(), yes)?;
            }
            store.delete_tenant(&slug).await?;
            context.print(&Changed { slug, status: TenantStatus::Deleted })?;
        }
        TenantsCommand::Token { slug, yes } => {
            if store.tenant(&slug).await?.is_none() {
                return Err(missing(&slug));
            }
            let question = format!("Replace the token of {slug}? The one in use stops working.");
            context.confirm(&question, yes)?;
            let token = store.rotate_tenant_token(&slug).await?.expose().to_owned();
            context.print(&Replaced { slug, token })?;
        }
    }
    store.close().await;
    Ok(())
}

fn missing(slug: &TenantSlug) -> Error {
    store::Error::Missing { what: "tenant", name: slug.to_string() }.into()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    slug: TenantSlug,
    tier: Tier,
    status: TenantStatus,
    created_at: Timestamp,
    last_active_at: Option<Timestamp>,
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    tenant: Row,
    #[serde(skip)]
    now: Timestamp,
}

/// Tenants to whom nobody has written for so many days.
#[derive(Serialize)]
struct Inactive {
    tenants: Vec<Row>,
    days: u32,
    #[serde(skip)]
    now: Timestamp,
}

/// How much a tenant may use from now on.
#[derive(Serialize)]
struct Tiered {
    slug: TenantSlug,
    tier: Tier,
}

#[derive(Serialize)]
struct Listed {
    tenants: Vec<Row>,
    #[serde(skip)]
    now: Timestamp,
}

/// A new tenant with its credential: the one time that it is shown.
#[derive(Serialize)]
struct Created {
    #[serde(flatten)]
    tenant: Row,
    token: String,
    workspace: String,
}

/// A tenant that is served, or not, from now on.
#[derive(Serialize)]
struct Changed {
    slug: TenantSlug,
    status: TenantStatus,
}

/// A fresh credential: the one time that it is shown.
#[derive(Serialize)]
struct Replaced {
    slug: TenantSlug,
    token: String,
}

// === impl Row ===

impl From<Tenant> for Row {
    fn from(tenant: Tenant) -> Self {
        let Tenant { slug, tier, status, created_at, last_active_at, .. } = tenant;
        Self { slug, tier, status, created_at, last_active_at }
    }
}

impl Row {
    fn last_active(&self, now: Timestamp) -> String {
        self.last_active_at.map_or_else(|| "never".to_owned(), |at| ago(now, at))
    }
}

fn table(tenants: &[Row], now: Timestamp) -> Table {
    let mut table = Table::new(&["TENANT", "TIER", "STATUS", "CREATED", "LAST ACTIVE"]);
    for tenant in tenants {
        table.row([
            tenant.slug.to_string(),
            tenant.tier.to_string(),
            tenant.status.as_str().to_owned(),
            ago(now, tenant.created_at),
            tenant.last_active(now),
        ]);
    }
    table
}

// === impl Listed ===

impl Show for Listed {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        let table = table(&self.tenants, self.now);
        table.show(screen, "No tenants yet. Create one: openclaw tenants create NAME")
    }
}

// === impl Shown ===

impl Show for Shown {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        let tenant = &self.tenant;
        screen.fact("tenant", tenant.slug.as_str())?;
        screen.fact("tier", tenant.tier.as_str())?;
        screen.fact("sandbox", tenant.tier.sandbox().as_str())?;
        screen.fact("status", tenant.status.as_str())?;
        screen.fact("created", &ago(self.now, tenant.created_at))?;
        screen.fact("last active", &tenant.last_active(self.now))
    }
}

// === impl Inactive ===

impl Show for Inactive {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        let nobody =
            format!("Somebody has written to every tenant in the last {} days.", self.days);
        table(&self.tenants, self.now).show(screen, &nobody)
    }
}

// === impl Tiered ===

impl Show for Tiered {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        screen.line(&format!("{} is {} from now on.", self.slug, self.tier))
    }
}

// === impl Created ===

impl Created {
    fn new(tenant: Tenant, token: &Secret, workspace: &Path) -> Self {
        let workspace = workspace.display().to_string();
        Self { tenant: tenant.into(), token: token.expose().to_owned(), workspace }
    }
}

impl Show for Created {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        screen.line(&format!("Created the tenant {} ({}).", self.tenant.slug, self.tenant.tier))?;
        screen.line(&format!("Its workspace: {}", self.workspace))?;
        screen.line("Its token, shown only this once; it reaches this tenant and nothing else:")?;
        screen.line(&self.token)
    }
}

// === impl Changed ===

impl Show for Changed {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        let slug = &self.slug;
        match self.status {
            TenantStatus::Suspended => {
                screen.line(&format!(
                    "{slug} is suspended: its token and its messages are refused."
                ))?;
                let note = format!("openclaw tenants reinstate {slug} serves it again.");
                screen.line(&screen.dim(&note))
            }
            TenantStatus::Active => screen.line(&format!("{slug} is served.")),
            TenantStatus::Deleted => {
                screen.line(&format!("{slug} is gone; its name stays taken."))?;
                let note =
                    "Its own database and its workspace are as they were; remove them by hand.";
                screen.line(&screen.dim(note))
            }
        }
    }
}

// === impl Replaced ===

impl Show for Replaced {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        screen.line(&format!("The old token of {} is worth nothing now.", self.slug))?;
        screen.line("The new one, shown only this once:")?;
        screen.line(&self.token)
    }
}
