//! Who may do what: the one place that turns a credential into rights, and the one that asks for them.
//!
//! Owns the order of the checks; refuses by default. What a tenant's credential does not reach answers
//! exactly as if it did not exist.

use bus::Topic;
use domain::tenant::TenantStatus;
use domain::{Actor, Coded, Kind, Refusal, Secret, SessionKey, TenantId, TenantSlug};
use store::{Device, NewDevice, Store, Tenant};
use tokio::sync::watch;
use uuid::Uuid;

use crate::client::{AddressKey, Client};
use crate::credential::same;
use crate::limiter::FailureLimiter;
use crate::protocol::Scope;
use crate::settings::Settings;
use crate::{Error, Limits};

/// What the bearer of a credential may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Whose credential it is.
    pub who: Who,
    /// What it reaches.
    pub reach: Reach,
    /// What it may do there.
    pub scope: Scope,
}

/// Whose credential it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Who {
    /// The operator's own.
    Operator,
    /// A tenant's own.
    Tenant(TenantId),
    /// That of a device that was let in.
    Device(Uuid),
}

/// Which tenants exist for the bearer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// All.
    All,
    /// This one.
    Tenant(Tenant),
}

/// Checks credentials.
pub struct Keeper {
    store: Store,
    settings: watch::Receiver<std::sync::Arc<Settings>>,
    failures: FailureLimiter,
}

/// A credential that was good, and what it is good for.
#[derive(Debug, Clone)]
pub struct Admission {
    /// The rights.
    pub access: Access,
    /// The credential to look at again later; `None` when none was needed.
    pub credential: Option<Secret>,
    /// A credential that was made for the client just now.
    pub issued: Option<Secret>,
}

// === impl Access ===

impl Access {
    fn operator() -> Self {
        Self { who: Who::Operator, reach: Reach::All, scope: Scope::Admin }
    }

    /// Whether both are worth the same. That somebody wrote to the tenant meanwhile changes nothing.
    #[must_use]
    pub fn is_worth(&self, other: &Self) -> bool {
        let own = |access: &Self| match &access.reach {
            Reach::All => None,
            Reach::Tenant(own) => Some((own.id, own.slug.clone(), own.tier, own.status)),
        };
        (self.who, self.scope, own(self)) == (other.who, other.scope, own(other))
    }

    /// Whether the tenant exists for the bearer.
    #[must_use]
    pub fn sees(&self, tenant: &TenantSlug) -> bool {
        match &self.reach {
            Reach::All => true,
            Reach::Tenant(own) => own.slug == *tenant,
        }
    }

    /// The only tenant that exists for the bearer, when there is only one.
    #[must_use]
    pub fn only_tenant(&self) -> Option<&TenantSlug> {
        match &self.reach {
            Reach::All => None,
            Reach::Tenant(own) => Some(&own.slug),
        }
    }

    /// Refuses when the scope does not include `needed`.
    ///
    /// # Errors
    /// [`Error::MissingScope`].
    pub fn need(&self, needed: Scope) -> Result<(), Error> {
        if self.scope >= needed { Ok(()) } else { Err(Error::MissingScope { needed }) }
    }

    /// Refuses a tenant's credential, whatever its scope.
    ///
    /// # Errors
    /// [`Error::MissingScope`].
    pub fn need_operator(&self) -> Result<(), Error> {
        match self.reach {
            Reach::All => Ok(()),
            Reach::Tenant(_) => Err(Error::MissingScope { needed: Scope::Admin }),
        }
    }

    /// Reads a session key. `main` is short for the first conversation of `first`, and
    /// `agent:<tenant>:<name>` for a conversation of the web, as other clients write it.
    ///
    /// # Errors
    /// [`Error::NoSession`] for what is no key and for keys that do not exist for the bearer, alike.
    pub fn session(&self, text: &str, first: &TenantSlug) -> Result<SessionKey, Error> {
        let key = match text {
            "main" => SessionKey::first(first.clone()),
            _ => text.parse().or_else(|_| short_key(text)).map_err(|_| Error::NoSession)?,
        };
        if self.sees(&key.tenant) { Ok(key) } else { Err(Error::NoSession) }
    }

