//! `openclaw tenants`: the clients that have an agent here.

use std::io;
use std::path::Path;

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
        TenantsCommand::Suspend { slug } => {
            let status = TenantStatus::Suspended;
            store.set_tenant_status(&slug, status).await?;
            context.print(&Changed { slug, status })?;
        }
        TenantsCommand::Reinstate { slug } => {
            let status = TenantStatus::Active;
            store.set_tenant_status(&slug, status).await?;
            context.print(&Changed { slug, status })?;
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
        let Tenant { slug, tier, status, created_at, .. } = tenant;
        Self { slug, tier, status, created_at }
    }
}

// === impl Listed ===

impl Show for Listed {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        let mut table = Table::new(&["TENANT", "TIER", "STATUS", "CREATED"]);
        for tenant in &self.tenants {
            table.row([
                tenant.slug.to_string(),
                tenant.tier.to_string(),
                tenant.status.as_str().to_owned(),
                ago(self.now, tenant.created_at),
            ]);
        }
        table.show(screen, "No tenants yet. Create one: openclaw tenants create NAME")
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
