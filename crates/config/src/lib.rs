//! `openclaw.json`: finding it, reading it, checking it, editing it without losing a comment, reloading it.
//!
//! Loading never writes. Nothing here reads the environment, the clock or randomness by itself: they are
//! handed in.

mod check;
mod error;
mod format;
mod include;
mod key_path;
mod load;
mod locate;
mod nearest;
mod rules;
mod schema;
pub mod settings;
mod substitute;
mod syntax;
mod tree;

pub use error::{Error, Place, Problem};
pub use format::{Bind, ByteSize, Cpus, ModelRef, Network, Origin};
pub use key_path::{KeyPath, Step};
pub use load::{Loaded, load};
pub use locate::{Env, Paths};
pub use schema::schema;
pub use settings::Config;
