//! The pages that explain error codes, in the binary.

use std::io;

use serde::Serialize;

use crate::error::Error;
use crate::output::{Screen, Show};

/// Every code with its page, sorted by code; made from docs/errors when the program is built.
const PAGES: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// The page of one code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Page {
    /// The code.
    pub code: &'static str,
    /// What happened, why, and what to do; Markdown.
    pub page: &'static str,
}

/// The page of a code.
///
/// # Errors
/// [`Error::UnknownCode`] with the codes that look most like it.
pub fn page(code: &str) -> Result<Page, Error> {
    let wanted = code.trim().to_ascii_lowercase().replace('_', "-");
    let found = PAGES.binary_search_by_key(&wanted.as_str(), |(known, _)| known);
    let Ok(at) = found else {
        let code = domain::text::one_line(code, 64);
        return Err(Error::UnknownCode { code, nearest: nearest(&wanted).join(", ") });
    };
    let (code, page) = PAGES[at];
    Ok(Page { code, page })
}

/// The three codes that look most like this one.
fn nearest(wanted: &str) -> Vec<&'static str> {
    let mut codes: Vec<_> =
        PAGES.iter().map(|(code, _)| (strsim::jaro_winkler(wanted, code), *code)).collect();
    codes.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    codes.into_iter().take(3).map(|(_, code)| code).collect()
}

// === impl Page ===

impl Show for Page {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        screen.line(self.page.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_has_the_same_form() {
        for (code, page) in PAGES {
            let lines: Vec<&str> = page.lines().collect();
            assert_eq!(lines[0], format!("# {code}"));
            for part in ["What happened", "Why", "What to do"] {
                assert!(lines.iter().any(|line| line.contains(part)), "{code}: {part} is missing");
            }
        }
    }
}
