//! How a program is called: its own defaults with the settings over them, made into arguments and input.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::time::Duration;

use config::Env;
use config::settings::backends::{
    CliBackend as Settings, Input, Output, SessionMode, SystemPromptWhen,
};
use domain::Secret;
use domain::text::{FIELD_LIMIT, one_line};
use llm::{Error, ProgramError, Request};

use super::{conversation, environment};

/// The programs that need no settings.
pub(super) const KNOWN: &[&str] = &["claude-cli"];

/// How one program is called.
#[derive(Debug)]
pub(super) struct Recipe {
    pub(super) id: String,
    pub(super) command: String,
    args: Vec<String>,
    pub(super) output: Output,
    input: Input,
    largest_arg: usize,
    pub(super) env: Vec<(String, Secret)>,
    secrets: Vec<Secret>,
    model_arg: Option<String>,
    aliases: Vec<(String, String)>,
    system_arg: Option<String>,
    system: bool,
    pub(super) serialize: bool,
    pub(super) silence: Option<Duration>,
    pub(super) total: Option<Duration>,
    remedy: String,
    /// Settings that are written and have no effect.
    pub(super) idle: Vec<&'static str>,
}

/// Claude Code without its tools, its own settings, skills and sessions. Who writes to the agent is a stranger:
/// what a stranger may do on this machine is for the operator to grant, in `args`.
const CLAUDE_ARGS: &[&str] = &[
    "-p",
    "--output-format",
    "stream-json",
    "--include-partial-messages",
    "--verbose",
    "--tools",
    "",
    "--strict-mcp-config",
    "--setting-sources",
    "",
    "--disable-slash-commands",
    "--no-session-persistence",
];
/// The first keeps it from reading files that a message names. It is not to update itself in the middle of the
/// day, and trying again is for whoever can also ask another model.
const CLAUDE_ENV: &[(&str, &str)] = &[
    ("CLAUDE_CODE_DISABLE_ATTACHMENTS", "1"),
    ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
    ("CLAUDE_CODE_MAX_RETRIES", "0"),
    ("DISABLE_AUTOUPDATER", "1"),
];
/// Its own login.
const CLAUDE_PASSED: &[&str] = &["CLAUDE_CONFIG_DIR", "CLAUDE_CODE_OAUTH_TOKEN"];
const CLAUDE_REMEDY: &str = "install Claude Code with `npm install -g @anthropic-ai/claude-code`, or give its path in \
     agents.defaults.cliBackends.claude-cli.command";

/// Longest argument, in bytes; Linux takes 128 KiB (`MAX_ARG_STRLEN`).
const LARGEST_ARG: usize = 96 * 1024;
/// Values shorter than this are not searched for in what a program prints.
const SHORTEST_SECRET: usize = 8;

// === impl Recipe ===

impl Recipe {
    pub(super) fn new(id: &str, settings: &Settings, env: &Env) -> Result<Self, ProgramError> {
        let known = id == "claude-cli";
        let of_program = |value: &'static str| known.then(|| value.to_owned());
        let refused = |message: &str| ProgramError::Settings {
            provider: id.to_owned(),
            message: message.to_owned(),
        };
        let command = settings.command.clone().or_else(|| of_program("claude"));
        let command = command.ok_or_else(|| refused("no command is given"))?;
        if command.is_empty() || (command.contains('/') && !command.starts_with('/')) {
            return Err(refused("the command is neither a name nor an absolute path"));
        }
        let own_args = || CLAUDE_ARGS.iter().filter(|_| known).map(|arg| (*arg).to_owned());
        let args = settings.args.clone().unwrap_or_else(|| own_args().collect());
        let every = || args.iter().chain(settings.env.keys());
        if every().any(|text| text.contains('\0')) || settings.env.keys().any(|n| n.contains('=')) {
            return Err(refused("args or env hold a NUL, or a name in env holds ="));
        }
        let own_env = CLAUDE_ENV.iter().filter(|_| known).map(|(k, v)| (*k, Secret::new(*v)));
        let given = settings.env.iter().map(|(name, value)| (name.as_str(), value.clone()));
        let passed = if known { CLAUDE_PASSED } else { &[] };
        Ok(Self {
            id: id.to_owned(),
            output: settings.output.unwrap_or(if settings.args.is_some() || !known {
                written_output(&args)
            } else {
                Output::Jsonl
            }),
            input: settings.input.unwrap_or(Input::Stdin),
            largest_arg: settings.max_prompt_arg_chars.map_or(LARGEST_ARG, |most| most as usize),
            env: environment::environment(env, passed, &settings.clear_env, own_env.chain(given)),
            secrets: secrets(settings),
            model_arg: settings.model_arg.clone().or_else(|| of_program("--model")),
            aliases: settings.model_aliases.clone().into_iter().collect(),
            system_arg: settings
                .system_prompt_arg
                .clone()
                .or_else(|| of_program("--system-prompt-file")),
            system: settings.system_prompt_when != Some(SystemPromptWhen::Never),
            serialize: settings.serialize.unwrap_or(false),
            silence: settings.no_output_timeout_ms.map(Duration::from_millis),
            total: settings.timeout_ms.map(Duration::from_millis),
            remedy: if known {
                CLAUDE_REMEDY.to_owned()
            } else {
                format!("install it, or correct agents.defaults.cliBackends.{id}.command")
            },
            idle: idle(settings),
            command,
            args,
        })
    }

