//! `openclaw budget`: what tenants and persons used, and what they may use.

mod history;

use std::io;

use config::settings::Budgets;
use domain::budget::{Balance, Limit, Period, Standing, Subject, Unit};
use domain::{TenantSlug, Timestamp};
use serde::Serialize;
use store::{BudgetRow, NewLimit, Store, Tenant};

use crate::cli::{BudgetCommand, Whose};
use crate::context::Context;
use crate::error::Error;
use crate::installation::Installation;
use crate::output::{Screen, Show, ago};

/// Does what was asked.
pub async fn run(command: BudgetCommand, context: &Context) -> Result<(), Error> {
    let installation = Installation::find()?;
    let store = installation.store().await?;
    let desk = Desk { store: &store, budgets: &installation.config().budgets };
    match command {
        BudgetCommand::Show { tenant: None, .. } => {
            context.print(&desk.overview().await?)?;
        }
        BudgetCommand::Show { tenant: Some(tenant), person } => {
            let only = person.map(Subject::Person);
            context.print(&desk.shown(&tenant, only.as_ref()).await?)?;
        }
        BudgetCommand::Set { whose, tokens, money_per_day, money_per_month } => {
            let changes = [
                (Period::Rolling, tokens.map(|change| change.0)),
                (Period::Day, money_per_day.map(|change| change.0)),
                (Period::Month, money_per_month.map(|change| change.0)),
            ];
            desk.set(&whose, changes).await?;
            context.print(&desk.shown(&whose.tenant, Some(&whose.subject())).await?)?;
        }
        BudgetCommand::Reset { whose, yes } => {
            desk.tenant(&whose.tenant).await?;
            let question = format!("Forget what {} used?", name(&whose));
            context.confirm(&question, yes)?;
            let budgets = store.reset_budget(&whose.tenant, &whose.subject()).await?;
            context.print(&Changed { what: "reset", who: name(&whose), budgets })?;
        }
        BudgetCommand::Approve { whose } => {
            desk.tenant(&whose.tenant).await?;
            let budgets = store.approve_budget(&whose.tenant, &whose.subject()).await?;
            context.print(&Changed { what: "approved", who: name(&whose), budgets })?;
        }
        BudgetCommand::History { whose, days } => {
            desk.tenant(&whose.tenant).await?;
            context.print(&history::gather(&store, desk.budgets, &whose, days).await?)?;
        }
    }
    store.close().await;
    Ok(())
}

/// Where budgets are looked up: what was used in the store, what may be in the settings.
struct Desk<'a> {
    store: &'a Store,
    budgets: &'a Budgets,
}

/// Budgets, tenant by tenant.
#[derive(Serialize)]
struct Shown {
    budgets: Vec<Entry>,
    #[serde(skip)]
    now: Timestamp,
}

/// One budget. Money is in millionths of the unit.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    tenant: TenantSlug,
    subject: Subject,
    unit: Unit,
    period: Period,
    #[serde(flatten)]
    standing: Standing,
    /// Whether the limit was set by hand.
    set: bool,
    approved: bool,
    #[serde(skip)]
    warns: bool,
}

/// Budgets that were changed.
#[derive(Serialize)]
struct Changed {
    #[serde(skip)]
    what: &'static str,
    who: String,
    budgets: u64,
}

/// Length of a bar, in characters.
const BAR: u64 = 20;

// === impl Desk ===

