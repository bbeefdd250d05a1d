//! What the kernel knows about a process: memory and processor time, from `/proc` (Linux, proc(5)).

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// The kernel counts processor time for programs in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);

/// Memory of the process that is in RAM now, in KiB.
///
/// # Errors
/// When there is no such process.
pub fn resident(process: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.context("the kernel does not tell the memory")?.parse().context("a number of KiB")
}

/// Processor time that it has taken since its start, its own and the kernel's on its behalf.
///
/// # Errors
/// When there is no such process.
pub fn processor_time(process: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    ticks(&stat).map(|ticks| TICK * ticks).context("the kernel does not tell the processor time")
}

/// Fields 14 and 15, counted from 1; the name in field 2 may hold anything, so they are counted from its end.
fn ticks(stat: &str) -> Option<u32> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_any_name() {
        let stat = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 21 300 13 14";
        assert_eq!(ticks(stat), Some(321));
        assert_eq!(ticks("7 (x) S 1"), None);
    }

    #[test]
    fn this_process_has_memory() {
        assert!(resident(std::process::id()).unwrap() > 100);
        processor_time(std::process::id()).unwrap();
    }
}
