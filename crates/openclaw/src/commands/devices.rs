//! `openclaw devices`: the browsers and programs that were let in.

use std::collections::HashMap;
use std::io;

use domain::{TenantId, TenantSlug, Timestamp};
use serde::Serialize;
use store::{Device, Store};
use uuid::Uuid;

use crate::cli::DevicesCommand;
use crate::context::Context;
use crate::error::Error;
use crate::installation::Installation;
use crate::output::{Screen, Show, Table, ago};

/// Does what was asked.
pub async fn run(command: DevicesCommand, context: &Context) -> Result<(), Error> {
    let store = Installation::find()?.store().await?;
    match command {
        DevicesCommand::List => {
            let devices = devices(&store).await?;
            context.print(&Listed { devices, now: context.now() })?;
        }
        DevicesCommand::Revoke { id, yes } => {
            let device = devices(&store).await?.into_iter().find(|device| device.id == id);
            let device = device.ok_or_else(|| missing(id))?;
            let question = format!("Shut out the device {id} ({})?", device.label);
            context.confirm(&question, yes)?;
            if !store.revoke_device(id).await? {
                return Err(missing(id));
            }
            context.print(&Revoked { revoked: id })?;
        }
    }
    store.close().await;
    Ok(())
}

async fn devices(store: &Store) -> Result<Vec<Row>, Error> {
    let tenants = store.tenants().await?.into_iter();
    let names: HashMap<TenantId, TenantSlug> = tenants.map(|it| (it.id, it.slug)).collect();
    let row = |device: Device| {
        let Device { id, label, scopes, tenant, created_at } = device;
        let tenant =
            tenant.map(|id| names.get(&id).map_or_else(|| id.to_string(), ToString::to_string));
        Row { id, label, tenant, scopes, created_at }
    };
    Ok(store.devices().await?.into_iter().map(row).collect())
}

fn missing(id: Uuid) -> Error {
    store::Error::Missing { what: "device", name: id.to_string() }.into()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    id: Uuid,
    label: String,
    /// The one tenant that it reaches; `None`: all of them.
    tenant: Option<String>,
    scopes: Vec<String>,
    created_at: Timestamp,
}

#[derive(Serialize)]
struct Listed {
    devices: Vec<Row>,
    #[serde(skip)]
    now: Timestamp,
}

#[derive(Serialize)]
struct Revoked {
    revoked: Uuid,
}

// === impl Listed ===

impl Show for Listed {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        let mut table = Table::new(&["ID", "DEVICE", "TENANT", "LET IN", "SCOPES"]);
        for device in &self.devices {
            table.row([
                device.id.to_string(),
                device.label.clone(),
                device.tenant.clone().unwrap_or_else(|| "every one".to_owned()),
                ago(self.now, device.created_at),
                device.scopes.join(" "),
            ]);
        }
        table.show(screen, "No device is let in. Let one in: openclaw link")
    }
}

// === impl Revoked ===

impl Show for Revoked {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        screen.line(&format!("{} is shut out.", self.revoked))
    }
}
