//! The one HTTP client of the product. Every byte that leaves for another machine leaves through [`Egress`].
//!
//! It follows no redirect, keeps no cookie, reads no proxy from the environment, speaks only http and
//! https, and bounds every wait. A credential belongs to an [`Endpoint`] and cannot be sent anywhere else:
//! a [`Request`] is made from an endpoint and can only change its path below it.

mod answer;
mod client;
mod endpoint;
mod error;

pub use answer::{Answer, Body};
pub use client::{Egress, Options, Request, Timeouts};
pub use endpoint::Endpoint;
pub use error::Error;
