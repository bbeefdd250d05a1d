//! How a program is called: what it is given, and what it cannot see.

use agent::CliBackend;
use agent::backend::Line;
use config::settings::backends::{CliBackend as Settings, Input, Output, SystemPromptWhen};
use domain::Secret;
use llm::ProgramError;

use crate::stage::{ask, environment, settings, words};

fn text(settings: Settings) -> Settings {
    Settings { output: Some(Output::Text), ..settings }
}

async fn said(settings: Settings, question: &str) -> String {
    words(&ask(&text(settings), question).await.unwrap())
}

#[tokio::test]
async fn claude_code_is_called_without_tools_sessions_or_settings_of_its_own() {
    let args = said(settings("arguments", &[]), "hi").await;
    let (fixed, rest) = args.split_once("[--model]").unwrap();
    let expected = "[-p]\n[--output-format]\n[stream-json]\n[--include-partial-messages]\n[--verbose]\n\
        [--tools]\n[]\n[--strict-mcp-config]\n[--setting-sources]\n[]\n[--disable-slash-commands]\n\
        [--no-session-persistence]\n";
    assert_eq!(fixed, expected);
    assert!(rest.starts_with("\n[opus]\n[--system-prompt-file]\n[/"), "{rest}");
}

#[tokio::test]
async fn settings_take_the_place_of_its_own() {
    let custom = Settings {
        args: Some(vec!["run".to_owned()]),
        input: Some(Input::Arg),
        model_arg: Some("-m".to_owned()),
        model_aliases: [("opus".to_owned(), "best".to_owned())].into(),
        system_prompt_arg: Some("--system".to_owned()),
        ..settings("arguments", &[])
    };
    let args = said(custom.clone(), "-rf").await;
    let expected = "[run]\n[-m]\n[best]\n[--system]\n[You are Zoe.]\n[The conversation so far";
    assert!(args.starts_with(expected), "{args}");
    assert!(args.contains(r#"{"from":"person","text":"-rf"}"#), "{args}");

    let short = Settings { max_prompt_arg_chars: Some(10), ..custom.clone() };
    assert!(!said(short, "-rf").await.contains("conversation"), "it went to standard input");
    let untold = Settings { system_prompt_when: Some(SystemPromptWhen::Never), ..custom };
    assert!(!said(untold, "-rf").await.contains("Zoe"));
}

#[tokio::test]
async fn a_sentinel_key_reaches_it_although_the_name_is_cleared() {
    let given = [
        ("ANTHROPIC_BASE_URL", "http://localhost:8082"),
        ("ANTHROPIC_API_KEY", "cloudru-proxy-key"),
    ];
    let cleared = ["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY"];
    let settings = Settings {
        clear_env: cleared.iter().map(|name| (*name).to_owned()).collect(),
        ..settings("environment", &given)
    };
    let env = said(settings, "hi").await;
    assert!(env.contains("ANTHROPIC_API_KEY=cloudru-proxy-key\n"), "{env}");
    assert!(env.contains("ANTHROPIC_BASE_URL=http://localhost:8082\n"), "{env}");
    assert!(!env.contains("OPENAI_API_KEY") && !env.contains("not-for-you"), "{env}");
}

#[tokio::test]
async fn keys_of_the_service_are_not_its_business() {
    let env = said(settings("environment", &[]), "hi").await;
    assert!(!env.contains("not-for-you") && !env.contains("ours"), "{env}");
    assert!(env.contains("CLAUDE_CODE_DISABLE_ATTACHMENTS=1\n"), "{env}");
}

#[tokio::test]
async fn it_runs_in_an_empty_folder_that_is_its_own() {
    let text = said(settings("folder", &[]), "hi").await;
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].ends_with("/work"), "{text}");
    assert_eq!(lines[1..], [".", "..", "700", "You are Zoe."]);
    let other = said(settings("folder", &[]), "hi").await;
    assert_ne!(lines[0], other.lines().next().unwrap());
}

#[tokio::test]
async fn a_long_conversation_goes_in_while_words_come_out() {
    let question = "я".repeat(1_000_000);
    let answer = said(settings("echo", &[]), &question).await;
    assert!(answer.contains(&question), "{} bytes", answer.len());
}

#[test]
fn settings_that_cannot_be_are_refused() {
    let new = |settings: &Settings, id| {
        CliBackend::new(id, settings, &environment(), Line::default()).map(drop)
    };
    let command = |text: &str| Settings { command: Some(text.to_owned()), ..Settings::default() };
    let env = Settings { env: [("A=B".to_owned(), Secret::new("x"))].into(), ..command("x") };
    for settings in [Settings::default(), command(""), command("./claude"), env] {
        let refused = new(&settings, "other").unwrap_err();
        assert!(matches!(refused, ProgramError::Settings { .. }), "{refused}");
    }
    new(&Settings::default(), "claude-cli").unwrap();
    new(&command("llama"), "other").unwrap();
}

#[test]
fn settings_without_effect_are_named() {
    let settings = Settings {
        resume_args: Some(Vec::new()),
        session_arg: Some("--session-id".to_owned()),
        ..Settings::default()
    };
    let backend =
        CliBackend::new("claude-cli", &settings, &environment(), Line::default()).unwrap();
    assert_eq!(backend.idle_settings(), ["resumeArgs", "sessionArg"]);
}
