//! `store`: where everything is kept.

use domain::Secret;
use schemars::JsonSchema;
use serde::Deserialize;

/// Where everything is kept.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Store {
    /// A PostgreSQL database, `postgres://user:password@host:port/name`. Without it, SQLite files in the
    /// state folder. `OPENCLAW_DATABASE_URL` overrides it.
    #[schemars(with = "Option<String>", extend("writeOnly" = true, "format" = "postgres-url"))]
    pub url: Option<Secret>,
}
