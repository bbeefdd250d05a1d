//! `openclaw persons`: those who write to tenants.

use std::io;

use domain::Timestamp;
use domain::person::PersonStatus;
use serde::Serialize;
use store::{Person, PersonFilter, Store};

use crate::cli::{PersonsCommand, Whom};
use crate::context::Context;
use crate::error::Error;
use crate::installation::Installation;
use crate::output::{Screen, Show, Table, ago};

/// Does what was asked.
pub async fn run(command: PersonsCommand, context: &Context) -> Result<(), Error> {
    let store = Installation::find()?.store().await?;
    match command {
        PersonsCommand::List { tenant, limit } => {
            let filter = PersonFilter { tenant, before: None, limit };
            let persons = store.persons(filter).await?;
            context.print(&Listed { persons, now: context.now() })?;
        }
        PersonsCommand::Show(whom) => show(&store, &whom, context).await?,
        PersonsCommand::Tier { whom, tier } => {
            store.change_person_tier(&whom.tenant, &whom.person, tier.0).await?;
            show(&store, &whom, context).await?;
        }
        PersonsCommand::Suspend(whom) => {
            store.suspend_person(&whom.tenant, &whom.person).await?;
            show(&store, &whom, context).await?;
        }
        PersonsCommand::Reinstate(whom) => {
            store.reinstate_person(&whom.tenant, &whom.person).await?;
            show(&store, &whom, context).await?;
        }
    }
    store.close().await;
    Ok(())
}

async fn show(store: &Store, whom: &Whom, context: &Context) -> Result<(), Error> {
    let person = store.person(&whom.tenant, &whom.person).await?;
    context.print(&Shown { person, now: context.now() })
}

#[derive(Serialize)]
struct Listed {
    persons: Vec<Person>,
    #[serde(skip)]
    now: Timestamp,
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    person: Person,
    #[serde(skip)]
    now: Timestamp,
}

fn tier(person: &Person) -> String {
    match person.own_tier {
        Some(own) => format!("{own} (own)"),
        None => person.tier.to_string(),
    }
}

// === impl Listed ===

impl Show for Listed {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        let mut table = Table::new(&["TENANT", "PERSON", "TIER", "STATUS", "LAST"]);
        for person in &self.persons {
            table.row([
                person.tenant.to_string(),
                person.person.to_string(),
                tier(person),
                person.status.as_str().to_owned(),
                ago(self.now, person.last_active_at),
            ]);
        }
        table.show(screen, "Nobody has written yet.")
    }
}

// === impl Shown ===

impl Show for Shown {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        let person = &self.person;
        screen.fact("person", &person.person.to_string())?;
        screen.fact("tenant", person.tenant.as_str())?;
        screen.fact("tier", &tier(person))?;
        screen.fact("status", person.status.as_str())?;
        screen.fact("first wrote", &ago(self.now, person.created_at))?;
        screen.fact("last wrote", &ago(self.now, person.last_active_at))?;
        match person.status {
            PersonStatus::Active => Ok(()),
            PersonStatus::Suspended => screen.line(&screen.dim("What they write is refused.")),
        }
    }
}
