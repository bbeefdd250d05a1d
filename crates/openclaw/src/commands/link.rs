//! `openclaw link`: a fresh link that opens the page.

use std::io;
use std::time::Duration;

use serde::Serialize;

use crate::cli::LinkArgs;
use crate::context::Context;
use crate::error::Error;
use crate::installation::Installation;
use crate::output::{Screen, Show, span};

/// Makes and prints the link.
pub async fn run(arguments: &LinkArgs, context: &Context) -> Result<(), Error> {
    let installation = Installation::find()?;
    let store = installation.store().await?;
    let lifetime = arguments.lifetime();
    let code = store.create_link(lifetime).await?;
    store.close().await;
    let link = address(&installation.url(), code.expose());
    context.print(&Link { link, seconds: lifetime })
}

/// The address that opens the page with this code. The code stands behind the `#`, so that no server
/// and no log on the way ever sees it.
#[must_use]
pub fn address(url: &str, code: &str) -> String {
    format!("{}/#token={code}", url.trim_end_matches('/'))
}

#[derive(Serialize)]
struct Link {
    link: String,
    #[serde(serialize_with = "seconds")]
    seconds: Duration,
}

fn seconds<S: serde::Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(span.as_secs())
}

// === impl Link ===

impl Show for Link {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        screen.line(&self.link)?;
        let note = format!("It opens once, within {}.", span(self.seconds.as_secs()));
        screen.line(&screen.dim(&note))
    }
}
