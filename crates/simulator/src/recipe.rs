//! What a model name asks for, in parts: voice, timing, framing, content, shape of tool calls, faults.
//!
//! Owns the words' meanings as plain values; refuses to know how they are spelt (`model_name`) or played.

use std::num::NonZeroUsize;
use std::time::Duration;

/// Everything that a model name says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recipe {
    /// What the answer says.
    pub voice: Voice,
    /// When its parts leave.
    pub timing: Timing,
    /// How events are laid out as bytes.
    pub framing: Framing,
    /// What the answer is made of besides its text.
    pub content: Content,
    /// How the answer is malformed, as models do it.
    pub shape: Shape,
    /// How the server fails, as networks and servers do it.
    pub fault: Fault,
}

/// What the answer says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Voice {
    /// The last words of the user, repeated.
    #[default]
    Echo,
    /// A fixed tale of the wanted length.
    Story,
    /// The next turn of a prepared conversation.
    Script,
}

/// When the parts of an answer leave.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Timing {
    /// Before the status line.
    pub headers: Duration,
    /// Between the opening of the stream and the first token.
    pub first: Duration,
    /// Between two tokens; `None`: the pace the simulator was started with.
    pub pace: Option<Duration>,
    /// So many times as long until the first token; `None`: once.
    pub slow: Option<u32>,
}

// === impl Timing ===

impl Timing {
    /// Before the status line, brown-out included.
    pub fn headers(&self) -> Duration {
        self.headers.saturating_mul(self.slow.unwrap_or(1))
    }

    /// Between the opening of the stream and the first token, brown-out included.
    pub fn first(&self) -> Duration {
        self.first.saturating_mul(self.slow.unwrap_or(1))
    }
}

/// How events are laid out as bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Framing {
    /// Where the byte stream is split.
    pub chunk: Chunk,
    /// Lines end in CRLF.
    pub crlf: bool,
    /// Comment lines (and Anthropic pings) stand between events.
    pub comments: bool,
    /// No space after the colon of a field.
    pub no_space: bool,
    /// JSON is spread over several `data:` lines.
    pub multiline: bool,
    /// The stream opens with a byte order mark.
    pub bom: bool,
    /// Events and fields that no client knows are mixed in.
    pub unknown: bool,
    /// The stream has no closing marker (`[DONE]`), though everything else is there.
    pub no_done: bool,
}

/// Where the byte stream is split into HTTP chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Chunk {
    /// One chunk for each event.
    #[default]
    Event,
    /// Everything that is ready goes in one chunk.
    All,
    /// Every so many bytes, wherever that falls.
    Bytes(NonZeroUsize),
}

/// What the answer is made of besides its text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Content {
    /// Length of a story in words.
    pub words: Option<u32>,
    /// Name of the script to play.
    pub script: Option<String>,
    /// Words of thinking before the answer.
    pub think: Option<u32>,
    /// The field that carries thinking on the OpenAI wire is `reasoning`, not `reasoning_content`.
    pub think_as_reasoning: bool,
    /// How many tools to call.
    pub tools: u32,
    /// How many choices to send; at least what the request asks for.
    pub choices: u32,
    /// One text piece of this many bytes, on one line.
    pub huge_line: Option<u32>,
    /// When usage is told.
    pub usage: UsageMode,
    /// How many prompt tokens came from the cache.
    pub cached: u32,
    /// Longest prompt and answer together, in tokens.
    pub window: Option<u32>,
    /// Behave as OpenAI itself: fields that only vLLM and `SGLang` know are refused.
    pub proper: bool,
}

/// When usage is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UsageMode {
    /// As the request asks.
    #[default]
    Asked,
    /// Never.
    Never,
    /// At the end, asked or not.
    End,
    /// In every chunk.
    Each,
}

/// How the answer is malformed, as models and their servers do it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shape {
    /// The call is written into the text instead of being a tool call.
    pub leak: Option<Markup>,
    /// The call is written into the thinking.
    pub leak_in_thinking: Option<Markup>,
    /// What happens to the arguments.
    pub arguments: ArgumentShape,
    /// What happens to the name of the tool.
    pub name: NameShape,
    /// What happens to the id of the call.
    pub id: IdShape,
    /// Every call says it is at index 0.
    pub index_zero: bool,
    /// The reason for the end, whatever the truth is; `none`: no reason at all.
    pub finish: Option<String>,
    /// Thinking stands in the content between tags.
    pub think_tags: Option<ThinkTags>,
    /// The content is null.
    pub null_content: bool,
    /// The same words again and again, until the limit or for ever.
    pub endless: bool,
    /// As `endless`, but only when the request forces a tool.
    pub endless_if_forced: bool,
    /// A request with a tool result in its history is refused.
    pub no_tool_history: bool,
}

