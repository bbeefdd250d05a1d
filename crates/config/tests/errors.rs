//! What a reader is told when the configuration is wrong, word for word.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a failure here is the report of the test")]

use std::fs;

use config::{Env, Loaded, Paths, load};
use domain::{Coded, Kind};

struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self { folder }
    }

    fn load(&self, env: &[(&str, &str)]) -> Result<Loaded, config::Error> {
        let state = self.folder.path().to_owned();
        let paths = Paths { config: state.join("openclaw.json"), state };
        load(&paths, &env.iter().copied().collect::<Env>())
    }
}

fn problems_of(files: &[(&str, &str)], env: &[(&str, &str)]) -> Vec<String> {
    match Home::new(files).load(env) {
        Ok(_) => panic!("{files:?} was accepted"),
        Err(error) => error.problems().iter().map(ToString::to_string).collect(),
    }
}

fn problems(text: &str) -> Vec<String> {
    problems_of(&[("openclaw.json", text)], &[])
}

fn warnings(text: &str, env: &[(&str, &str)]) -> Vec<String> {
    let loaded = Home::new(&[("openclaw.json", text)]).load(env).unwrap();
    let about_settings = loaded.warnings.iter().filter(|warning| !warning.path.is_root());
    about_settings.map(ToString::to_string).collect()
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let text = r#"{
  gateway: {
    prot: 18789,
    bind: "everywhere",
    trustedProxies: ["127.0.0.1", "proxy"],
    auth: "secret",
  },
  loging: {},
  logging: { level: "inof", maxFiles: 0 },
  messages: { queue: { debounceMs: "1s", cap: 1.5, drop: "all" } },
  zebra: 1,
  models: { providers: { mine: { models: [{ name: "x" }] } } },
}"#;
    assert_eq!(
        problems(text),
        [
            "openclaw.json:3:5: gateway.prot: unknown key; did you mean \"port\"?",
            "openclaw.json:4:11: gateway.bind: wants loopback, lan, auto, custom or an IP address",
            "openclaw.json:5:35: gateway.trustedProxies[1]: wants an IP address or a network like 10.0.0.0/8",
            "openclaw.json:6:11: gateway.auth: wants an object, not text",
            "openclaw.json:8:3: loging: unknown key; did you mean \"logging\"?",
            "openclaw.json:9:21: logging.level: \"inof\" is none of: silent, fatal, error, warn, info, debug, trace; did you mean \"info\"?",
            "openclaw.json:9:39: logging.maxFiles: 0 is too small; at least 1",
            "openclaw.json:10:36: messages.queue.debounceMs: wants a whole number, not text",
            "openclaw.json:10:47: messages.queue.cap: wants a whole number, not a fraction",
            "openclaw.json:10:58: messages.queue.drop: \"all\" is none of: summarize, old, new",
            "openclaw.json:11:3: zebra: unknown key; known here: $schema, gateway, logging, messages, concurrency, agents, models, budgets, channels, modelByChannel, hooks, store, meta, wizard",
            "openclaw.json:12:43: models.providers.mine.models[0]: \"id\" is missing",
        ]
    );
}

#[test]
fn the_whole_error_names_the_file() {
    let home = Home::new(&[("openclaw.json", "{ gateway: { port: 70000 } }")]);
    let error = home.load(&[]).unwrap_err();
    let path = home.folder.path().join("openclaw.json");
    assert_eq!(
        error.to_string(),
        format!(
            "{} cannot be used: 1 problem\n  openclaw.json:1:20: gateway.port: 70000 is too large; at most 65535",
            path.display()
        )
    );
    assert_eq!((error.code(), error.kind()), ("config-invalid", Kind::Invalid));
}

#[test]
fn faults_of_grammar_have_their_place() {
    assert_eq!(
        problems("{\n  gateway: { port: 1, port: 2 },\n  logging: { maxFiles: NaN },\n}"),
        [
            "openclaw.json:2:23: the key \"port\" is here a second time (first on line 2); remove one",
            "openclaw.json:3:24: NaN is not a number that can be used",
        ]
    );
    assert_eq!(problems(""), ["openclaw.json:1:1: nothing is here; write at least {}"]);
    assert_eq!(problems("[]"), ["openclaw.json:1:1: wants an object, not a list"]);
    assert_eq!(
        problems("{ \"имя\": \"ё\", gateway 1 }"),
        ["openclaw.json:1:23: expected a colon behind the key, found \"1\""]
    );
    let deep = format!("{{a: {}1{}}}", "[".repeat(64), "]".repeat(64));
    assert_eq!(problems(&deep), ["openclaw.json:1:68: nested more than 64 deep"]);
}

