//! `openclaw.json`: finding it, reading it, checking it, editing it without losing a comment, reloading it.
//!
//! Loading never writes. Nothing here reads the environment, the clock or randomness by itself: they are
//! handed in.

mod budgets;
mod change;
mod check;
pub mod edit;
mod error;
mod first_file;
mod format;
mod include;
mod key_path;
mod load;
mod locate;
mod nearest;
mod reference;
mod rules;
mod save;
mod schema;
mod setting;
pub mod settings;
mod substitute;
mod syntax;
mod tree;
mod watch;

pub use budgets::{Call, Term, Unpriced};
pub use error::{Error, Place, Problem};
pub use format::{
    Bind, ByteSize, Cpus, Decimal, ModelRef, MoneyLimit, Network, Origin, TimeZone, TokenLimit,
};
pub use key_path::{KeyPath, Step};
pub use load::{Loaded, load};
pub use locate::{Env, Paths};
pub use reference::reference;
pub use save::{first_run, save, set, unset};
pub use schema::schema;
pub use setting::Setting;
pub use settings::Config;
pub use watch::{Seen, Standing, Watch};