/// The notation of a leaked call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Markup {
    /// GLM-4.5 and 4.6.
    Glm45,
    /// GLM-4.7 and later: no line breaks.
    Glm47,
    /// Qwen3-Coder.
    Qwen,
    /// Qwen3-Coder without the outer tag.
    QwenBare,
    /// JSON inside the tag.
    Hermes,
    /// GLM with the opening tag twice.
    Doubled,
    /// GLM without any argument.
    Empty,
    /// GLM without the first `<arg_key>`.
    Merged,
    /// GLM, ending in the middle because of the length limit.
    Cut,
    /// A sentence that only talks about calling.
    Prose,
}

/// What happens to the arguments of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ArgumentShape {
    /// Valid JSON in small pieces.
    #[default]
    Streamed,
    /// Valid JSON in one piece at the end.
    Late,
    /// The whole object once more after the pieces.
    Repeated,
    /// Garbage after the end of the object.
    Garbage,
    /// A quote or bracket too many before the end of the object.
    Stray,
    /// A JSON string that holds the JSON.
    Double,
    /// Ends in the middle, with `length`.
    Cut,
    /// Numbers, booleans and objects as strings.
    Strings,
    /// Nothing at all.
    Empty,
}

/// What happens to the name of a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NameShape {
    /// As declared.
    #[default]
    Declared,
    /// JSON null.
    Null,
    /// The field is absent.
    Absent,
    /// Empty text.
    Blank,
    /// Only the beginning.
    Cut,
    /// Followed by markup that belongs to the arguments.
    Glued,
    /// Followed by the first argument's name without its opening tag.
    Merged,
    /// Said again in every piece.
    Repeated,
    /// Comes only after the arguments began.
    Late,
    /// In another case.
    UpperCase,
    /// A tool that was not declared.
    Undeclared,
}

/// What happens to the id of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IdShape {
    /// Unique.
    #[default]
    Unique,
    /// The field is absent.
    Absent,
    /// JSON null.
    Null,
    /// Empty text.
    Blank,
    /// All calls share one.
    Same,
    /// Said again in every piece.
    Repeated,
}

/// Thinking tags in the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThinkTags {
    /// Opened and closed.
    Both,
    /// Only closed.
    CloseOnly,
    /// Only opened.
    OpenOnly,
}

/// How the server fails.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fault {
    /// Answers with this status and the error body of the interface.
    pub status: Option<u16>,
    /// Value of `retry-after`, in seconds.
    pub retry_after: Option<u32>,
    /// Value of `x-should-retry`.
    pub should_retry: Option<bool>,
    /// What stands in an error body.
    pub error_body: ErrorBody,
    /// What happens instead of an answer.
    pub instead: Option<Instead>,
    /// What happens in the middle of an answer.
    pub midway: Option<Midway>,
    /// So many bytes at a time.
    pub drip: Option<NonZeroUsize>,
    /// The content type, whatever is sent.
    pub content_type: Option<&'static str>,
    /// The faults above happen to the first so many requests of a conversation only.
    pub flaky: Option<u32>,
    /// The prompt is refused as too long, in this server's words.
    pub overflow: Option<Overflow>,
}

/// What stands in an error body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ErrorBody {
    /// The shape of the interface.
    #[default]
    Proper,
    /// A page of a proxy in between.
    Html,
    /// A line of plain text.
    Text,
    /// A `detail` field, as web frameworks write it.
    Detail,
    /// Nothing.
    Empty,
}

/// What happens instead of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instead {
    /// Nothing, for ever.
    Hang,
    /// The connection closes without a byte.
    Drop,
    /// A status of success without a body.
    Empty,
    /// A redirect to another place on this machine.
    Redirect,
}

/// What happens in the middle of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Midway {
    /// After how many tokens; at the end of the text if there are fewer.
    pub after: u32,
    /// What.
    pub accident: Accident,
}

/// An accident on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accident {
    /// Silence for ever on an open connection.
    Hang,
    /// The connection closes in the middle of an HTTP chunk.
    Cut,
    /// The same with a reset instead of a close.
    Reset,
    /// A clean end of the body, without the closing events.
    Eof,
    /// A clean end of the body in the middle of an event.
    Torn,
    /// An error event, then a clean end.
    Error,
    /// An event whose JSON breaks off; the stream goes on.
    BadJson,
    /// An event with bytes that are not UTF-8; the stream goes on.
    BadUtf8,
}

/// Whose words refuse a prompt that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overflow {
    /// OpenAI.
    OpenAi,
    /// vLLM.
    Vllm,
    /// `SGLang`.
    Sglang,
    /// Anthropic, whatever the size of the answer.
    Anthropic,
}
