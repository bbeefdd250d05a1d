//! Writes an answer as chat completion chunks, or as one chat completion.

use serde::Serialize;
use serde_json::Value;

use crate::ask::Ask;
use crate::catalogue::catalogue;
use crate::compose::Wire;
use crate::plan::{Finish, Meter, Piece, Plan, ToolPiece, Usage};
use crate::recipe::{Recipe, UsageMode};
use crate::reel::Event;

/// The moment at which the first answer was made, in seconds since 1970. Every answer is one second later.
const FIRST_CREATED: u64 = 1_767_225_600;

/// Writes one answer.
pub struct Reply<'a> {
    plan: &'a Plan,
    model: &'a str,
    id: String,
    created: u64,
    choices: u32,
    usage: UsageMode,
    reasoning: bool,
    so_far: Meter,
}

/// The list of models: an example of every word of the catalogue, and the given names.
pub fn models<'a>(names: impl Iterator<Item = &'a str>) -> Value {
    let examples = catalogue().iter().flat_map(|section| section.items).map(|item| item.example);
    let model = |id: &str| {
        serde_json::json!({
            "id": id, "object": "model", "created": FIRST_CREATED, "owned_by": "simulator",
        })
    };
    let data: Vec<Value> = names.chain(examples).map(model).collect();
    serde_json::json!({"object": "list", "data": data})
}

#[derive(Serialize)]
struct Chunk<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    system_fingerprint: &'static str,
    choices: &'a [ChunkChoice<'a>],
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Option<UsageBody>>,
}

#[derive(Serialize)]
struct ChunkChoice<'a> {
    index: u32,
    delta: Delta<'a>,
    logprobs: Option<()>,
    finish_reason: Option<&'a str>,
}

#[derive(Serialize, Default, Clone)]
struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<[CallDelta<'a>; 1]>,
}

#[derive(Serialize, Clone)]
struct CallDelta<'a> {
    index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Option<&'a str>>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    function: FunctionDelta<'a>,
}

#[derive(Serialize, Clone)]
struct FunctionDelta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Option<&'a str>>,
    arguments: &'a str,
}

#[derive(Serialize)]
struct Completion<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    system_fingerprint: &'static str,
    choices: Vec<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<UsageBody>,
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u32,
    message: &'a Message<'a>,
    logprobs: Option<()>,
    finish_reason: Option<&'a str>,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Option<String>,
    refusal: Option<()>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
}

#[derive(Serialize)]
struct Call<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Option<&'a str>>,
    #[serde(rename = "type")]
    kind: &'static str,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Option<&'a str>>,
    arguments: String,
}

#[derive(Serialize)]
struct UsageBody {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: PromptDetails,
    completion_tokens_details: CompletionDetails,
}

#[derive(Serialize)]
struct PromptDetails {
    cached_tokens: u64,
}

#[derive(Serialize)]
struct CompletionDetails {
    reasoning_tokens: u64,
}

// === impl Reply ===

impl<'a> Reply<'a> {
    /// The answer with this number.
    pub fn new(plan: &'a Plan, ask: &'a Ask, recipe: &Recipe, number: u64) -> Self {
        let asked = match (ask.usage_in_each, ask.include_usage || !ask.stream) {
            (true, _) => UsageMode::Each,
            (false, true) => UsageMode::End,
            (false, false) => UsageMode::Never,
        };
        let usage = match recipe.content.usage {
            UsageMode::Asked => asked,
            other => other,
        };
        Self {
            plan,
            model: &ask.model,
            id: format!("chatcmpl-sim{number:08}"),
            created: FIRST_CREATED + number,
            choices: ask.choices.max(recipe.content.choices).max(1),
            usage,
            reasoning: recipe.content.think_as_reasoning,
            so_far: Meter::default(),
        }
    }

