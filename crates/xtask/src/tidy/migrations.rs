//! Both engines have the same migrations.
//!
//! Owns the comparison of file names; what stands in them is compared by the store's own tests.

use std::collections::BTreeMap;

use crate::tree::Tree;
use crate::violation::Violation;

const FOLDER: &str = "crates/store/migrations";
const DATABASES: &[&str] = &["control", "tenant"];
const ENGINES: [&str; 2] = ["sqlite", "postgres"];

/// Every migration that one engine has and the other has not.
pub fn check(tree: &Tree) -> Vec<Violation> {
    DATABASES.iter().flat_map(|database| lonely(tree, database)).collect()
}

fn lonely(tree: &Tree, database: &str) -> Vec<Violation> {
    let mut engines_of: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for engine in ENGINES {
        for (name, _) in tree.below(&format!("{FOLDER}/{database}/{engine}")) {
            engines_of.entry(name).or_default().push(engine);
        }
    }
    let lonely = engines_of.into_iter().filter_map(|(name, engines)| match engines[..] {
        [engine] => Some((name, engine)),
        _ => None,
    });
    lonely
        .map(|(name, engine)| Violation {
            file: format!("{FOLDER}/{database}/{engine}/{name}"),
            line: 1,
            what: format!("only {engine} has this migration"),
            why: "both engines go through the same steps, so that a store can be moved between them",
            remedy: "add a file of the same name for the other engine",
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tests::{tree_of, whats};

    #[test]
    fn each_step_exists_for_both_engines() {
        let good = [
            ("crates/store/migrations/control/sqlite/0001_tenant.sql", ""),
            ("crates/store/migrations/control/postgres/0001_tenant.sql", ""),
        ];
        assert_eq!(check(&tree_of(&good)), []);
        let bad = [good[0], good[1], ("crates/store/migrations/tenant/postgres/0001_said.sql", "")];
        assert_eq!(
            whats(&check(&tree_of(&bad))),
            [
                "crates/store/migrations/tenant/postgres/0001_said.sql:1 only postgres has this migration"
            ]
        );
    }
}
