//! How much memory a child and all that it started use, read from `/proc`.
//!
//! Where there is no `/proc` nothing is known, and zero is said.

use std::collections::BTreeSet;
use std::fs;

/// The processes of this machine at one moment. Reading them once serves any number of children.
#[derive(Debug, Clone, Default)]
pub struct Processes {
    all: Vec<Process>,
}

/// One process, as `/proc/PID/stat` has it (proc(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) id: u32,
    pub(super) group: u32,
    parent: u32,
    /// When it was started, in clock ticks since the machine was; with the id it names a process for good.
    started: u64,
    /// In pages.
    resident: u64,
}

// === impl Processes ===

impl Processes {
    /// Reads them. What ends meanwhile, or is hidden from this user, is left out.
    #[must_use]
    pub fn read() -> Self {
        let Ok(folders) = fs::read_dir("/proc") else { return Self::default() };
        let stat = |folder: fs::DirEntry| {
            folder.file_name().to_str()?.parse::<u32>().ok()?;
            Process::parse(&fs::read_to_string(folder.path().join("stat")).ok()?)
        };
        Self { all: folders.filter_map(|folder| stat(folder.ok()?)).collect() }
    }

    /// The memory that a child uses, with its group and its descendants, in bytes. Pages that they share are
    /// counted for each. Zero when it is not there.
    #[must_use]
    pub fn resident(&self, child: u32) -> u64 {
        let pages = self.family(child).map(|process| process.resident).sum::<u64>();
        pages.saturating_mul(rustix::param::page_size() as u64)
    }

    /// The members of a child's group and the descendants of any of them.
    pub(super) fn family(&self, child: u32) -> impl Iterator<Item = &Process> {
        let mut family: BTreeSet<u32> = self
            .all
            .iter()
            .filter(|process| process.group == child || process.id == child)
            .map(|process| process.id)
            .collect();
        // Ids wrap around, so a parent may come after its children in any order: until nothing is added.
        loop {
            let before = family.len();
            for process in &self.all {
                if family.contains(&process.parent) {
                    family.insert(process.id);
                }
            }
            if family.len() == before {
                break;
            }
        }
        self.all.iter().filter(move |process| family.contains(&process.id))
    }

    /// Whether this very process is there, not another one that has its number.
    pub(super) fn holds(&self, process: &Process) -> bool {
        self.all.iter().any(|other| other.id == process.id && other.started == process.started)
    }
}

// === impl Process ===

impl Process {
    /// Reads a line of `/proc/PID/stat`. The second field, a name in brackets, may hold anything.
    fn parse(stat: &str) -> Option<Self> {
        let (head, rest) = stat.rsplit_once(')')?;
        let id = head.split_once('(')?.0.trim().parse().ok()?;
        // proc(5) counts from 1; the first behind the name is the third.
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let field = |number: usize| fields.get(number.checked_sub(3)?)?.parse::<u64>().ok();
        Some(Self {
            id,
            parent: u32::try_from(field(4)?).ok()?,
            group: u32::try_from(field(5)?).ok()?,
            started: field(22)?,
            resident: field(24)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(id: u32, name: &str, parent: u32, group: u32, pages: u64) -> Process {
        let line = format!(
            "{id} ({name}) S {parent} {group} 1 0 -1 4194304 1 0 0 0 2 1 0 0 20 0 1 0 77{id} 9000 {pages} 18446744073709551615 1 1 0"
        );
        Process::parse(&line).unwrap()
    }

    #[test]
    fn a_line_is_read_whatever_the_name_holds() {
        let process = stat(42, "a) S 1 (b", 7, 40, 100);
        let expected = Process { id: 42, group: 40, parent: 7, started: 7742, resident: 100 };
        assert_eq!(process, expected);
        for broken in ["", "42", "42 (x)", "42 (x) S 1 2", "x (x) S 1 1 1"] {
            assert_eq!(Process::parse(broken), None, "{broken}");
        }
    }

    #[test]
    fn a_child_is_counted_with_all_that_it_started() {
        let all = vec![
            stat(5, "grandchild in a group of its own", 20, 5, 1_000),
            stat(10, "child", 1, 10, 1),
            stat(20, "member of the group", 10, 10, 10),
            stat(30, "member whose parent has ended", 1, 10, 100),
            stat(40, "stranger", 1, 40, 10_000),
        ];
        let processes = Processes { all };
        let page = rustix::param::page_size() as u64;
        assert_eq!(processes.resident(10), 1_111 * page);
        assert_eq!(processes.resident(99), 0);
    }

    #[test]
    fn this_process_uses_memory() {
        assert!(Processes::read().resident(std::process::id()) > 100_000);
    }
}
