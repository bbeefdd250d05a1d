//! Taking up changes of the configuration file while running: says what became of each, and sets the levels of
//! the log at once. An edit that cannot be used changes nothing.

use config::{KeyPath, Standing, Watch};
use tokio::task::JoinSet;

use crate::installation::log_levels;
use crate::logging::Levels;

/// Begins to tell what becomes of changes. It ends when the returned set is dropped.
pub fn start(watch: &Watch, levels: Levels, verbose: bool) -> JoinSet<()> {
    let (config, mut standing) = (watch.config(), watch.standing());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        tell(&standing.borrow_and_update());
        while standing.changed().await.is_ok() {
            // The levels first, so that what is told is told at the new ones.
            let (file, console) = log_levels(&config.borrow(), verbose);
            levels.set(file, console);
            tell(&standing.borrow_and_update());
        }
    });
    tasks
}

fn tell(standing: &Standing) {
    let Standing { problem, warnings, taken, restart } = standing;
    let names = |paths: &[KeyPath]| {
        let names: Vec<String> = paths.iter().map(ToString::to_string).collect();
        names.join(", ")
    };
    if let Some(problem) = problem {
        let error: &dyn std::error::Error = problem.as_ref();
        tracing::error!(error, "the configuration file cannot be used; the one before it goes on");
        return;
    }
    for warning in warnings {
        tracing::warn!(%warning, "doubtful in the configuration");
    }
    if !taken.is_empty() {
        tracing::info!(settings = names(taken), "took up a change of the configuration");
    }
    if !restart.is_empty() {
        tracing::warn!(settings = names(restart), "a change of the configuration needs a restart");
    }
}
