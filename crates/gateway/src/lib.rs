//! Everything that is reached over the network.

pub mod log_file;
