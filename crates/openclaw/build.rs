//! Lists the pages of docs/errors, so that `openclaw explain` has them in the binary.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors").canonicalize()?;
    println!("cargo::rerun-if-changed={}", pages.display());
    let mut names: Vec<String> = fs::read_dir(&pages)?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".md").map(ToOwned::to_owned))
        .filter(|name| *name == name.to_lowercase())
        .collect();
    names.sort_unstable();
    let mut list = String::from("[\n");
    for name in names {
        let page = pages.join(format!("{name}.md"));
        // Writing to a String cannot fail.
        let _ = writeln!(list, "    ({name:?}, include_str!({page:?})),");
    }
    list.push_str("]\n");
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo sets OUT_DIR"))?;
    fs::write(Path::new(&out).join("pages.rs"), list)
}