#[test]
fn files_that_are_no_text_or_too_large_are_refused() {
    let home = Home::new(&[("openclaw.json", &format!("{{}}{}", " ".repeat(1 << 20)))]);
    let shown = |home: &Home| home.load(&[]).unwrap_err().problems()[0].to_string();
    assert_eq!(
        shown(&home),
        "openclaw.json:1:1: the file is larger than 1 MiB; split it with $include"
    );
    fs::write(home.folder.path().join("openclaw.json"), b"{\xff}").unwrap();
    assert_eq!(shown(&home), "openclaw.json:1:1: the file is not UTF-8 text; save it as UTF-8");
}

#[test]
fn what_must_hold_between_settings() {
    for (text, expected) in [
        (
            "{ gateway: { bind: 'lan', auth: { mode: 'none' } } }",
            "openclaw.json:1:41: gateway.auth.mode: \"none\" is refused while gateway.bind reaches beyond this machine; use \"token\"",
        ),
        (
            "{ gateway: { bind: 'custom' } }",
            "openclaw.json:1:12: gateway.customBindHost: is missing; bind: \"custom\" needs an address here",
        ),
        (
            "{ hooks: { enabled: true, token: ' ' } }",
            "openclaw.json:1:34: hooks.token: is missing; hooks are not served without one",
        ),
        (
            "{ modelByChannel: { web: 'a/b' }, channels: { modelByChannel: { web: 'a/c' } } }",
            "openclaw.json:1:26: modelByChannel.web: says something else than channels.modelByChannel.web; keep one of the two",
        ),
        (
            "{ agents: { defaults: { model: 'opus' } } }",
            "openclaw.json:1:32: agents.defaults.model: names no provider; write provider/model, for example anthropic/claude-haiku-4-5",
        ),
        (
            "{ agents: { list: [{ id: 'admin' }] } }",
            "openclaw.json:1:26: agents.list[0].id: the name \"admin\" is reserved; choose another",
        ),
        (
            "{ models: { providers: { x: { api: 'openai-completions' } } } }",
            "openclaw.json:1:29: models.providers.x.baseUrl: is missing; this provider needs one",
        ),
        (
            "{ models: { providers: { x: { api: 'openai-responses' } } } }",
            "openclaw.json:1:36: models.providers.x.api: \"openai-responses\" is none of: openai-completions, anthropic-messages",
        ),
        (
            "{ agents: { defaults: { sandbox: { docker: { network: 'host' } } } } }",
            "openclaw.json:1:55: agents.defaults.sandbox.docker.network: shares a network that a sandbox must not see; use \"none\" or \"bridge\"",
        ),
        (
            "{ agents: { defaults: { sandbox: { docker: { cpus: 1, cpuLimit: '2' } } } } }",
            "openclaw.json:1:52: agents.defaults.sandbox.docker.cpus: says something else than cpuLimit; keep one",
        ),
        (
            "{ channels: { telegram: { dmPolicy: 'open' } } }",
            "openclaw.json:1:25: channels.telegram.allowFrom: must contain \"*\" when dmPolicy is \"open\"",
        ),
        (
            "{ channels: { telegram: { webhookUrl: 'https://a.b/c' } } }",
            "openclaw.json:1:25: channels.telegram.webhookSecret: is missing; without it anybody could send to webhookUrl",
        ),
        (
            "{ store: { url: 'mysql://u:hunter2@h/db' } }",
            "openclaw.json:1:17: store.url: wants an address that begins with postgres:// or postgresql://",
        ),
    ] {
        assert_eq!(problems(text), [expected], "{text}");
    }
}

#[test]
fn a_missing_variable_is_a_warning_and_nothing_else() {
    let text = "{ hooks: { enabled: true, token: '${HOOKS}' },
  models: { providers: { x: { baseUrl: 'http://${HOST}/v1', api: 'openai-completions', models: [{ id: '${MODEL}' }] } } } }";
    let said = |key: &str, place: &str, name: &str| {
        format!(
            "openclaw.json:{place}: {key}: the environment variable {name} is not set, so this counts as \
             not written; set it, or write $${{{name}}} for the text itself"
        )
    };
    assert_eq!(
        warnings(text, &[]),
        [
            said("hooks.token", "1:34", "HOOKS"),
            said("models.providers.x.baseUrl", "2:40", "HOST"),
            said("models.providers.x.models[0].id", "2:103", "MODEL"),
        ]
    );
    let home = Home::new(&[("openclaw.json", text)]);
    let config = home.load(&[("HOST", "h")]).unwrap().config;
    assert_eq!(config.models.providers["x"].base_url.as_deref(), Some("http://h/v1"));
    assert_eq!(config.hooks.token, None);
}