impl Desk<'_> {
    async fn tenant(&self, slug: &TenantSlug) -> Result<Tenant, Error> {
        let missing = || store::Error::Missing { what: "tenant", name: slug.to_string() };
        Ok(self.store.tenant(slug).await?.ok_or_else(missing)?)
    }

    /// Every tenant as a whole.
    async fn overview(&self) -> Result<Shown, Error> {
        let now = self.store.budget_time().await?;
        let mut budgets = Vec::new();
        for tenant in self.store.tenants().await? {
            let rows = self.store.budgets(&tenant.slug).await?;
            budgets.extend(self.entries(&tenant, &Subject::Tenant, &rows, now).await?);
        }
        Ok(Shown { budgets, now })
    }

    /// One tenant and the persons that are known, or one of them.
    async fn shown(&self, slug: &TenantSlug, only: Option<&Subject>) -> Result<Shown, Error> {
        let (tenant, now) = (self.tenant(slug).await?, self.store.budget_time().await?);
        let rows = self.store.budgets(slug).await?;
        let mut subjects: Vec<Subject> = match only {
            Some(subject) => vec![subject.clone()],
            None => std::iter::once(Subject::Tenant)
                .chain(rows.iter().map(|row| row.subject.clone()))
                .collect(),
        };
        subjects.dedup();
        let mut budgets = Vec::new();
        for subject in &subjects {
            budgets.extend(self.entries(&tenant, subject, &rows, now).await?);
        }
        Ok(Shown { budgets, now })
    }

    async fn entries(
        &self,
        tenant: &Tenant,
        subject: &Subject,
        rows: &[BudgetRow],
        now: Timestamp,
    ) -> Result<Vec<Entry>, Error> {
        let slug = &tenant.slug;
        let thresholds = self.budgets.thresholds(slug);
        let entry = |config::Term { unit, period, limit }| {
            let kept = rows
                .iter()
                .find(|row| row.subject == *subject && row.unit == unit && row.period == period);
            let balance = kept.map_or_else(Balance::unused, |row| row.balance);
            let begun = balance.window.until > now;
            let balance = balance.at(now, self.budgets.window(slug, period, now));
            let mut standing = balance.standing(limit);
            standing.resets_at = standing.resets_at.filter(|_| begun);
            Entry {
                tenant: slug.clone(),
                subject: subject.clone(),
                unit,
                period,
                set: balance.limit.is_some(),
                approved: balance.approved,
                warns: standing.limit.is_at(thresholds.warn, standing.used),
                standing,
            }
        };
        Ok(self.terms(tenant, subject).await?.into_iter().map(entry).collect())
    }

    /// Somebody who has not written yet has the tenant's tier.
    async fn terms(&self, tenant: &Tenant, subject: &Subject) -> Result<Vec<config::Term>, Error> {
        let Subject::Person(person) = subject else {
            return Ok(self.budgets.terms(&tenant.slug, tenant.tier));
        };
        let tier = match self.store.person(&tenant.slug, person).await {
            Ok(known) => known.tier,
            Err(store::Error::Missing { .. }) => tenant.tier,
            Err(error) => return Err(error.into()),
        };
        Ok(self.budgets.person_terms(&tenant.slug, tier))
    }

    async fn set(
        &self,
        whose: &Whose,
        changes: [(Period, Option<Option<Limit>>); 3],
    ) -> Result<(), Error> {
        let tenant = self.tenant(&whose.tenant).await?;
        let subject = whose.subject();
        let terms = self.terms(&tenant, &subject).await?;
        let mut limits = Vec::new();
        for (period, change) in changes {
            let Some(limit) = change else { continue };
            // What is not counted cannot be limited either.
            let term = terms.iter().find(|term| term.period == period);
            let Some(term) = term else {
                let key = if period == Period::Day { "moneyPerDay" } else { "moneyPerMonth" };
                return Err(Error::NotCounted { who: name(whose), key });
            };
            limits.push(NewLimit { unit: term.unit, period, limit });
        }
        Ok(self.store.set_budget(&whose.tenant, &subject, limits).await?)
    }
}

// === impl Shown ===

impl Show for Shown {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        if self.budgets.is_empty() {
            return screen.line("No tenants yet. Create one: openclaw tenants create NAME");
        }
        let mut last = None;
        for entry in &self.budgets {
            if last != Some((&entry.tenant, &entry.subject)) {
                screen.line(&entry.heading())?;
            }
            last = Some((&entry.tenant, &entry.subject));
            entry.show(screen, self.now)?;
        }
        Ok(())
    }
}

// === impl Entry ===

impl Entry {
    fn heading(&self) -> String {
        match &self.subject {
            Subject::Tenant => self.tenant.to_string(),
            Subject::Person(person) => {
                format!("{} {}", self.tenant, domain::text::one_line(&person.to_string(), 120))
            }
        }
    }

    fn show(&self, screen: &mut Screen<'_>, now: Timestamp) -> io::Result<()> {
        let Standing { used, reserved, limit, percent, resets_at, .. } = self.standing;
        let what = format!("{} {}", self.unit, self.period.spoken());
        let filled = (percent.min(100) * BAR).div_ceil(100);
        let bar: String = (0..BAR).map(|at| if at < filled { '█' } else { '░' }).collect();
        let bar = match (percent, self.warns) {
            (100.., _) => screen.bad(&bar),
            (_, true) => screen.fair(&bar),
            _ => screen.good(&bar),
        };
        let number = |amount| self.unit.number(amount);
        let mut facts = match limit {
            Limit::Max(most) => {
                format!("{percent:>3} %  {} of {}", number(used), number(most))
            }
            Limit::Unlimited => format!("   -   {}, unlimited", number(used)),
        };
        if self.set {
            facts.push_str(", set by hand");
        }
        if reserved > 0 {
            facts.push_str(&format!(", {} held", number(reserved)));
        }
        if self.approved {
            facts.push_str(", approved");
        }
        if let Some(at) = resets_at {
            facts.push_str(&format!(", anew {}", ago(now, at)));
        }
        screen.line(&format!("  {what:<20} {bar} {facts}"))
    }
}

// === impl Changed ===

impl Show for Changed {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        let Self { what, who, budgets } = self;
        match budgets {
            0 => screen.line(&format!("No budget of {who} is in use; nothing was changed.")),
            1 => screen.line(&format!("1 budget of {who} is {what}.")),
            many => screen.line(&format!("{many} budgets of {who} are {what}.")),
        }
    }
}

fn name(whose: &Whose) -> String {
    match &whose.person {
        None => whose.tenant.to_string(),
        Some(person) => format!("{person} at {}", whose.tenant),
    }
}
