//! The file that a first start writes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Ids;

/// How many random bytes the gateway token has.
const TOKEN_BYTES: usize = 32;

/// A small file with a new token, in the style in which it may grow.
pub(crate) fn text(ids: &dyn Ids) -> String {
    let mut token = [0_u8; TOKEN_BYTES];
    ids.fill(&mut token);
    let token = URL_SAFE_NO_PAD.encode(token);
    format!(
        "\
// OpenClaw. Everything that is not written here has its default: `openclaw config schema --markdown`
// lists all settings. Most changes take effect within a second; the log says which need a restart.
{{
  gateway: {{
    // Whoever knows this token may do everything. `openclaw config set` keeps this file private.
    auth: {{ token: \"{token}\" }},
  }},
}}
"
    )
}
