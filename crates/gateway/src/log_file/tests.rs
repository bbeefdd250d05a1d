//! Reading backwards and onwards, at every awkward edge.

use std::fs::OpenOptions;
use std::io::Write;

use super::*;

fn line(level: u8, number: usize) -> String {
    format!("{{\"level\":{level},\"msg\":\"{number}\"}}")
}

fn up_to(lines: usize) -> Most {
    Most { lines, bytes: usize::MAX }
}

fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

#[test]
fn a_log_that_does_not_exist_has_no_lines() {
    let root = tempfile::tempdir().unwrap();
    for files in
        [LogFiles::Daily(root.path().join("none")), LogFiles::Fixed(root.path().join("x.log"))]
    {
        let tail = files.tail(up_to(10), 0).unwrap();
        let more = files.after(&tail.next, up_to(10), 0).unwrap();
        assert!(tail.lines.is_empty() && !tail.truncated && tail.next.offset == 0);
        assert!(more.lines.is_empty() && !more.reset && more.next.offset == 0);
    }
}

#[test]
fn the_tail_crosses_days_and_blocks() {
    let root = tempfile::tempdir().unwrap();
    let files = LogFiles::Daily(root.path().to_owned());
    append(&root.path().join("openclaw-x.log"), "not ours\n");
    let mut all = Vec::new();
    for day in ["2026-01-30", "2026-01-31", "2026-02-01"] {
        let mut text = String::new();
        for _ in 0..4_000 {
            let level = if all.len() % 1_000 == 0 { 50 } else { 30 };
            all.push(line(level, all.len()));
            text.push_str(all.last().unwrap());
            text.push('\n');
        }
        append(&root.path().join(format!("openclaw-{day}.log")), &text);
    }
    for limit in [0, 1, 3_999, 4_000, 4_001, 11_999] {
        let tail = files.tail(up_to(limit), 0).unwrap();
        assert_eq!(tail.lines, all[all.len() - limit..]);
        assert!(tail.truncated);
        assert_eq!(tail.next.file, "openclaw-2026-02-01.log");
    }
    let everything = files.tail(up_to(20_000), 0).unwrap();
    assert!(everything.lines == all && !everything.truncated);
    let errors = files.tail(up_to(2), 40).unwrap();
    assert_eq!(errors.lines, [line(50, 10_000), line(50, 11_000)]);
}

#[test]
fn following_sees_only_whole_new_lines_and_the_next_day() {
    let root = tempfile::tempdir().unwrap();
    let files = LogFiles::Daily(root.path().to_owned());
    let (first, second) =
        (root.path().join("openclaw-2026-01-30.log"), root.path().join("openclaw-2026-01-31.log"));
    append(&first, "{\"level\":30}\n{\"level\":");
    let tail = files.tail(up_to(5), 0).unwrap();
    assert_eq!(tail.lines, ["{\"level\":30}"]);
    assert_eq!(files.after(&tail.next, up_to(5), 0).unwrap().lines, [""; 0]);
    append(&first, "40}\n{\"level\":20}\n");
    append(&second, "{\"level\":60}\n");
    let more = files.after(&tail.next, up_to(2), 0).unwrap();
    assert_eq!(more.lines, ["{\"level\":40}", "{\"level\":20}"]);
    let more = files.after(&more.next, up_to(2), 0).unwrap();
    assert_eq!(more.lines, ["{\"level\":60}"]);
    assert_eq!(files.after(&more.next, up_to(2), 0).unwrap().lines, [""; 0]);
    assert_eq!(
        files.after(&tail.next, up_to(9), 40).unwrap().lines,
        ["{\"level\":40}", "{\"level\":60}"]
    );
}

#[test]
fn an_answer_has_a_size_and_the_rest_comes_next() {
    let root = tempfile::tempdir().unwrap();
    let files = LogFiles::Daily(root.path().to_owned());
    append(&root.path().join("openclaw-2026-01-30.log"), "aaaa\nbbbb\ncccc\n");
    append(&root.path().join("openclaw-2026-01-31.log"), "dddd\n");
    let five = Most { lines: 9, bytes: 5 };
    let tail = files.tail(five, 0).unwrap();
    assert_eq!((tail.lines, tail.truncated), (vec!["cccc".to_owned(), "dddd".to_owned()], true));
    let mut cursor = Cursor::default();
    let mut read = Vec::new();
    loop {
        let more = files.after(&cursor, five, 0).unwrap();
        assert!(more.lines.len() <= 2, "{more:?}");
        read.extend(more.lines);
        cursor = more.next;
        if !more.truncated {
            break;
        }
    }
    assert_eq!(read, ["aaaa", "bbbb", "cccc", "dddd"]);
}

#[test]
fn a_file_that_was_cut_or_removed_is_read_anew() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("own.log");
    let files = LogFiles::Fixed(path.clone());
    append(&path, "a\nb\n");
    let tail = files.tail(up_to(1), 0).unwrap();
    assert_eq!((tail.lines, tail.next.offset), (vec!["b".to_owned()], 4));
    fs::write(&path, "c\n").unwrap();
    let more = files.after(&tail.next, up_to(9), 0).unwrap();
    assert_eq!((more.lines, more.reset), (vec!["c".to_owned()], true));
    for name in ["earlier.log", "z-later.log"] {
        let elsewhere = Cursor { file: name.into(), offset: 9 };
        let more = files.after(&elsewhere, up_to(9), 0).unwrap();
        assert_eq!((more.lines, more.reset), (vec!["c".to_owned()], true));
    }
}

#[test]
fn only_its_own_cursors_are_known() {
    let from = |file: &str| Cursor { file: file.into(), offset: 0 };
    let daily = LogFiles::Daily("logs".into());
    assert!(daily.gave(&from("openclaw-2026-01-30.log")));
    for other in ["", "own.log", "../openclaw-2026-01-30.log", "openclaw-x.log"] {
        assert!(!daily.gave(&from(other)), "{other}");
    }
    let fixed = LogFiles::Fixed("logs/own.log".into());
    assert!(fixed.gave(&from("own.log")) && !fixed.gave(&from("logs/own.log")));
}

#[test]
fn strange_bytes_and_endless_lines_do_no_harm() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("own.log");
    fs::write(&path, [b"\xff\r\n".as_slice(), &vec![b'x'; 200_000], b"\n\n"].concat()).unwrap();
    let lines = LogFiles::Fixed(path.clone()).tail(up_to(9), 0).unwrap().lines;
    assert_eq!(lines.iter().map(String::len).collect::<Vec<_>>(), [3, LONGEST_LINE, 0]);
    fs::write(&path, vec![b'x'; 200_000]).unwrap();
    let tail = LogFiles::Fixed(path.clone()).tail(up_to(9), 0).unwrap();
    assert_eq!((tail.lines.len(), tail.next.offset), (0, 0));
    let mut endless = vec![b'x'; 2 * LONGEST_HELD];
    endless.push(b'\n');
    fs::write(&path, endless).unwrap();
    let beginning = Cursor { file: "own.log".into(), offset: 0 };
    let read = LogFiles::Fixed(path).after(&beginning, up_to(9), 0).unwrap();
    assert_eq!(read.next.offset, 2 * LONGEST_HELD as u64 + 1);
    assert!(read.lines.iter().all(|line| line.len() <= LONGEST_LINE));
    assert_eq!(level_of("{\"level\":30,"), Some(30));
    assert_eq!(
        (level_of("plain"), level_of("{\"level\":999}"), level_of("{\"level\":3")),
        (None, None, None)
    );
}
