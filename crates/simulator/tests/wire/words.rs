//! Every word of the catalogue does what it says, on both wires. A word without a check fails.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use simulator::{Simulator, catalogue};

use crate::client::{End, Reply};
use crate::said::{Api, BOTH, Said, begin, body, events, exchange, said, start, stream, whole};

/// How long one word may take; far more than any needs.
const PATIENCE: Duration = Duration::from_secs(20);

const ECHO: &str = "You said: Grüße 你好 one two three";
const ARGUMENTS: &str = r#"{"city":"city","days":7}"#;

#[tokio::test]
async fn every_word_does_what_it_says() {
    let simulator = start().await;
    for item in catalogue().iter().flat_map(|section| section.items) {
        let check = Check { simulator: &simulator, name: item.name, model: item.example };
        let checked = tokio::time::timeout(PATIENCE, check.run()).await;
        assert!(checked.is_ok(), "`{}` takes for ever", item.name);
    }
}

/// One word and the model that shows it.
struct Check<'a> {
    simulator: &'a Simulator,
    name: &'static str,
    model: &'static str,
}

// === impl Check ===

impl Check<'_> {
    async fn run(&self) {
        match self.name {
            "echo" | "story" | "script" | "words" | "think" | "think-as" | "tools" | "choices"
            | "usage" | "cached" | "window" | "proper" | "huge-line" => self.content().await,
            "pace" | "first" | "headers" | "slow" => self.timing().await,
            "chunk" | "crlf" | "comments" | "nospace" | "multiline" | "bom" | "unknown"
            | "no-done" => self.bytes().await,
            "leak" | "leak-think" | "args" | "name" | "id" | "index-zero" | "finish"
            | "think-tags" | "null-content" => self.shape().await,
            "loop" | "loop-forced" | "no-tool-history" => self.behaviour().await,
            "status" | "retry-after" | "should-retry" | "error-body" | "overflow" | "flaky" => {
                self.refusal().await;
            }
            "hang" | "drop" | "empty-body" | "redirect" | "content-type" | "drip" => {
                self.instead().await;
            }
            word if word.ends_with("-after") => self.midway().await,
            word => panic!("nobody checks `{word}`"),
        }
    }

    async fn stream(&self, api: Api) -> (Reply, Said) {
        let reply = stream(self.simulator, api, self.model).await;
        assert_eq!(reply.head.status, 200, "{}: {}", self.name, reply.text());
        let said = said(api, &reply);
        (reply, said)
    }

    async fn whole(&self, api: Api) -> Reply {
        whole(self.simulator, api, self.model).await
    }

    async fn content(&self) {
        for api in BOTH {
            if ["window", "proper"].contains(&self.name) {
                self.refused_content(api).await;
                continue;
            }
            let (reply, said) = self.stream(api).await;
            assert!(said.done && said.errors.is_empty(), "{}", self.name);
            match self.name {
                "echo" => assert_eq!(said.text, ECHO),
                "story" | "words" => {
                    let words: usize = self.model.rsplit('=').next().unwrap().parse().unwrap();
                    assert_eq!(said.text.split(' ').count(), words);
                }
                "script" => assert!(said.text.starts_with("Hello! I am a simulated model.")),
                "think" => {
                    assert_eq!(
                        (said.thinking.as_str(), said.text.as_str()),
                        ("The user wants an answer so", ECHO)
                    );
                }
                "think-as" => {
                    let text = reply.text();
                    assert_eq!(text.contains(r#""reasoning":"#), api == Api::OpenAi);
                    assert!(!text.contains("reasoning_content") && !said.thinking.is_empty());
                }
                "tools" => assert_eq!(said.arguments, ARGUMENTS.repeat(2)),
                "choices" => {
                    let second = reply.text().contains(r#""index":1,"delta""#);
                    assert_eq!(second, api == Api::OpenAi);
                }
                "usage" => {
                    let tokens = |usage: &Value| usage["input_tokens"].as_u64().unwrap_or(0);
                    assert_eq!(said.usage.as_ref().map_or(0, tokens), 0);
                    let each = said_by(self.simulator, api, "echo+usage=each").await;
                    assert!(each.usages > 1);
                }
                "cached" => {
                    let usage = said.usage.unwrap();
                    let cached = match api {
                        Api::OpenAi => &usage["prompt_tokens_details"]["cached_tokens"],
                        Api::Anthropic => &usage["cache_read_input_tokens"],
                    };
                    assert_eq!(*cached, 3);
                }
                "huge-line" => assert_eq!(said.text, "x".repeat(300_000)),
                other => panic!("{other}"),
            }
        }
    }

    async fn refused_content(&self, api: Api) {
        let mut body = body(api, self.model);
        if self.name == "proper" {
            if api == Api::OpenAi {
                body["top_k"] = json!(5);
                let reply = exchange(self.simulator, api, &body).await;
                assert_eq!(reply.head.status, 400);
                body["model"] = json!("echo");
            }
            assert_eq!(exchange(self.simulator, api, &body).await.head.status, 200);
            return;
        }
        body["max_tokens"] = json!(4);
        let reply = exchange(self.simulator, api, &body).await;
        assert_eq!(reply.head.status, 400);
        let message = reply.json()["error"]["message"].as_str().unwrap().to_owned();
        let expected = match api {
            Api::OpenAi => "10 tokens (6 in the messages, 4 in the completion)",
            Api::Anthropic => "exceed context limit: 6 + 4 > 8",
        };
        assert!(message.contains(expected), "{message}");
        body["max_tokens"] = json!(2);
        assert_eq!(exchange(self.simulator, api, &body).await.head.status, 200);
    }

    async fn timing(&self) {
        for api in BOTH {
            let begun = Instant::now();
            let mut client = begin(self.simulator, api, &body(api, self.model)).await;
            client.head().await.unwrap();
            let to_head = begun.elapsed();
            let mut last = begun.elapsed();
            while client.chunk().await.is_some() {
                last = begun.elapsed();
            }
            // The echo has 7 tokens at least, so 6 pauses.
            let (least_head, least) = match self.name {
                "pace" => (0, 12),
                "first" => (0, 30),
                "slow" => (0, 300),
                _ => (30, 30),
            };
            assert!(to_head >= Duration::from_millis(least_head), "{}", self.name);
            assert!(last >= Duration::from_millis(least), "{}", self.name);
            let begun = Instant::now();
            self.whole(api).await;
            assert!(begun.elapsed() >= Duration::from_millis(least), "{}", self.name);
        }
    }

    async fn bytes(&self) {
        for api in BOTH {
            let (reply, said) = self.stream(api).await;
            let bytes = reply.bytes();
            let holds = |mark: &[u8]| bytes.windows(mark.len()).any(|window| window == mark);
            let done = said.done;
            match self.name {
                "chunk" => {
                    assert!(reply.chunks.iter().all(|chunk| chunk.len() == 1));
                    let all = stream(self.simulator, api, "echo+chunk=all").await;
                    assert_eq!(all.chunks.len(), 1);
                    let events_apart = stream(self.simulator, api, "echo+chunk=event").await;
                    assert!(events_apart.chunks.iter().all(|chunk| events(chunk).len() == 1));
                }
                "crlf" => assert!(holds(b"\r\n\r\n") && !holds(b"}\n")),
                "comments" => {
                    assert!(holds(b"\n: keep-alive\n"));
                    let pings = said.names.iter().filter(|name| *name == "ping").count();
                    assert_eq!(pings > 1, api == Api::Anthropic);
                }
                "nospace" => assert!(holds(b"\ndata:{") && !holds(b"data: ")),
                "multiline" => assert!(holds(b",\ndata: \"")),
                "bom" => assert!(bytes.starts_with(b"\xef\xbb\xbf")),
                "unknown" => assert!(said.names.iter().any(|name| name == "note")),
                "no-done" => assert!(!done && said.finish.is_some()),
                other => panic!("{other}"),
            }
            assert!(done || self.name == "no-done");
            assert_eq!(said.text, ECHO, "{}", self.name);
        }
    }

    async fn shape(&self) {
        for api in BOTH {
            let (reply, said) = self.stream(api).await;
            let first = said.tools.first().cloned().unwrap_or_default();
            let (id, name) = match api {
                Api::OpenAi => (first.get("id"), first["function"].get("name")),
                Api::Anthropic => (first.get("id"), first.get("name")),
            };
            let (stop, tools) = match api {
                Api::OpenAi => ("stop", "tool_calls"),
                Api::Anthropic => ("end_turn", "tool_use"),
            };
            let finish = said.finish.as_deref();
            match self.name {
                "leak" => {
                    assert!(said.text.starts_with("<tool_call>get_weather<arg_key>city</arg_key>"));
                    assert_eq!((said.tools.len(), finish), (0, Some(stop)));
                }
                "leak-think" => {
                    // Nothing allows the Anthropic side to think without being asked: `body` asks.
                    assert!(said.thinking.contains("<tool_call>get_weather\n<arg_key>"));
                    assert_eq!((said.tools.len(), finish), (0, Some(tools)));
                }
                "args" => {
                    assert_eq!(said.arguments, ARGUMENTS.repeat(2));
                    assert_eq!(finish, Some(tools));
                }
                "name" => assert_eq!(name, Some(&Value::Null)),
                "id" => assert_eq!(id, None),
                "index-zero" => {
                    assert!(!reply.text().contains(r#"{"index":1,"#));
                    assert_eq!(said.arguments, ARGUMENTS.repeat(2));
                }
                "finish" => {
                    assert_eq!(finish, Some(stop));
                    assert_eq!(said.arguments, ARGUMENTS);
                    let unsaid = said_by(self.simulator, api, "echo+finish=none").await;
                    assert_eq!((unsaid.finish, unsaid.done), (None, true));
                }
                "think-tags" => {
                    assert!(said.text.starts_with("<think>The user wants"), "{}", said.text);
                    assert!(said.text.ends_with(&format!("</think>{ECHO}")));
                    assert_eq!(said.thinking, "");
                }
                "null-content" => {
                    assert_eq!(said.text, "");
                    let whole = self.whole(api).await.json();
                    match api {
                        Api::OpenAi => {
                            assert_eq!(whole["choices"][0]["message"]["content"], Value::Null);
                        }
                        Api::Anthropic => assert_eq!(whole["content"], json!([])),
                    }
                }
                other => panic!("{other}"),
            }
        }
    }

    async fn behaviour(&self) {
        for api in BOTH {
            let mut body = body(api, self.model);
            match self.name {
                "loop" | "loop-forced" => {
                    if self.name == "loop-forced" {
                        assert_eq!(self.stream(api).await.1.text, ECHO);
                        let tools = crate::said::body(api, "tools")["tools"].clone();
                        body["tools"] = tools;
                        body["tool_choice"] = match api {
                            Api::OpenAi => json!("required"),
                            Api::Anthropic => json!({"type": "any"}),
                        };
                    }
                    body["max_tokens"] = json!(1_000);
                    let limited = said(api, &exchange(self.simulator, api, &body).await);
                    assert_eq!(limited.text.len(), 4_000);
                    let finish = limited.finish.unwrap();
                    assert!(["length", "max_tokens"].contains(&finish.as_str()));
                    if api == Api::OpenAi {
                        body.as_object_mut().unwrap().remove("max_tokens");
                        let mut client = begin(self.simulator, api, &body).await;
                        client.head().await.unwrap();
                        for _ in 0..2_000 {
                            client.chunk().await.unwrap();
                        }
                    }
                }
                "no-tool-history" => {
                    body["messages"] = tool_history(api);
                    let reply = exchange(self.simulator, api, &body).await;
                    assert_eq!(reply.head.status, 400, "{}", reply.text());
                    body["model"] = json!("echo");
                    let answer = said(api, &exchange(self.simulator, api, &body).await);
                    assert_eq!(answer.text, "Tool results: sunny");
                }
                other => panic!("{other}"),
            }
        }
    }

    async fn refusal(&self) {
        for api in BOTH {
            for reply in [stream(self.simulator, api, self.model).await, self.whole(api).await] {
                let head = &reply.head;
                match self.name {
                    "status" => {
                        assert_eq!(head.status, 529);
                        let expected = match api {
                            Api::OpenAi => "server_error",
                            Api::Anthropic => "overloaded_error",
                        };
                        assert_eq!(reply.json()["error"]["type"], expected);
                    }
                    "retry-after" => {
                        assert_eq!((head.status, head.header("retry-after")), (429, Some("1")));
                    }
                    "should-retry" => assert_eq!(head.header("x-should-retry"), Some("false")),
                    "error-body" => {
                        assert_eq!(head.header("content-type"), Some("text/html"));
                        assert!(reply.text().contains("<h1>502</h1>"));
                    }
                    "overflow" => {
                        let text = reply.text();
                        let expected = match api {
                            Api::OpenAi => "maximum context length is 8192 tokens",
                            Api::Anthropic => "prompt is too long: 8193 tokens > 8192 maximum",
                        };
                        assert!(head.status == 400 && text.contains(expected), "{text}");
                    }
                    // Its story is told in `life`.
                    "flaky" => assert!([503, 200].contains(&head.status)),
                    other => panic!("{other}"),
                }
            }
        }
    }

    async fn instead(&self) {
        for api in BOTH {
            let body = body(api, self.model);
            match self.name {
                "hang" => {
                    let before = self.simulator.journal().counts().cut_by_client;
                    let client = begin(self.simulator, api, &body).await;
                    self.simulator.journal().wait_for(|j| j.counts().running == 1).await;
                    drop(client);
                    let left = |counts: simulator::Counts| counts.cut_by_client == before + 1;
                    self.simulator.journal().wait_for(|journal| left(journal.counts())).await;
                }
                "drop" => {
                    let mut client = begin(self.simulator, api, &body).await;
                    assert!(client.head().await.is_none());
                }
                "empty-body" => {
                    let (reply, _) = self.stream(api).await;
                    assert!(reply.bytes().is_empty() && reply.end == End::Whole);
                }
                "redirect" => {
                    let reply = exchange(self.simulator, api, &body).await;
                    let place = reply.head.header("location");
                    assert_eq!((reply.head.status, place.is_some()), (307, true));
                }
                "content-type" => {
                    let (reply, said) = self.stream(api).await;
                    let kind = reply.head.header("content-type");
                    assert_eq!((kind, said.done), (Some("text/html; charset=utf-8"), true));
                    let none = stream(self.simulator, api, "echo+content-type=none").await;
                    assert_eq!(none.head.header("content-type"), None);
                }
                "drip" => {
                    let begun = Instant::now();
                    let (reply, said) = self.stream(api).await;
                    assert!(reply.chunks.iter().all(|chunk| chunk.len() <= 16));
                    let least = Duration::from_millis(1) * (reply.chunks.len() as u32 - 1);
                    assert!(begun.elapsed() >= least && said.text == ECHO);
                }
                other => panic!("{other}"),
            }
        }
    }

    async fn midway(&self) {
        for api in BOTH {
            if self.name == "hang-after" {
                self.hang_after(api).await;
                continue;
            }
            let (reply, said) = self.stream(api).await;
            let whole = self.whole(api).await;
            let parses = serde_json::from_slice::<Value>(&whole.bytes()).is_ok();
            let tale = "The lighthouse";
            match self.name {
                "cut-after" => {
                    assert_eq!((reply.end, whole.end), (End::Cut, End::Cut));
                    assert_eq!((said.text.as_str(), said.done), (tale, false));
                }
                "reset-after" => {
                    assert_eq!((reply.end, whole.end, said.done), (End::Reset, End::Reset, false));
                }
                "eof-after" => {
                    assert_eq!((reply.end, whole.end, parses), (End::Whole, End::Whole, false));
                    assert_eq!((said.text.as_str(), said.done, said.finish), (tale, false, None));
                    assert!(reply.bytes().ends_with(b"\n\n"));
                }
                "torn-after" => {
                    assert_eq!((reply.end, said.done, parses), (End::Whole, false, false));
                    assert_eq!(said.text, tale);
                    assert!(!reply.bytes().ends_with(b"\n\n"));
                }
                "error-after" => {
                    assert_eq!((reply.end, said.errors.len(), said.done), (End::Whole, 1, false));
                    assert_eq!((said.text.as_str(), whole.head.status), (tale, 500));
                }
                "bad-json-after" => {
                    assert_eq!((said.junk.len(), said.done, parses), (1, true, false));
                    assert_eq!(said.text.split(' ').count(), 50);
                }
                "bad-utf8-after" => {
                    assert_eq!((said.junk.len(), said.done), (1, true));
                    assert!(std::str::from_utf8(&said.junk[0]).is_err());
                    assert!(std::str::from_utf8(&whole.bytes()).is_err());
                }
                other => panic!("{other}"),
            }
        }
    }

    async fn hang_after(&self, api: Api) {
        let journal = self.simulator.journal();
        let before = journal.counts().cut_by_client;
        let mut client = begin(self.simulator, api, &body(api, self.model)).await;
        client.head().await.unwrap();
        let mut seen = Vec::new();
        while !String::from_utf8_lossy(&seen).contains("lighthouse") {
            seen.extend(client.chunk().await.unwrap());
        }
        assert_eq!(journal.counts().running, 1);
        drop(client);
        journal.wait_for(|journal| journal.counts().cut_by_client == before + 1).await;
    }
}

async fn said_by(simulator: &Simulator, api: Api, model: &str) -> Said {
    said(api, &stream(simulator, api, model).await)
}

/// A conversation in which a tool was called and answered.
fn tool_history(api: Api) -> Value {
    match api {
        Api::OpenAi => json!([
            {"role": "user", "content": "weather?"},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
        ]),
        Api::Anthropic => json!([
            {"role": "user", "content": "weather?"},
            {"role": "assistant", "content": [
                {"type": "tool_use", "id": "c1", "name": "get_weather", "input": {}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "sunny"}]},
        ]),
    }
}
