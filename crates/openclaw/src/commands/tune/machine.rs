//! What this machine has: processors, and memory as far as the kernel tells it (Linux, proc(5), cgroups(7)).

use std::fs;

use domain::capacity::Machine;

/// Limits of the control group that this process is in, for both generations of control groups. A group
/// without a limit says `max`, or a number larger than any memory.
const LIMITS: [&str; 2] =
    ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];

/// This machine, or the part of it that a container may use.
pub fn this() -> Machine {
    let processors = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let total = fs::read_to_string("/proc/meminfo").ok().and_then(|text| total(&text));
    let limits =
        LIMITS.iter().filter_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok());
    Machine { processors, memory: limits.chain(total).min() }
}

fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_total_is_in_kibibytes() {
        assert_eq!(total("MemFree: 1 kB\nMemTotal:       4028644 kB\n"), Some(4_125_331_456));
        assert_eq!(total("MemFree: 1 kB\n"), None);
    }

    #[test]
    fn this_machine_has_something() {
        let machine = this();
        assert!(machine.processors >= 1);
        assert!(machine.memory.is_none_or(|bytes| bytes > 1 << 20));
    }
}
