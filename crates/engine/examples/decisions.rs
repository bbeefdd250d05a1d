//! Measures what the decisions cost that every message waits for, and prints nanoseconds as JSON:
//! `cargo run --release -p engine --features measure --example decisions`.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use engine::measure::{admission, scheduling};
use testkit::{CountingIds, ManualClock};

/// Messages of one measurement.
const MESSAGES: usize = 200_000;
/// Measurements, of which the best counts: what disturbs it only ever makes it longer.
const TIMES: usize = 5;
/// Tenants among which turns are shared, where there are many.
const MANY: usize = 1_000;

fn main() -> io::Result<()> {
    let admitted = best(|| {
        let (clock, ids) = (Arc::new(ManualClock::default()), Arc::new(CountingIds::default()));
        admission(clock, ids, MESSAGES)
    });
    let (one, many) = (best(|| scheduling(1, MESSAGES)), best(|| scheduling(MANY, MESSAGES)));
    let [admitted, one, many] = [admitted, one, many].map(|span| span.as_nanos());
    writeln!(
        io::stdout(),
        r#"{{"admissionNs":{admitted},"oneTenantNs":{one},"manyTenants":{MANY},"manyTenantsNs":{many}}}"#
    )
}

fn best(measure: impl Fn() -> Duration) -> Duration {
    (0..TIMES).map(|_| measure()).min().unwrap_or_default()
}