#[test]
fn the_environment_overrides_and_is_checked_as_well() {
    let home = Home::new(&[("openclaw.json", "{ gateway: { port: 1, auth: { token: 'a' } } }")]);
    let loaded = home
        .load(&[
            ("OPENCLAW_GATEWAY_PORT", "2"),
            ("CLAWDBOT_GATEWAY_TOKEN", "old"),
            ("OPENCLAW_GATEWAY_TOKEN", "new"),
            ("OPENCLAW_DATABASE_URL", "postgres://h/db"),
        ])
        .unwrap();
    assert_eq!(loaded.config.gateway.port, 2);
    assert_eq!(loaded.config.gateway.auth.token.unwrap().expose(), "new");
    assert_eq!(loaded.config.store.url.unwrap().expose(), "postgres://h/db");
    assert_eq!(
        problems_of(&[], &[("OPENCLAW_GATEWAY_PORT", "http")]),
        [
            "environment variable OPENCLAW_GATEWAY_PORT: gateway.port: wants a whole number, not text"
        ]
    );
}

#[test]
fn no_secret_is_in_a_message() {
    let texts = [
        "{ gateway: { auth: { token: 'hunter2', tokn: 'hunter2' } } }",
        "{ gateway: { auth: { token: ['hunter2'] } } }",
        "{ models: { providers: { x: { apiKey: { id: 'hunter2' }, baseUrl: 'hunter2' } } } }",
        "{ store: { url: 'hunter2' } }",
        "{ logging: { level: '${SECRET}' }, gateway: { bind: '${SECRET}' } }",
    ];
    for text in texts {
        let error =
            Home::new(&[("openclaw.json", text)]).load(&[("SECRET", "hunter2")]).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
    let fine = "{ gateway: { auth: { token: 'hunter2' } } }";
    let loaded = Home::new(&[("openclaw.json", fine)]).load(&[]).unwrap();
    assert!(!format!("{loaded:?}").contains("hunter2"));
}

#[test]
fn what_is_doubtful_is_a_warning() {
    let text = "{ hooks: { enabled: true, token: 'same' }, gateway: { auth: { token: 'same' } },
  agents: { defaults: { sandbox: { docker: { image: 'debian' } } } } }";
    assert_eq!(
        warnings(text, &[]),
        [
            "openclaw.json:1:34: hooks.token: is the same as gateway.auth.token; give hooks one of their own",
            "openclaw.json:2:53: agents.defaults.sandbox.docker.image: can change by itself; name a version or a digest",
        ]
    );
}

#[test]
fn included_files_are_merged_below_what_includes_them() {
    let files = [
        (
            "openclaw.json",
            "{ $include: ['a.json5', './parts/b.json5'], gateway: { port: 3 }, agents: { list: { $include: 'list.json' } } }",
        ),
        ("a.json5", "{ gateway: { port: 1, bind: 'lan', trustedProxies: ['10.0.0.1'] } }"),
        (
            "parts/b.json5",
            "{ $include: 'c.json5', gateway: { port: 2, trustedProxies: ['${PROXY}'] } }",
        ),
        ("parts/c.json5", "{ logging: { level: 'warn' } }"),
        ("list.json", "[{ \"id\": \"main\" }]"),
    ];
    let loaded = Home::new(&files).load(&[("PROXY", "10.0.0.2")]).unwrap();
    let config = loaded.config;
    assert_eq!((config.gateway.port, config.gateway.trusted_proxies.len()), (3, 2));
    assert!(config.gateway.trusts("10.0.0.2".parse().unwrap()));
    assert_eq!(config.logging.level, config::settings::logging::Level::Warn);
    assert_eq!(config.agents.list[0].id, "main");
    assert_eq!(loaded.files.len(), 5);
}

#[test]
fn a_problem_in_an_included_file_names_that_file() {
    let files = [
        (
            "openclaw.json",
            "{ gateway: { $include: 'parts/g.json5' }, $include: ['parts/x.json5', 7] }",
        ),
        ("parts/g.json5", "{\n prot: 1 }"),
        ("parts/x.json5", "{ logging: }"),
    ];
    assert_eq!(
        problems_of(&files, &[]),
        [
            "openclaw.json:1:71: $include: wants the name of a file",
            "parts/x.json5:1:12: expected a value, found \"}\"",
            "parts/g.json5:2:2: gateway.prot: unknown key; did you mean \"port\"?",
        ]
    );
}

