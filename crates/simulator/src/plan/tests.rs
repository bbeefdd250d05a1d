//! The shapes of answers, as both wires will see them.

use serde_json::json;

use super::*;
use crate::ask::{Choice, Tool};
use crate::model_name::parse;
use crate::script::Turn;

fn ask(words: &str) -> Ask {
    let mut size = Size::default();
    size.text(words);
    let tool = Tool {
        name: "get_weather".to_owned(),
        schema: json!({
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city", "days"],
        }),
    };
    Ask {
        words: words.to_owned(),
        size,
        tools: vec![tool],
        parallel: true,
        may_think: true,
        stream: true,
        ..Ask::default()
    }
}

fn planned(name: &str, ask: &Ask) -> Plan {
    plan(ask, &parse(name).unwrap(), &[Script::greeting()], "call_", 1)
}

fn text(plan: &Plan) -> String {
    let words = |piece: &Piece| match piece {
        Piece::Text(text) => Some(text.clone()),
        _ => None,
    };
    plan.pieces.iter().filter_map(words).collect()
}

fn tool_pieces(plan: &Plan) -> Vec<&ToolPiece> {
    let mut tools = Vec::new();
    for piece in &plan.pieces {
        if let Piece::Tool(tool) = piece {
            tools.push(tool);
        }
    }
    tools
}

fn arguments(plan: &Plan) -> String {
    tool_pieces(plan).iter().map(|piece| piece.arguments.as_str()).collect()
}

#[test]
fn echo_counts_what_it_says() {
    let plan = planned("echo+cached=1", &ask("hello world"));
    assert_eq!(text(&plan), "You said: hello world");
    assert_eq!(plan.finish, Finish::Stop);
    assert_eq!(plan.usage, Usage { prompt: 3, cached: 1, completion: 6, thinking: 0 });
}

#[test]
fn tokens_lose_nothing() {
    for text in ["", " ", "one two  three\n\nfour ", "слово 你好世界你好世界你好世界 x", "🦀🦀 é"]
    {
        assert_eq!(tokens(text).collect::<String>(), text);
    }
    assert_eq!(tokens("one two").collect::<Vec<_>>(), ["one", " two"]);
}

#[test]
fn limits_end_the_answer() {
    let mut limited = ask("a long question with many words");
    limited.max_tokens = Some(2);
    let plan = planned("echo", &limited);
    assert_eq!(
        (text(&plan).as_str(), &plan.finish, plan.usage.completion),
        ("You said", &Finish::Length, 2)
    );
    let mut stopped = ask("one STOP two");
    stopped.stop = vec!["two".to_owned(), " STOP".to_owned()];
    let plan = planned("echo", &stopped);
    assert_eq!(text(&plan), "You said: one");
    assert_eq!(plan.finish, Finish::StopText(" STOP".to_owned()));
}

#[test]
fn an_endless_answer_ends_only_by_its_limit() {
    let plan = planned("loop", &ask("go"));
    assert!(plan.endless);
    let mut limited = ask("go");
    limited.max_tokens = Some(100);
    let plan = planned("loop", &limited);
    assert!(!plan.endless);
    assert_eq!((plan.usage.completion, plan.finish), (100, Finish::Length));
    assert!(!planned("echo+loop-forced", &ask("go")).endless);
    let mut forced = ask("go");
    forced.choice = Choice::Any;
    assert!(planned("echo+loop-forced", &forced).endless);
}

#[test]
fn tools_are_called_as_the_request_allows() {
    let valid = r#"{"city":"city","days":7}"#;
    let plan = planned("echo+tools=2", &ask("go"));
    assert_eq!(plan.finish, Finish::Tools);
    assert_eq!(arguments(&plan), format!("{valid}{valid}"));
    let opened: Vec<_> = tool_pieces(&plan).into_iter().filter(|piece| piece.opens).collect();
    assert_eq!(opened.len(), 2);
    assert_eq!(opened[1].id, Field::Text("call_00000001_1".to_owned()));
    let mut alone = ask("go");
    alone.parallel = false;
    assert_eq!(arguments(&planned("echo+tools=2", &alone)), valid);
    let mut never = ask("go");
    never.choice = Choice::Never;
    assert_eq!(text(&planned("echo+tools", &never)), "You said: go");
    let mut after = ask("go");
    after.results = vec!["sunny".to_owned()];
    assert_eq!(text(&planned("echo+tools", &after)), "Tool results: sunny");
}

