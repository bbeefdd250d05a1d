//! Which name leads to which model, and what is said when none does.

use super::*;
use crate::Timeouts;

fn provider(id: &str, api: Api, models: &[&str]) -> ProviderSettings {
    ProviderSettings {
        id: id.to_owned(),
        base_url: "http://127.0.0.1:1".to_owned(),
        api,
        key: None,
        headers: Vec::new(),
        timeouts: Timeouts::default(),
        limits: Limits::default(),
        models: models.iter().map(|id| ModelSettings::named(*id)).collect(),
    }
}

fn models() -> Models {
    let settings = vec![
        provider("cloudru-fm", Api::OpenAi, &["zai-org/GLM-4.7", "openai/gpt-oss-120b"]),
        provider("openai", Api::OpenAi, &[]),
        provider("anthropic", Api::Anthropic, &["claude-sonnet-5", "shared"]),
        provider("vllm", Api::OpenAi, &["shared"]),
    ];
    Models::new(settings, &Egress::new(egress::Options::default()).unwrap()).unwrap()
}

fn resolved(name: &str) -> String {
    format!("{:?}", models().resolve(name).unwrap().hops()[0])
}

#[test]
fn a_name_leads_to_one_provider_and_its_own_id_of_the_model() {
    for (name, expected) in [
        ("cloudru-fm/zai-org/GLM-4.7", "cloudru-fm/zai-org/GLM-4.7"),
        ("zai-org/GLM-4.7", "cloudru-fm/zai-org/GLM-4.7"),
        ("GLM-4.7", "cloudru-fm/zai-org/GLM-4.7"),
        (" claude-sonnet-5 ", "anthropic/claude-sonnet-5"),
        ("vllm/shared", "vllm/shared"),
        ("openai/gpt-5", "openai/gpt-5"),
        ("openai/gpt-oss-120b", "cloudru-fm/openai/gpt-oss-120b"),
        ("openai/openai/gpt-oss-120b", "openai/openai/gpt-oss-120b"),
    ] {
        assert_eq!(resolved(name), expected, "{name}");
    }
}

#[test]
fn a_name_that_fits_several_models_is_refused_with_all_of_them() {
    let error = models().resolve("shared").unwrap_err();
    assert_eq!(
        error.to_string(),
        r#""shared" could be any of anthropic/shared, vllm/shared; write one of these"#
    );
}

#[test]
fn an_unknown_name_is_refused_with_the_nearest() {
    let nearest = |name: &str| match models().resolve(name).unwrap_err() {
        Error::UnknownModel { nearest, .. } => nearest,
        other => panic!("{other}"),
    };
    assert_eq!(nearest("cloudru-fm/GLM-4.6").as_deref(), Some("cloudru-fm/zai-org/GLM-4.7"));
    assert_eq!(nearest("claude-sonet-5").as_deref(), Some("anthropic/claude-sonnet-5"));
    assert_eq!(nearest("openai/"), None);
    assert_eq!(nearest(""), None);
    assert_eq!(nearest("something-else-entirely"), None);
    let text = models().resolve("claude-sonet-5").unwrap_err().to_string();
    assert!(text.contains("the nearest is \"anthropic/claude-sonnet-5\""), "{text}");
}

#[test]
fn without_settings_nothing_is_known() {
    let error = Models::default().resolve("gpt-5").unwrap_err();
    assert!(error.to_string().contains("models.providers"), "{error}");
}

#[test]
fn two_providers_cannot_share_a_name() {
    let settings = vec![provider("a", Api::OpenAi, &[]), provider("a", Api::Anthropic, &[])];
    let egress = Egress::new(egress::Options::default()).unwrap();
    assert!(matches!(Models::new(settings, &egress), Err(Error::DuplicateProvider { .. })));
}

/// A provider that nobody configured.
struct Program;

#[async_trait::async_trait]
impl Provider for Program {
    fn id(&self) -> &'static str {
        "claude-cli"
    }

    async fn stream(
        &self,
        _: crate::Request,
        _: Arc<dyn domain::Pulse>,
    ) -> Result<crate::EventStream, Error> {
        Ok(Box::pin(futures::stream::empty()))
    }
}

#[test]
fn a_provider_made_elsewhere_takes_any_model_and_no_name_that_is_taken() {
    let models = models().with(vec![Arc::new(Program)]).unwrap();
    let route = models.resolve("claude-cli/opus-4.6").unwrap();
    assert_eq!(format!("{:?}", route.hops()[0]), "claude-cli/opus-4.6");
    let twice = models.with(vec![Arc::new(Program)]);
    assert!(
        matches!(twice, Err(Error::DuplicateProvider { provider }) if provider == "claude-cli")
    );
}

#[test]
fn all_listed_names_are_told() {
    assert_eq!(
        models().names().collect::<Vec<_>>(),
        [
            "cloudru-fm/zai-org/GLM-4.7",
            "cloudru-fm/openai/gpt-oss-120b",
            "anthropic/claude-sonnet-5",
            "anthropic/shared",
            "vllm/shared",
        ]
    );
}