#[test]
fn an_include_never_leaves_its_folder_or_runs_in_circles() {
    let outside = tempfile::NamedTempFile::new().unwrap();
    let outside = outside.path().to_str().unwrap();
    let first = |files: &[(&str, &str)]| problems_of(files, &[]).remove(0);
    for (name, reason) in [
        (outside, "is outside the folder of the configuration; move it inside"),
        ("openclaw.json", "includes itself, directly or through others"),
        ("parts", "is not a regular file"),
    ] {
        let text = format!("{{ $include: {name:?} }}");
        let files = [("openclaw.json", text.as_str()), ("parts/b", "{}")];
        assert_eq!(first(&files), format!("openclaw.json:1:13: $include: {name} {reason}"));
    }
    assert_eq!(
        first(&[("openclaw.json", "{ $include: '../x' }")]),
        "openclaw.json:1:13: $include: there is no file ../x"
    );
    let circle = [
        ("openclaw.json", "{ $include: 'a' }"),
        ("a", "{ $include: 'b' }"),
        ("b", "{ $include: 'a' }"),
    ];
    assert_eq!(first(&circle), "b:1:13: $include: a includes itself, directly or through others");
    let chain: Vec<(String, String)> = (0..12)
        .map(|at| {
            let name = if at == 0 { "openclaw.json".to_owned() } else { at.to_string() };
            (name, format!("{{ $include: '{}' }}", at + 1))
        })
        .collect();
    let chain: Vec<(&str, &str)> =
        chain.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    assert_eq!(first(&chain), "10:1:13: $include: 11 is included through more than 10 files");
}

#[cfg(unix)]
#[test]
fn a_link_does_not_lead_out_of_the_folder() {
    let outside = Home::new(&[("secret.json5", "{ logging: { level: 'warn' } }")]);
    let home = Home::new(&[("openclaw.json", "{ $include: 'link.json5' }")]);
    let (from, to) =
        (home.folder.path().join("link.json5"), outside.folder.path().join("secret.json5"));
    std::os::unix::fs::symlink(to, from).unwrap();
    assert_eq!(
        home.load(&[]).unwrap_err().problems()[0].to_string(),
        "openclaw.json:1:13: $include: link.json5 is outside the folder of the configuration; move it inside"
    );
}