#[test]
fn leaked_calls_are_text() {
    for (markup, expected) in [
        (
            "glm45",
            "<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>city</arg_value>\n<arg_key>days</arg_key>\n<arg_value>7</arg_value>\n</tool_call>",
        ),
        (
            "glm47",
            "<tool_call>get_weather<arg_key>city</arg_key><arg_value>city</arg_value><arg_key>days</arg_key><arg_value>7</arg_value></tool_call>",
        ),
        (
            "qwen",
            "<tool_call>\n<function=get_weather>\n<parameter=city>\ncity\n</parameter>\n<parameter=days>\n7\n</parameter>\n</function>\n</tool_call>",
        ),
        (
            "qwen-bare",
            "<function=get_weather>\n<parameter=city>\ncity\n</parameter>\n<parameter=days>\n7\n</parameter>\n</function>\n</tool_call>",
        ),
        (
            "hermes",
            "<tool_call>\n{\"name\":\"get_weather\",\"arguments\":{\"city\":\"city\",\"days\":7}}\n</tool_call>",
        ),
        (
            "doubled",
            "<tool_call><tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>city</arg_value>\n<arg_key>days</arg_key>\n<arg_value>7</arg_value>\n</tool_call>",
        ),
        ("empty", "<tool_call>get_weather</tool_call>"),
        (
            "merged",
            "<tool_call>get_weathercity</arg_key><arg_value>city</arg_value><arg_key>days</arg_key><arg_value>7</arg_value></tool_call>",
        ),
        (
            "prose",
            "I will now call the tool get_weather with the arguments {\"city\":\"city\",\"days\":7}.",
        ),
    ] {
        let plan = planned(&format!("echo+tools+leak={markup}"), &ask("go"));
        assert_eq!((text(&plan).as_str(), plan.finish), (expected, Finish::Stop));
    }
    let cut = planned("echo+tools+leak=cut", &ask("go"));
    assert!(text(&cut).starts_with("<tool_call>get_weather<arg_key>"), "{}", text(&cut));
    assert!(!text(&cut).contains("</tool_call>"));
    assert_eq!(cut.finish, Finish::Length);
    let inside = planned("echo+tools+think+leak-think", &ask("go"));
    assert!(inside.usage.thinking > 10);
    assert_eq!((text(&inside).as_str(), inside.finish), ("", Finish::Tools));
    assert_eq!(arguments(&planned("echo+tools+leak-think", &ask("go"))), "");
}

#[test]
fn arguments_take_every_shape() {
    let valid = r#"{"city":"city","days":7}"#;
    for (shape, expected) in [
        ("late", valid.to_owned()),
        ("repeat", format!("{valid}{valid}")),
        ("garbage", format!("{valid}\"]}}")),
        ("stray", r#"{"city":"city","days":7"}"#.to_owned()),
        ("double", r#""{\"city\":\"city\",\"days\":7}""#.to_owned()),
        ("cut", r#"{"city":"city",""#.to_owned()),
        ("strings", r#"{"city":"city","days":"7"}"#.to_owned()),
        ("empty", String::new()),
    ] {
        let plan = planned(&format!("echo+tools+args={shape}"), &ask("go"));
        assert_eq!(arguments(&plan), expected, "{shape}");
        let length = plan.finish == Finish::Length;
        assert_eq!(length, shape == "cut");
    }
    assert_eq!(planned("echo+tools+args=late", &ask("go")).pieces.len(), 2);
}

#[test]
fn names_and_ids_take_every_shape() {
    for (shape, expected) in [
        ("null", Field::Null),
        ("none", Field::Absent),
        ("late", Field::Absent),
        ("empty", Field::Text(String::new())),
        ("cut", Field::Text("get_we".to_owned())),
        ("case", Field::Text("GET_WEATHER".to_owned())),
        ("unknown", Field::Text("undeclared_tool".to_owned())),
        ("repeat", Field::Text("get_weather".to_owned())),
        (
            "glued",
            Field::Text("get_weather<tool_call>city</arg_key><arg_value>city</arg_value><arg_key>days</arg_key><arg_value>7</arg_value>".to_owned()),
        ),
        (
            "merged",
            Field::Text("get_weathercity</arg_key><arg_value>city</arg_value><arg_key>days</arg_key><arg_value>7</arg_value>".to_owned()),
        ),
    ] {
        let plan = planned(&format!("echo+tools+name={shape}"), &ask("go"));
        let pieces = tool_pieces(&plan);
        assert_eq!(pieces[0].name, expected, "{shape}");
        let named = matches!(pieces[1].name, Field::Text(_));
        assert_eq!(named, ["late", "repeat"].contains(&shape), "{shape}");
    }
    for (shape, expected) in [
        ("none", Field::Absent),
        ("null", Field::Null),
        ("empty", Field::Text(String::new())),
        ("same", Field::Text("call_00000001_0".to_owned())),
        ("repeat", Field::Text("call_00000001_1".to_owned())),
    ] {
        let plan = planned(&format!("echo+tools=2+index-zero+id={shape}"), &ask("go"));
        let second = tool_pieces(&plan).into_iter().filter(|piece| piece.opens).nth(1).unwrap();
        assert_eq!((&second.id, second.index, second.call), (&expected, 0, 1), "{shape}");
    }
}

#[test]
fn thinking_stands_where_it_should_not() {
    let tagged = |name: &str| text(&planned(name, &ask("go")));
    assert_eq!(tagged("echo+think=2+think-tags=both"), "<think>The user</think>You said: go");
    assert_eq!(tagged("echo+think=2+think-tags=close"), "The user</think>You said: go");
    assert_eq!(tagged("echo+think=2+think-tags=open"), "<think>The userYou said: go");
    assert!(planned("echo+null-content", &ask("go")).pieces.is_empty());
}

#[test]
fn a_script_goes_by_the_turns_of_the_request() {
    let script = Script::new("order", [Turn::text("One."), Turn::default().call("buy", json!({}))]);
    let recipe = parse("script=order").unwrap();
    let mut ask = ask("go");
    let said = |ask: &Ask| plan(ask, &recipe, std::slice::from_ref(&script), "call_", 1);
    assert_eq!(text(&said(&ask)), "One.");
    ask.turns = 1;
    assert_eq!(said(&ask).finish, Finish::Tools);
    ask.turns = 2;
    assert_eq!(text(&said(&ask)), "The script has ended.");
}
