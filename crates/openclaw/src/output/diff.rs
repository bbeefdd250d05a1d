//! What changes between two texts, line by line, as `diff` shows it.

/// Lines shown around a change.
const AROUND: usize = 2;

/// The lines that differ, marked `-` and `+`, with a few of those around them. Empty when nothing differs.
///
/// For texts of the size of a configuration: time and memory grow with the product of the lines that differ.
#[must_use]
pub fn diff(before: &str, after: &str) -> String {
    let (old, new): (Vec<_>, Vec<_>) = (before.lines().collect(), after.lines().collect());
    let marked = marked(&old, &new);
    let near = |index: usize| {
        let around = &marked[index.saturating_sub(AROUND)..marked.len().min(index + AROUND + 1)];
        around.iter().any(|(mark, _)| *mark != ' ')
    };
    let mut text = String::new();
    let mut skipped = false;
    for (index, (mark, line)) in marked.iter().enumerate() {
        if near(index) {
            if skipped && !text.is_empty() {
                text.push_str("  ...\n");
            }
            text.push_str(&format!("{mark} {line}\n"));
        }
        skipped = !near(index);
    }
    text
}

/// Every line of both texts, marked by which of them has it; a longest common subsequence has no mark.
fn marked<'t>(old: &[&'t str], new: &[&'t str]) -> Vec<(char, &'t str)> {
    let common = common(old, new);
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            lines.push((' ', old[i]));
            (i, j) = (i + 1, j + 1);
        } else if i < old.len() && (j == new.len() || common[i + 1][j] >= common[i][j + 1]) {
            lines.push(('-', old[i]));
            i += 1;
        } else {
            lines.push(('+', new[j]));
            j += 1;
        }
    }
    lines
}

/// How many lines the two texts have in common from each pair of lines on.
fn common(old: &[&str], new: &[&str]) -> Vec<Vec<usize>> {
    let mut common = vec![vec![0; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] = if old[i] == new[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_lines_are_marked_with_their_neighbours() {
        let before = "{\n  a: 1,\n  b: 2,\n  c: 3,\n  d: 4,\n  e: 5,\n}\n";
        let after = "{\n  a: 1,\n  b: 2,\n  c: 3,\n  d: 40,\n  f: 6,\n  e: 5,\n}\n";
        assert_eq!(
            diff(before, after),
            "  b: 2,\n  c: 3,\n-   d: 4,\n+   d: 40,\n+   f: 6,\n  e: 5,\n  }\n"
                .replace("  b: 2", "    b: 2")
                .replace("  c: 3", "    c: 3")
                .replace("  e: 5", "    e: 5")
        );
    }

    #[test]
    fn texts_that_are_equal_or_empty_differ_in_nothing() {
        assert_eq!(diff("a\nb\n", "a\nb\n"), "");
        assert_eq!(diff("", ""), "");
        assert_eq!(diff("", "a\n"), "+ a\n");
        assert_eq!(diff("a\n", ""), "- a\n");
    }

    #[test]
    fn what_lies_between_two_changes_is_left_out() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let after = "one\n2\n3\n4\n5\n6\n7\n8\nnine\n";
        assert_eq!(diff(before, after), "- 1\n+ one\n  2\n  3\n  ...\n  7\n  8\n- 9\n+ nine\n");
    }
}