    fn chunk(&self, choices: &[ChunkChoice<'_>], usage: Option<Option<UsageBody>>) -> Event {
        let chunk = Chunk {
            id: &self.id,
            object: "chat.completion.chunk",
            created: self.created,
            model: self.model,
            system_fingerprint: "fp_simulator",
            choices,
            usage,
        };
        Event::data(serde_json::to_string(&chunk).unwrap_or_default())
    }

    /// One chunk for each choice.
    fn deltas(&self, delta: &Delta<'_>, finish: Option<&str>, events: &mut Vec<Event>) {
        for index in 0..self.choices {
            let choice =
                ChunkChoice { index, delta: delta.clone(), logprobs: None, finish_reason: finish };
            let usage = match self.usage {
                UsageMode::Each => Some(Some(self.usage_so_far().into())),
                UsageMode::End => Some(None),
                UsageMode::Asked | UsageMode::Never => None,
            };
            events.push(self.chunk(&[choice], usage));
        }
    }

    fn usage_so_far(&self) -> Usage {
        let mut usage = self.plan.usage;
        self.so_far.read(&mut usage);
        usage
    }

    fn finish(&self) -> Option<&str> {
        match &self.plan.finish {
            Finish::Stop | Finish::StopText(_) => Some("stop"),
            Finish::Length => Some("length"),
            Finish::Tools => Some("tool_calls"),
            Finish::Unsaid => None,
            Finish::Other(word) => Some(word),
        }
    }

    fn message(&self) -> Message<'a> {
        let mut message = Message {
            role: "assistant",
            content: None,
            refusal: None,
            reasoning_content: None,
            reasoning: None,
            tool_calls: Vec::new(),
        };
        let mut thinking = None;
        for piece in &self.plan.pieces {
            match piece {
                Piece::Thinking(text) => thinking.get_or_insert_with(String::new).push_str(text),
                Piece::Text(text) => {
                    message.content.get_or_insert_with(String::new).push_str(text);
                }
                Piece::Tool(piece) => add(&mut message.tool_calls, piece),
            }
        }
        if message.tool_calls.is_empty() && !self.plan.null_content {
            message.content.get_or_insert_with(String::new);
        }
        let field =
            if self.reasoning { &mut message.reasoning } else { &mut message.reasoning_content };
        *field = thinking;
        message
    }
}

impl Wire for Reply<'_> {
    fn opening(&mut self, events: &mut Vec<Event>) {
        let content = if self.plan.null_content { None } else { Some("") };
        let delta = Delta { role: Some("assistant"), content: Some(content), ..Delta::default() };
        self.deltas(&delta, None, events);
    }

    fn piece(&mut self, piece: &Piece, events: &mut Vec<Event>) {
        self.so_far.add(piece);
        let mut delta = Delta::default();
        match piece {
            Piece::Text(text) => delta.content = Some(Some(text)),
            Piece::Thinking(text) if self.reasoning => delta.reasoning = Some(text),
            Piece::Thinking(text) => delta.reasoning_content = Some(text),
            Piece::Tool(piece) => delta.tool_calls = Some([call_delta(piece)]),
        }
        self.deltas(&delta, None, events);
    }

    fn ending(&mut self, events: &mut Vec<Event>) {
        self.deltas(&Delta::default(), self.finish(), events);
        if matches!(self.usage, UsageMode::End | UsageMode::Each) {
            events.push(self.chunk(&[], Some(Some(self.plan.usage.into()))));
        }
    }

    fn done(&self) -> Event {
        Event::data("[DONE]")
    }

    fn error(&self) -> Event {
        Event::data(
            r#"{"error":{"message":"The server had an error while processing your request.","type":"server_error","param":null,"code":null}}"#,
        )
    }

    fn unknown(&self) -> Event {
        let note = r#"{"object":"chat.completion.note","note":{"any":["thing"]},"choices":[]}"#;
        Event { name: Some("note"), data: note.to_owned() }
    }

    fn ping(&self) -> Option<Event> {
        None
    }

    fn whole(&mut self) -> String {
        let message = self.message();
        let choice = |index| Choice {
            index,
            message: &message,
            logprobs: None,
            finish_reason: self.finish(),
        };
        let completion = Completion {
            id: &self.id,
            object: "chat.completion",
            created: self.created,
            model: self.model,
            system_fingerprint: "fp_simulator",
            choices: (0..self.choices).map(choice).collect(),
            usage: (self.usage != UsageMode::Never).then(|| self.plan.usage.into()),
        };
        serde_json::to_string(&completion).unwrap_or_default()
    }
}

impl From<Usage> for UsageBody {
    fn from(usage: Usage) -> Self {
        Self {
            prompt_tokens: usage.prompt,
            completion_tokens: usage.completion,
            total_tokens: usage.prompt + usage.completion,
            prompt_tokens_details: PromptDetails { cached_tokens: usage.cached },
            completion_tokens_details: CompletionDetails { reasoning_tokens: usage.thinking },
        }
    }
}

fn call_delta(piece: &ToolPiece) -> CallDelta<'_> {
    CallDelta {
        index: piece.index,
        id: piece.id.nullable(),
        kind: piece.opens.then_some("function"),
        function: FunctionDelta { name: piece.name.nullable(), arguments: &piece.arguments },
    }
}

/// Adds a piece to the call that it belongs to.
fn add<'a>(calls: &mut Vec<Call<'a>>, piece: &'a ToolPiece) {
    if calls.len() <= piece.call {
        calls.push(Call {
            id: piece.id.nullable(),
            kind: "function",
            function: Function { name: piece.name.nullable(), arguments: String::new() },
        });
    }
    if let Some(call) = calls.get_mut(piece.call) {
        if call.function.name.is_none() {
            call.function.name = piece.name.nullable();
        }
        call.function.arguments.push_str(&piece.arguments);
    }
}