    /// Where it looks for programs, and is looked for.
    pub(super) fn path(&self) -> &str {
        let path = self.env.iter().find(|(name, _)| name == "PATH");
        path.map(|(_, value)| value.expose()).unwrap_or_default()
    }

    /// The program's own name for a model.
    pub(super) fn model(&self, asked: &str) -> Result<String, Error> {
        let alias = self.aliases.iter().find(|(name, _)| name == asked);
        let model = alias.map_or(asked, |(_, model)| model);
        if model.starts_with('-') || model.contains('\0') {
            return Err(Error::NotFound {
                provider: self.id.clone(),
                model: one_line(model, FIELD_LIMIT),
                message: "no model has such a name".to_owned(),
            });
        }
        Ok(model.to_owned())
    }

    /// The instructions, for a program that wants them in a file.
    pub(super) fn instructions_for_file(&self, request: &Request) -> Option<String> {
        let in_file = self.system_arg.as_ref().is_some_and(|arg| arg.ends_with("-file"));
        in_file.then(|| self.instructions(request)).flatten()
    }

    /// Arguments and input. The instructions go where the program takes them, and where that is nowhere or
    /// they are too long for an argument, before the conversation.
    pub(super) fn words(
        &self,
        request: &Request,
        instructions_file: &Path,
    ) -> (Vec<OsString>, Vec<u8>) {
        let mut args: Vec<OsString> = self.args.iter().map(OsString::from).collect();
        if let (Some(arg), Ok(model)) = (&self.model_arg, self.model(&request.model))
            && !model.is_empty()
        {
            args.extend([arg.into(), model.into()]);
        }
        let mut text = conversation::text(&request.turns);
        match (self.instructions(request), &self.system_arg) {
            (None, _) => {}
            (Some(_), Some(arg)) if arg.ends_with("-file") => {
                args.extend([arg.into(), instructions_file.into()]);
            }
            (Some(instructions), Some(arg)) if fits(&instructions, LARGEST_ARG) => {
                args.extend([arg.into(), instructions.into()]);
            }
            (Some(instructions), _) => {
                text = format!("Your instructions:\n\n{instructions}\n\n{text}");
            }
        }
        match self.input {
            Input::Arg if text.chars().count() <= self.largest_arg && fits(&text, LARGEST_ARG) => {
                args.push(text.into());
                (args, Vec::new())
            }
            _ => (args, text.into_bytes()),
        }
    }

    /// What the program says: one line, without what was put into its environment.
    pub(super) fn safe(&self, text: &str) -> String {
        let mut text = text.trim().to_owned();
        for secret in &self.secrets {
            if text.contains(secret.expose()) {
                text = text.replace(secret.expose(), "***");
            }
        }
        one_line(&text, FIELD_LIMIT)
    }

    pub(super) fn missing(&self) -> ProgramError {
        let (provider, remedy) = (self.id.clone(), self.remedy.clone());
        ProgramError::Missing { provider, command: self.command.clone(), remedy }
    }

    pub(super) fn not_started(&self, source: io::Error) -> ProgramError {
        ProgramError::Start { provider: self.id.clone(), command: self.command.clone(), source }
    }

    pub(super) fn unreadable(&self, message: &str) -> ProgramError {
        ProgramError::Unreadable { provider: self.id.clone(), message: self.safe(message) }
    }

    fn instructions(&self, request: &Request) -> Option<String> {
        let text = request.system.join("\n\n").replace('\0', "");
        (self.system && !text.trim().is_empty()).then_some(text)
    }
}

/// What the arguments say about the output, for somebody who writes no `output`.
fn written_output(args: &[String]) -> Output {
    let format = args.windows(2).find(|pair| pair[0] == "--output-format");
    match format.map(|pair| pair[1].as_str()) {
        Some("json") => Output::Json,
        Some("stream-json") => Output::Jsonl,
        _ => Output::Text,
    }
}

fn secrets(settings: &Settings) -> Vec<Secret> {
    settings.env.values().filter(|value| value.expose().len() >= SHORTEST_SECRET).cloned().collect()
}

/// Sessions and pictures: no call goes on with an earlier session, and no picture is asked about.
fn idle(settings: &Settings) -> Vec<&'static str> {
    let written = [
        ("resumeArgs", settings.resume_args.is_some()),
        ("resumeOutput", settings.resume_output.is_some()),
        ("sessionArg", settings.session_arg.is_some()),
        ("sessionArgs", settings.session_args.is_some()),
        ("sessionMode", settings.session_mode.is_some_and(|mode| mode != SessionMode::None)),
        ("sessionIdFields", settings.session_id_fields.is_some()),
        ("imageArg", settings.image_arg.is_some()),
        ("imageMode", settings.image_mode.is_some()),
    ];
    written.into_iter().filter_map(|(name, is_written)| is_written.then_some(name)).collect()
}

fn fits(text: &str, limit: usize) -> bool {
    text.len() <= limit
}
