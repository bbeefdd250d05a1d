//! A program that answers in a model's place, such as Claude Code: `agents.defaults.cliBackends`.
//!
//! Each call is a fresh process that is given the whole conversation. It keeps no session: whatever instance
//! takes the next turn, and after whatever crash, the answer stands on our own transcript alone. Refuses to
//! let the words of a person be anything but words: no argument, no shell, no command of the program.

mod answer;
mod conversation;
mod environment;
mod line;
mod output;
mod recipe;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use config::Env;
use config::settings::backends::CliBackend as BackendSettings;
use domain::Pulse;
use llm::{Error, EventStream, ProgramError, Provider, Request};
use tempfile::TempDir;

use crate::child::{Child, Order};
use answer::Answer;
use environment::find;
pub use line::Line;
use recipe::Recipe;

/// A configured program.
#[derive(Debug)]
pub struct CliBackend {
    recipe: Arc<Recipe>,
    line: Line,
}

/// What exists as long as one call of the program does.
struct Kept {
    folder: TempDir,
    _place: Option<line::Place>,
}

/// Where the instructions are written for a program that reads them from a file.
const INSTRUCTIONS: &str = "instructions.md";
/// The folder that the program runs in, empty at first.
const WORK: &str = "work";

// === impl CliBackend ===

impl CliBackend {
    /// The programs that need no settings.
    #[must_use]
    pub fn known() -> &'static [&'static str] {
        recipe::KNOWN
    }

    /// A backend with its settings. `env` is the environment of this process, of which the program sees a few
    /// names; `line` is where calls wait for each other when the settings want that, and outlives a change
    /// of settings.
    ///
    /// # Errors
    /// [`ProgramError::Settings`].
    pub fn new(
        id: &str,
        settings: &BackendSettings,
        env: &Env,
        line: Line,
    ) -> Result<Self, ProgramError> {
        Ok(Self { recipe: Arc::new(Recipe::new(id, settings, env)?), line })
    }

    /// Where its program is.
    ///
    /// # Errors
    /// [`ProgramError::Missing`].
    pub fn program(&self) -> Result<PathBuf, ProgramError> {
        let recipe = &self.recipe;
        find(&recipe.command, recipe.path()).ok_or_else(|| recipe.missing())
    }

    /// The settings that are written and have no effect.
    #[must_use]
    pub fn idle_settings(&self) -> &[&'static str] {
        &self.recipe.idle
    }

    fn start(
        &self,
        request: &Request,
        place: Option<line::Place>,
        pulse: Arc<dyn Pulse>,
    ) -> Result<Child, ProgramError> {
        let recipe = &self.recipe;
        let program = self.program()?;
        let failed = |source| recipe.not_started(source);
        let folder = tempfile::Builder::new()
            .prefix("openclaw-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir()
            .map_err(failed)?;
        let work = folder.path().join(WORK);
        std::fs::create_dir(&work).map_err(failed)?;
        let instructions = folder.path().join(INSTRUCTIONS);
        if let Some(text) = recipe.instructions_for_file(request) {
            std::fs::write(&instructions, text).map_err(failed)?;
        }
        let (args, input) = recipe.words(request, &instructions);
        let env = recipe.env.iter().map(|(name, value)| (name.clone(), value.expose().to_owned()));
        let order = Order {
            program,
            args,
            env: env.collect(),
            folder: work,
            input,
            kept: Box::new(Kept { folder, _place: place }),
        };
        Child::start(order, pulse).map_err(failed)
    }
}

#[async_trait]
impl Provider for CliBackend {
    fn id(&self) -> &str {
        &self.recipe.id
    }

    async fn stream(&self, request: Request, pulse: Arc<dyn Pulse>) -> Result<EventStream, Error> {
        let recipe = &self.recipe;
        let place = match recipe.serialize {
            true => Some(self.line.enter(&recipe.id, pulse.as_ref()).await?),
            false => None,
        };
        let model = recipe.model(&request.model)?;
        let child = self.start(&request, place, pulse)?;
        Ok(Answer::new(Arc::clone(recipe), child, model).into_stream())
    }
}

// === impl Kept ===

impl Drop for Kept {
    fn drop(&mut self) {
        tracing::trace!(folder = %self.folder.path().display(), "the folder of a program goes");
    }
}
