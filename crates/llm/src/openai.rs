//! The OpenAI Chat Completions format: its wire types, and a provider that speaks it.
//!
//! The types read what OpenAI, vLLM, `SGLang` and their kin send and write what all of them take. They serve
//! the client here and the server in the gateway alike. <https://platform.openai.com/docs/api-reference/chat>

mod chunk;
mod completion;
mod content;
mod decode;
mod encode;
mod provider;
mod request;
mod response;

pub use chunk::{Chunk, ChunkChoice, Delta, FunctionDelta, ToolCallDelta};
pub use completion::Completion;
pub use content::{Content, ImageUrl, Part};
pub use provider::OpenAi;
pub use request::{
    Function, Message, NamedFunction, Request, Role, Stop, StreamOptions, Tool, ToolCall,
    ToolChoice, ToolChoiceMode,
};
pub use response::{
    Choice, CompletionTokensDetails, ErrorBody, ErrorCode, ErrorDetail, FinishReason,
    PromptTokensDetails, Response, Usage,
};
