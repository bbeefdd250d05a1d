//! `agents.defaults.cliBackends`: other programs that think, such as Claude Code, run as commands.

use std::collections::BTreeMap;

use domain::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A program that is run for each turn. What is left out stays as that program's own defaults have it:
/// `env` is added to them, everything else replaces them. `claude-cli` is Claude Code and needs no settings;
/// any other name needs a `command`.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CliBackend {
    /// The program: a name in `PATH` or an absolute path.
    #[schemars(length(min = 1))]
    pub command: Option<String>,
    /// Its arguments.
    pub args: Option<Vec<String>>,
    /// Its arguments when an earlier session goes on. Without effect: each call is given the whole
    /// conversation.
    pub resume_args: Option<Vec<String>>,
    /// In which form it answers. `jsonl` are the lines of Claude Code.
    pub output: Option<Output>,
    /// In which form it answers when an earlier session goes on. Without effect.
    pub resume_output: Option<Output>,
    /// How it is given the message. By default on standard input.
    pub input: Option<Input>,
    /// A message longer than this is given on standard input, in characters.
    #[schemars(range(min = 1))]
    pub max_prompt_arg_chars: Option<u32>,
    /// Environment variables that it has, whatever `clearEnv` says.
    #[schemars(with = "BTreeMap<String, String>", extend("writeOnly" = true))]
    pub env: BTreeMap<String, Secret>,
    /// Environment variables that it must not inherit. Of the environment of the service it sees its path,
    /// home, language, time zone, proxies and certificates, and nothing else.
    pub clear_env: Vec<String>,
    /// The argument before the name of a model.
    pub model_arg: Option<String>,
    /// Its own names for models.
    pub model_aliases: BTreeMap<String, String>,
    /// The argument before a session. Without effect.
    pub session_arg: Option<String>,
    /// Arguments that carry a session in several places. Without effect.
    pub session_args: Option<Vec<String>>,
    /// When it is given a session. Without effect: never.
    pub session_mode: Option<SessionMode>,
    /// Fields of its answer in which a session may stand. Without effect.
    pub session_id_fields: Option<Vec<String>>,
    /// The argument before the system prompt; before the path of a file that holds it, if it ends with
    /// `-file`. Without it, the system prompt stands before the message.
    pub system_prompt_arg: Option<String>,
    /// When it is given the system prompt. Each call is the first of a session.
    pub system_prompt_when: Option<SystemPromptWhen>,
    /// The argument before the path of an image. Without effect: images are not answered yet.
    pub image_arg: Option<String>,
    /// Whether that argument is repeated for each image. Without effect.
    pub image_mode: Option<ImageMode>,
    /// Whether only one of it runs at a time. By default as many as there are turns.
    pub serialize: Option<bool>,
    /// After how long without any output it is stopped, in milliseconds.
    #[schemars(range(min = 1))]
    pub no_output_timeout_ms: Option<u64>,
    /// After how long it is stopped in any case, in milliseconds.
    #[schemars(range(min = 1))]
    pub timeout_ms: Option<u64>,
}

/// In which form a program answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Output {
    /// One JSON object at the end.
    Json,
    /// One JSON object per line.
    Jsonl,
    /// Plain text.
    Text,
}

/// How a program is given the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Input {
    /// As its last argument.
    Arg,
    /// On standard input.
    Stdin,
}

/// When a program is given a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SessionMode {
    /// Always; a new one if there is none.
    Always,
    /// When there is one.
    Existing,
    /// Never.
    None,
}

/// When a program is given the system prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SystemPromptWhen {
    /// In the first turn of a session.
    First,
    /// In every turn.
    Always,
    /// Never.
    Never,
}

/// How several images are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ImageMode {
    /// The argument is repeated.
    Repeat,
    /// One argument, with commas.
    List,
}