    /// Which events the bearer may hear.
    #[must_use]
    pub fn topic(&self) -> Topic {
        self.only_tenant().map_or(Topic::All, |slug| Topic::Tenant(slug.clone()))
    }

    /// Who changes something when the bearer does, for the audit.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match (self.who, &self.reach) {
            (Who::Device(id), _) => Actor::Device(id),
            (_, Reach::Tenant(own)) => Actor::Tenant(own.slug.clone()),
            (Who::Operator | Who::Tenant(_), Reach::All) => Actor::Operator,
        }
    }

    /// The name under which the bearer speaks.
    #[must_use]
    pub fn peer(&self) -> String {
        match self.who {
            Who::Operator => "operator".to_owned(),
            Who::Tenant(id) => format!("tenant:{id}"),
            Who::Device(id) => format!("device:{id}"),
        }
    }
}

// === impl Keeper ===

impl Keeper {
    /// A keeper that knows the operator's token from the settings and all others from the store.
    #[must_use]
    pub fn new(
        store: Store,
        settings: watch::Receiver<std::sync::Arc<Settings>>,
        limits: &Limits,
    ) -> Self {
        Self { store, settings, failures: FailureLimiter::new(limits) }
    }

    /// Lets a client in, or counts a failure against its address.
    ///
    /// # Errors
    /// [`Error::LockedOut`], [`Error::NoCredential`], [`Error::BadCredential`], or what the store says.
    pub async fn admit(
        &self,
        client: &Client,
        credential: Option<Secret>,
    ) -> Result<Admission, Error> {
        let address = AddressKey::from(client.address);
        self.failures.check(address)?;
        let Some(credential) = credential else {
            let open = self.settings.borrow().open_on_this_machine && client.is_local();
            let admission =
                Admission { access: Access::operator(), credential: None, issued: None };
            return if open { Ok(admission) } else { Err(Error::NoCredential) };
        };
        match self.resolve(&credential).await {
            Ok(access) => Ok(Admission { access, credential: Some(credential), issued: None }),
            Err(error) => {
                self.count(address, &error);
                Err(error)
            }
        }
    }

    /// Like [`Self::admit`], but a single-use link is good as well. A device that comes by a link, or as a
    /// page with anything but its own token, gets a token of its own.
    ///
    /// # Errors
    /// See [`Self::admit`].
    pub async fn welcome(
        &self,
        client: &Client,
        credential: Option<Secret>,
        label: &str,
        is_page: bool,
    ) -> Result<Admission, Error> {
        let link = credential.as_ref().filter(|secret| secret.expose().starts_with(LINK));
        let mut admission = match link {
            Some(code) => {
                let address = AddressKey::from(client.address);
                self.failures.check(address)?;
                if !self.store.use_link(code).await? {
                    self.count(address, &Error::BadCredential);
                    return Err(Error::BadCredential);
                }
                Admission { access: Access::operator(), credential: None, issued: None }
            }
            None => self.admit(client, credential.clone()).await?,
        };
        let is_device = matches!(admission.access.who, Who::Device(_));
        if link.is_some() || (is_page && !is_device) {
            self.issue(&mut admission, label, link.is_some()).await?;
        }
        Ok(admission)
    }

    /// What a credential is good for at this moment.
    ///
    /// # Errors
    /// [`Error::BadCredential`], a suspended tenant's refusal, or what the store says.
    pub async fn resolve(&self, credential: &Secret) -> Result<Access, Error> {
        let text = credential.expose();
        if text.starts_with(TENANT) {
            let tenant = self.store.tenant_by_token(credential).await?;
            let tenant = tenant.ok_or(Error::BadCredential)?;
            let who = Who::Tenant(tenant.id);
            return Ok(Access { who, reach: reach(tenant)?, scope: Scope::Write });
        }
        if text.starts_with(DEVICE) {
            let device = self.store.device_by_token(credential).await?;
            return self.device(&device.ok_or(Error::BadCredential)?).await;
        }
        let settings = self.settings.borrow();
        let known = !settings.operator.is_blank() && same(credential, &settings.operator);
        if known { Ok(Access::operator()) } else { Err(Error::BadCredential) }
    }

