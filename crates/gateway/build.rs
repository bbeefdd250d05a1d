//! Builds again when the page was built: its files become part of the binary.

use std::path::Path;

fn main() {
    // Without a built page the folder above is watched, so that the first build of it is noticed.
    let built = "../../web/dist";
    let watched = if Path::new(built).exists() { built } else { "../../web" };
    println!("cargo::rerun-if-changed={watched}");
    println!("cargo::rerun-if-changed=build.rs");
}
