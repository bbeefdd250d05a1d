//! Every piece of configuration that the manuals show is accepted and means what it says.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a failure here is the report of the test")]

use std::fs;
use std::path::Path;
use std::time::Duration;

use config::settings::gateway::Mode;
use config::settings::logging::{ConsoleStyle, Level, Redact};
use config::settings::models::Api;
use config::{Bind, ByteSize, Cpus, Env, Loaded, Paths, load};
use domain::queue::{QueueDrop, QueueMode};

fn fixture(name: &str, variables: &[(&str, &str)]) -> Loaded {
    let home = tempfile::tempdir().unwrap();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    let paths = Paths { config: home.path().join("openclaw.json"), state: home.path().to_owned() };
    let text = fs::read_to_string(&from).unwrap();
    fs::write(&paths.config, &text).unwrap();
    let env: Env = variables.iter().copied().collect();
    let loaded = load(&paths, &env).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(
        fs::read_to_string(&paths.config).unwrap(),
        text,
        "{name} was changed by reading it"
    );
    loaded
}

#[test]
fn the_logging_section() {
    let logging = fixture("operations-logging.json5", &[]).config.logging;
    assert_eq!(logging.level, Level::Info);
    assert_eq!(logging.file.as_deref(), Some("/var/log/moltbot/moltbot.log"));
    assert_eq!(logging.console(), Level::Warn);
    assert_eq!(logging.console_style, ConsoleStyle::Compact);
    assert_eq!(logging.redact_sensitive, Redact::Tools);
    assert_eq!(logging.max_files, 14);
    let quiet = fixture("operations-logging-quiet.json5", &[]).config.logging;
    assert_eq!((quiet.level, quiet.console()), (Level::Warn, Level::Error));
}

#[test]
fn the_token_comes_from_the_environment() {
    let name = "operations-token.json5";
    let loaded = fixture(name, &[("CLAWDBOT_GATEWAY_TOKEN", "from-outside")]);
    assert_eq!(loaded.config.gateway.auth.token.unwrap().expose(), "from-outside");
    let without = fixture(name, &[]);
    assert_eq!(without.config.gateway.auth.token, None);
    let warned = without.warnings.iter().any(|warning| {
        warning.path.to_string() == "gateway.auth.token"
            && warning.message.contains("CLAWDBOT_GATEWAY_TOKEN is not set")
    });
    assert!(warned, "{:?}", without.warnings);
}

#[test]
fn the_gateway_listens_on_this_machine_alone() {
    let gateway = fixture("operations-network.json5", &[]).config.gateway;
    assert_eq!((gateway.bind, gateway.port), (Bind::Loopback, 18_789));
    assert!(gateway.address().is_loopback());
}

#[test]
fn the_queue_collects_with_a_pause() {
    let queue = fixture("operations-queue.json5", &[]).config.messages.queue;
    let policy = queue.policy("telegram");
    assert_eq!(policy.mode, QueueMode::Collect);
    assert_eq!(policy.debounce, Duration::from_secs(1));
    assert_eq!((policy.cap, policy.drop), (20, QueueDrop::Summarize));
}

#[test]
fn the_sandbox_has_its_limits() {
    let docker = fixture("operations-sandbox.json5", &[]).config.agents.defaults.sandbox.docker;
    assert_eq!(docker.processors(), Cpus(2.0));
    assert_eq!(docker.memory_bytes(), ByteSize(2 << 30));
    assert_eq!((docker.network.as_str(), docker.read_only_root), ("none", true));
}

#[test]
fn a_command_backend_keeps_its_environment() {
    let defaults = fixture("proxy-backend.json", &[]).config.agents.defaults;
    let env = &defaults.cli_backends["claude-cli"].env;
    assert_eq!(env["ANTHROPIC_BASE_URL"].expose(), "http://localhost:8082");
    assert_eq!(env["ANTHROPIC_API_KEY"].expose(), "cloudru-proxy-key");
    let rolled_back = fixture("proxy-rollback-backend.json5", &[]).config.agents.defaults;
    assert!(rolled_back.cli_backends["claude-cli"].env.is_empty());
}

#[test]
fn a_provider_with_its_models() {
    let config = fixture("proxy-provider.json5", &[("CLOUDRU_API_KEY", "key-1")]).config;
    let provider = &config.models.providers["cloudru-fm"];
    assert_eq!(provider.api, Some(Api::OpenaiCompletions));
    assert_eq!(provider.api_key.as_ref().unwrap().expose(), "key-1");
    let model = provider.model("zai-org/GLM-4.7").unwrap();
    assert_eq!(model.context_window, Some(200_000));
    let choice = config.agents.defaults.model.unwrap();
    assert_eq!(choice.primary().unwrap().split(), Some(("cloudru-fm", "zai-org/GLM-4.7")));
    assert_eq!(choice.fallbacks().len(), 1);
}

#[test]
fn a_provider_that_was_emptied_is_borne() {
    let config = fixture("proxy-rollback-provider.json5", &[]).config;
    assert!(config.models.providers["cloudru-fm"].models.is_empty());
}

#[test]
fn a_client_behind_its_proxy() {
    let gateway = fixture("client.json", &[]).config.gateway;
    assert_eq!((gateway.port, gateway.mode), (18_789, Mode::Local));
    assert!(gateway.trusts("127.0.0.1".parse().unwrap()) && gateway.trusts("::1".parse().unwrap()));
    assert!(!gateway.trusts("10.0.0.1".parse().unwrap()));
}

#[test]
fn a_client_with_a_model_for_each_channel_and_a_hook() {
    let variables = [("OPENCLAW_GATEWAY_TOKEN", "t"), ("HOOKS_TOKEN", "h")];
    let config = fixture("client-template.json5", &variables).config;
    let haiku = "anthropic/claude-haiku-4-5";
    for place in [&config.model_by_channel, &config.channels.model_by_channel] {
        assert_eq!(place.model("whatsapp", "anybody").unwrap().as_str(), haiku);
        assert_eq!(place.model("telegram", "-1001").unwrap().as_str(), "anthropic/claude-opus-4-6");
        assert_eq!(place.model("telegram", "5").unwrap().as_str(), haiku);
        assert_eq!(place.model("web", "main"), None);
    }
    let hook = &config.hooks.internal.handlers[0];
    assert_eq!(hook.event, "message:received");
    assert_eq!(config.channels.whatsapp.unwrap().phone.allow_from.len(), 2);
}
