//! Credentials that we make: unguessable text for the caller, a hash for the table.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{Ids, Secret};

/// What a credential is for; its first letters say so, which also lets a log redactor find it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A tenant's own.
    Tenant,
    /// A device that was let in.
    Device,
    /// A link that lets a device in, once.
    Link,
}

/// A new credential of 32 unguessable bytes.
pub(crate) fn mint(purpose: Purpose, ids: &dyn Ids) -> Secret {
    let mut bytes = [0_u8; 32];
    ids.fill(&mut bytes);
    let prefix = match purpose {
        Purpose::Tenant => "oct_",
        Purpose::Device => "ocd_",
        Purpose::Link => "ocl_",
    };
    Secret::new(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// What is stored: SHA-256 of the whole credential. The credential has 256 bits of its own, so neither
/// salt nor a slow hash would add anything.
pub(crate) fn hash(credential: &Secret) -> Vec<u8> {
    digest::digest(&digest::SHA256, credential.expose().as_bytes()).as_ref().to_vec()
}
