//! Times as people say them.

use domain::Timestamp;

const STEPS: [(u64, &str); 4] = [(60, "s"), (60, "m"), (24, "h"), (u64::MAX, "d")];

/// How long ago it was, or how far off it is: `now`, `12s ago`, `3m ago`, `in 2h`.
#[must_use]
pub fn ago(now: Timestamp, at: Timestamp) -> String {
    let (past, future) = (now.since(at).as_secs(), at.since(now).as_secs());
    match (past, future) {
        (0, 0) => "now".to_owned(),
        (0, ahead) => format!("in {}", span(ahead)),
        (behind, _) => format!("{} ago", span(behind)),
    }
}

/// A span of time in its largest whole unit: `45s`, `3m`, `2h`, `9d`.
#[must_use]
pub fn span(seconds: u64) -> String {
    let mut amount = seconds;
    for (size, unit) in STEPS {
        if amount < size {
            return format!("{amount}{unit}");
        }
        amount /= size;
    }
    format!("{amount}d")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_it_in_the_largest_unit() {
        let at = |seconds: i64| ago(Timestamp(0), Timestamp(-seconds * 1_000));
        assert_eq!(
            [0, 1, 59, 60, 3_599, 3_600, 86_399, 86_400, 864_000].map(at),
            [
                "now", "1s ago", "59s ago", "1m ago", "59m ago", "1h ago", "23h ago", "1d ago",
                "10d ago"
            ]
        );
        assert_eq!([-1, -7_300].map(at), ["in 1s", "in 2h"]);
        assert_eq!(span(u64::MAX), "213503982334601d");
    }
}
