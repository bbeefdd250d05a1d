//! What the kernel knows about this process, from `/proc` (Linux, proc(5)).
//!
//! Elsewhere nothing is known, and no figure is made up.

use std::fs;

/// Memory that is in RAM now, in bytes.
pub(super) fn memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

/// Processor time taken since the start, the kernel's on its behalf included, in whole seconds.
pub(super) fn processor_seconds() -> Option<u64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    Some((field(&stat, 14)? + field(&stat, 15)?) / ticks_per_second()?)
}

/// When it began, in seconds since 1970.
pub(super) fn started() -> Option<u64> {
    let after_boot = field(&fs::read_to_string("/proc/self/stat").ok()?, 22)? / ticks_per_second()?;
    let machine = fs::read_to_string("/proc/stat").ok()?;
    let boot = machine.lines().find_map(|line| line.strip_prefix("btime "))?;
    Some(boot.trim().parse::<u64>().ok()? + after_boot)
}

/// Files and sockets that are open.
pub(super) fn open_files() -> Option<u64> {
    fs::read_dir("/proc/self/fd").ok().map(|files| files.count() as u64)
}

/// Files and sockets that may be open.
pub(super) fn most_files() -> Option<u64> {
    rlimit::Resource::NOFILE.get_soft().ok()
}

/// A field of `/proc/PID/stat`, counted from 1 as in proc(5). The name in field 2 may hold anything, so they
/// are counted from its end.
fn field(stat: &str, number: usize) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(number.checked_sub(3)?)?.parse().ok()
}

#[cfg(target_os = "linux")]
fn ticks_per_second() -> Option<u64> {
    Some(rustix::param::clock_ticks_per_second()).filter(|&ticks| ticks > 0)
}

#[cfg(not(target_os = "linux"))]
fn ticks_per_second() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_behind_any_name() {
        let stat = "7 (a) b) S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23";
        assert_eq!((field(stat, 14), field(stat, 22)), (Some(14), Some(22)));
        assert_eq!((field(stat, 99), field(stat, 2), field("", 14)), (None, None, None));
    }
}
