//! Each idiom, good and bad.

use super::check;
use crate::tidy::tests::tree_of;

const PRODUCT: &str = "crates/engine/src/a.rs";

fn lines(path: &str, text: &str) -> Vec<usize> {
    check(&tree_of(&[(path, text)])).into_iter().map(|violation| violation.line).collect()
}

#[test]
fn holes_and_unsafe_are_refused_everywhere() {
    let bad = "fn a() { todo!() }\nfn b() { unimplemented!() }\nfn c() { dbg!(1); }\nfn d() { unsafe { e() } }\n";
    for path in [PRODUCT, "crates/engine/tests/it/main.rs", "crates/testkit/src/a.rs"] {
        assert_eq!(lines(path, bad), [4, 1, 2, 3], "{path}");
    }
}

#[test]
fn a_panic_is_for_tests() {
    let bad = "fn a() { b()\n    .unwrap();\n b() . expect(\"x\"); }\n";
    assert_eq!(lines(PRODUCT, bad), [2, 3]);
    assert_eq!(lines("crates/simulator/src/a.rs", bad), [2, 3]);
    let good = "fn a() { b().unwrap_or_default(); c().expect_err; }\n// x.unwrap()\nconst T: &str = \".unwrap()\";\n#[cfg(test)]\nmod tests { fn a() { b().unwrap(); } }\n";
    assert_eq!(lines(PRODUCT, good), [] as [usize; 0]);
    assert_eq!(lines("crates/engine/src/a/tests.rs", bad), [] as [usize; 0]);
    assert_eq!(lines("crates/testkit/src/a.rs", bad), [] as [usize; 0]);
}

#[test]
fn a_panic_may_give_its_reason() {
    let excused = "fn a() {\n    #[expect(clippy::expect_used, reason = \"there is no way on\")]\n    b()\n        .expect(\"c\");\n    d().unwrap();\n}\n";
    assert_eq!(lines(PRODUCT, excused), [5]);
}

#[test]
fn the_file_of_a_test_module_is_tests() {
    let (declares, unwraps) = ("#[cfg(test)]\nmod reference;\n", "fn a() { b().unwrap(); }\n");
    for (parent, module, count) in [
        ("crates/engine/src/turn.rs", "crates/engine/src/turn/reference.rs", 0),
        ("crates/engine/src/lib.rs", "crates/engine/src/reference/page.rs", 0),
        ("crates/engine/src/turn.rs", "crates/engine/src/reference.rs", 1),
    ] {
        assert_eq!(
            check(&tree_of(&[(parent, declares), (module, unwraps)])).len(),
            count,
            "{module}"
        );
    }
}

#[test]
fn a_file_under_test_ends_where_its_tests_end() {
    let after = "#[cfg(test)]\nuse x::{y};\n#[cfg(test)]\n#[rustfmt::skip]\nmod tests { fn a() { b().unwrap(); } }\nfn c() { d().unwrap(); }\n";
    assert_eq!(lines(PRODUCT, after), [6]);
}

#[test]
fn tasks_start_in_one_file() {
    let spawn = "fn a() { tokio::spawn(b()); }\n";
    assert_eq!(lines(PRODUCT, spawn), [1]);
    assert_eq!(lines(PRODUCT, "fn a() { tokio::task::spawn(b()); }\n"), [1]);
    assert_eq!(lines(PRODUCT, "fn a() { task::spawn(Kind::Turn, b()); }\n"), [] as [usize; 0]);
    for path in
        ["crates/engine/src/task.rs", "crates/simulator/src/a.rs", "crates/engine/tests/it/a.rs"]
    {
        assert_eq!(lines(path, spawn), [] as [usize; 0], "{path}");
    }
    let two =
        tree_of(&[("crates/engine/src/spawn.rs", spawn), ("crates/engine/src/task.rs", spawn)]);
    assert_eq!(check(&two).len(), 1);
}

#[test]
fn a_test_waits_for_the_event() {
    let sleeps = "async fn a() { tokio::time::sleep(b).await; std::thread::sleep(b); }\n";
    assert_eq!(lines("crates/engine/tests/it/a.rs", sleeps), [1, 1]);
    assert_eq!(lines(PRODUCT, sleeps), [] as [usize; 0]);
    let paused = "#[tokio::test(start_paused = true)]\nasync fn a() {\n    tokio::time::sleep(b).await;\n}\n";
    assert_eq!(lines("crates/engine/tests/it/a.rs", paused), [] as [usize; 0]);
}

#[test]
fn no_switch_turns_a_rule_off() {
    assert_eq!(
        lines(PRODUCT, "#![allow(dead_code)]\n#[cfg_attr(unix, allow(unused))]\nfn a() {}\n"),
        [1, 2]
    );
    assert_eq!(lines(PRODUCT, "#[expect(unused)]\nfn a() {}\n"), [1]);
    assert_eq!(lines(PRODUCT, "#[test]\n#[ignore = \"slow\"]\nfn a() {}\n"), [2]);
    let good = "#[expect(unused, reason = \"kept for symmetry\")]\n#[serde(rename = \"allow\")]\n/// `#[allow(x)]`\nfn allow() { expect(1) }\n";
    assert_eq!(lines(PRODUCT, good), [] as [usize; 0]);
}