    async fn device(&self, device: &Device) -> Result<Access, Error> {
        let scope = Scope::largest(&device.scopes).ok_or(Error::BadCredential)?;
        let reach = match device.tenant {
            None => Reach::All,
            Some(id) => {
                let tenant = self.store.tenant_by_id(id).await?;
                reach(tenant.ok_or(Error::BadCredential)?)?
            }
        };
        Ok(Access { who: Who::Device(device.id), reach, scope })
    }

    /// Makes a credential with the same rights. It takes the place of a link, which is used up.
    async fn issue(
        &self,
        admission: &mut Admission,
        label: &str,
        in_place: bool,
    ) -> Result<(), Error> {
        let access = &mut admission.access;
        let tenant = match &access.reach {
            Reach::All => None,
            Reach::Tenant(tenant) => Some(tenant.id),
        };
        let scopes = access.scope.included().into_iter().map(|scope| scope.as_str().to_owned());
        let new = NewDevice { label: label.to_owned(), scopes: scopes.collect(), tenant };
        let store = self.store.acting_as(access.actor());
        let (device, credential) = store.create_device(new).await?;
        if in_place {
            access.who = Who::Device(device.id);
            admission.credential = Some(credential.clone());
        }
        admission.issued = Some(credential);
        Ok(())
    }

    fn count(&self, address: AddressKey, error: &Error) {
        if error.kind() == Kind::Unauthenticated {
            metrics::counter!(crate::metrics::CREDENTIALS_REFUSED).increment(1);
            self.failures.failed(address);
        }
    }
}

/// First letters of the credentials that the store makes; an operator's own token has others.
const TENANT: &str = "oct_";
const DEVICE: &str = "ocd_";
const LINK: &str = "ocl_";

/// A conversation of the web that is named without its account.
fn short_key(text: &str) -> Result<SessionKey, domain::BadName> {
    match text.strip_prefix("agent:").and_then(|rest| rest.split_once(':')) {
        Some((tenant, name)) if !name.contains(':') => {
            SessionKey::new(tenant.parse()?, domain::id::WEB, name)
        }
        _ => Err(domain::BadName::SessionKey(domain::text::one_line(text, 128))),
    }
}

fn reach(tenant: Tenant) -> Result<Reach, Error> {
    match tenant.status {
        TenantStatus::Active => Ok(Reach::Tenant(tenant)),
        TenantStatus::Suspended => Err(Refusal::Suspended(tenant.slug.to_string()).into()),
        TenantStatus::Deleted => Err(Error::BadCredential),
    }
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;
    use domain::tenant::Tier;

    use super::*;

    #[test]
    fn a_tenant_that_is_written_to_keeps_its_connections_and_one_that_changes_does_not() {
        let tenant = Tenant {
            id: TenantId(Uuid::from_u128(1)),
            slug: "main".parse().unwrap(),
            tier: Tier::Standard,
            status: TenantStatus::Active,
            created_at: Timestamp(1),
            last_active_at: None,
        };
        let access = |tenant: Tenant| Access {
            who: Who::Tenant(tenant.id),
            reach: Reach::Tenant(tenant),
            scope: Scope::Write,
        };
        let before = access(tenant.clone());
        let written = Tenant { last_active_at: Some(Timestamp(60_000)), ..tenant.clone() };
        assert!(before.is_worth(&access(written)));
        assert!(!before.is_worth(&access(Tenant { tier: Tier::Free, ..tenant.clone() })));
        assert!(!before.is_worth(&Access { scope: Scope::Read, ..access(tenant) }));
        assert!(!before.is_worth(&Access::operator()));
    }
}