#[test]
fn limits_that_cannot_be_or_contradict_each_other_are_refused_with_a_sentence() {
    let provider = |rest: &str| {
        problems(&format!(
            r#"{{models: {{providers: {{x: {{baseUrl: "https://x.test/v1", {rest}}}}}}}}}"#
        ))
    };
    for (rest, expected) in [
        ("limits: {requestsPerMinute: 0}", "0 is too small; at least 1"),
        ("limits: {tokensPerMinute: -5}", "-5 is too small"),
        ("limits: {requestsPerSecond: 0.5}", "wants a whole number"),
        ("limits: {concurrentRequests: 1000000000}", "is too large; at most 100000"),
        ("limits: {requestsPerMinutes: 5}", "did you mean \"requestsPerMinute\"?"),
        (
            "limits: {requestsPerMinute: 10, requestsPerSecond: 15}",
            "15 is more than requestsPerMinute allows",
        ),
        ("limits: {requestsPerMinute: 1000, requestsPerSecond: 15}", "lower the other to 900"),
        (
            "limits: {requestsPerMinute: 60, tokensPerMinute: 50}",
            "less than one for each of the 60 requests",
        ),
        (r#"models: [{id: "m", capabilities: ["vision"]}]"#, "a model that cannot converse"),
        (r#"models: [{id: "m", capabilities: ["chat", "juggling"]}]"#, "is none of: chat, code"),
    ] {
        let found = provider(rest);
        assert!(found.iter().any(|problem| problem.contains(expected)), "{rest}: {found:?}");
    }
    let retries = r#"{agents: {defaults: {model: {primary: "a/b", maxRetries: 11}}}}"#;
    assert!(problems(retries)[0].contains("at most 10"), "{:?}", problems(retries));
    let retries = r#"{agents: {defaults: {model: {primary: "a/b", retryDelayMs: -1}}}}"#;
    assert!(!problems(retries).is_empty());
}

#[test]
fn budgets_that_contradict_each_other_or_say_nothing_are_refused() {
    let about = |text: &str| problems(&format!("{{ budgets: {text} }}"));
    for (text, wanted) in [
        (
            "{ tokensPer24h: { free: -1 } }",
            "budgets.tokensPer24h.free: -1 is too small; at least 0",
        ),
        (
            "{ tokensPer24h: { admin: 'infinite' } }",
            "budgets.tokensPer24h.admin: \"infinite\" is none of: unlimited",
        ),
        (
            "{ tokensPer24h: { gold: 5 } }",
            "budgets.tokensPer24h.gold: unknown key; known here: free, standard, premium, admin",
        ),
        (
            "{ tokensPer24h: { premium: 50000 } }",
            "budgets.tokensPer24h.premium: is less than standard has; a tier has at least what the one before has",
        ),
        (
            "{ tokensPer24h: { premium: 'unlimited' } }",
            "budgets.tokensPer24h.admin: is less than premium has; a tier has at least what the one before has",
        ),
        (
            "{ tokensPer24h: { free: 0.5 } }",
            "budgets.tokensPer24h.free: wants a whole number or text, not a fraction",
        ),
        (
            "{ moneyPerDay: 20, moneyPerMonth: 10 }",
            "budgets.moneyPerDay: is more than moneyPerMonth; a day cannot have more than its month",
        ),
        (
            "{ moneyPerDay: 20, tenants: { main: { moneyPerMonth: 10 } } }",
            "budgets.tenants.main.moneyPerDay: is more than moneyPerMonth; a day cannot have more than its month",
        ),
        ("{ warnAtPercent: 0 }", "budgets.warnAtPercent: 0 is too small; at least 1"),
        (
            "{ approveAtPercent: 70 }",
            "budgets.approveAtPercent: is below warnAtPercent (75); nobody would be told before everything stops",
        ),
        (
            "{ timeZone: 'Moscow' }",
            "budgets.timeZone: wants the name of a time zone, like Asia/Almaty or UTC",
        ),
        (
            "{ currency: 'usd' }",
            "budgets.currency: wants the three letters of a currency, like USD",
        ),
        ("{ rates: { RUB: 0 } }", "budgets.rates.RUB: 0 is too small; more than 0"),
        (
            "{ rates: { roubles: 90 } }",
            "budgets.rates.roubles: a currency has three capital letters, for example USD; \"roubles\" has not",
        ),
        (
            "{ rates: { USD: 1 } }",
            "budgets.rates.USD: is baseCurrency itself, which is worth one; remove this",
        ),
        (
            "{ tenants: { Main: {} } }",
            "budgets.tenants.Main: a tenant's name has 2 to 31 characters a-z, 0-9 and -, the first a letter; \"Main\" does not",
        ),
    ] {
        let found = about(text);
        let found: Vec<_> = found.iter().filter_map(|problem| problem.split_once(": ")).collect();
        assert!(found.iter().any(|(_, problem)| *problem == wanted), "{text}: {found:#?}");
    }
}

#[test]
fn half_a_price_is_none() {
    let text = "{ models: { providers: { p: { baseUrl: 'http://h', models: [{ id: 'm', cost: { output: 1 } }] } } } }";
    assert!(
        problems(text)[0].ends_with("models[0].cost: \"input\" is missing"),
        "{:?}",
        problems(text)
    );
}

#[test]
fn money_without_a_rate_is_refused_when_it_is_loaded() {
    let text = |budgets: &str| {
        format!(
            "{{ budgets: {budgets}, models: {{ providers: {{ ru: {{ baseUrl: 'http://h', currency: 'RUB',
                models: [{{ id: 'm', cost: {{ input: 1, output: 1 }} }}] }} }} }} }}"
        )
    };
    let found = problems(&text("{ moneyPerDay: 5 }"));
    assert_eq!(found.len(), 1);
    assert!(
        found[0].ends_with(
            "budgets.rates: lacks a rate: ru is paid in RUB, budgets are counted in USD, and rates are in USD"
        ),
        "{found:?}"
    );
    for fine in [
        "{}",
        "{ moneyPerDay: 5, rates: { RUB: 92.5 } }",
        "{ moneyPerDay: 5, currency: 'RUB' }",
        "{ tenants: { main: { moneyPerDay: 5, currency: 'RUB' } } }",
    ] {
        Home::new(&[("openclaw.json", &text(fine))]).load(&[]).unwrap();
    }
    let other =
        text("{ moneyPerDay: 5, rates: { RUB: 92.5 }, tenants: { main: { currency: 'KZT' } } }");
    assert!(problems(&other)[0].contains("counted in KZT"));
}
