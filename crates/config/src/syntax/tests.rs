//! What of JSON5 is read, what is refused and where, and that no text makes the parser panic.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn value(node: &Node) -> Value {
    match &node.kind {
        Kind::Null => Value::Null,
        Kind::Bool(value) => (*value).into(),
        Kind::Number(number) => Value::Number(number.clone()),
        Kind::String(text) => text.as_str().into(),
        Kind::Array(items) => items.iter().map(|item| value(&item.node)).collect(),
        Kind::Object(members) => {
            members.iter().map(|member| (member.key.clone(), value(&member.node))).collect()
        }
    }
}

fn read(text: &str) -> Value {
    value(&parse(text).unwrap_or_else(|faults| panic!("{text}: {faults:?}")))
}

fn fault(text: &str) -> (usize, String) {
    let fault = parse(text).err().unwrap_or_else(|| panic!("{text} was accepted")).remove(0);
    (fault.at, fault.message)
}

#[test]
fn reads_all_that_json5_adds() {
    let text = "\u{feff}// first\n{ a: 1, 'b\\x21': +.5, \"c\": [0x1F, 1., -2e1,], $_ä: 'x\\\ny', /* last */ \\u0064: null, }";
    let expected = json!({"a": 1, "b!": 0.5, "c": [31, 1, -20], "$_ä": "xy", "d": null});
    assert_eq!(read(text), expected);
    assert_eq!(read("'\\ud83d\\ude00\\0\\q'"), json!("😀\0q"));
}

#[test]
fn says_where_and_what_is_wrong() {
    for (text, at, message) in [
        ("", 0, "nothing is here; write at least {}"),
        ("{a:1} b", 6, "expected the end of the file, found \"b\""),
        ("{a 1}", 3, "expected a colon behind the key, found \"1\""),
        ("{a:1 b:2}", 5, "expected a comma or }, found \"b\""),
        ("[1 2]", 3, "expected a comma or ], found \"2\""),
        ("{a:}", 3, "expected a value, found \"}\""),
        ("{,}", 1, "expected a key or }, found \",\""),
        ("{a:'x\n'}", 3, "this text has no closing quote on its line"),
        ("{a:'x", 3, "this text has no closing quote"),
        ("{a:info}", 3, "info is not a value; text needs quotes"),
        ("{claude-cli:1}", 7, "a key with - in it needs quotes: \"claude-...\""),
        ("{1:1}", 1, "a key that begins with a digit needs quotes"),
        ("{a:010}", 3, "a number cannot begin with 0; remove it or add quotes"),
        ("{a:1.2.3}", 3, "this is not a number; text needs quotes"),
        ("{a:127.0.0.1}", 3, "this is not a number; text needs quotes"),
        ("{a:NaN}", 3, "NaN is not a number that can be used"),
        ("{a:-Infinity}", 3, "-Infinity is not a number that can be used"),
        ("{a:1e999}", 3, "1e999 is not a number that can be used"),
        ("{/* a", 1, "this comment has no end; close it with */"),
        ("'\\ud800'", 1, "this \\u escape is half of a character"),
        ("'\\xZZ'", 1, "this escape wants 2 hexadecimal digits"),
        ("{a:1,\n 'a':2}", 7, "the key \"a\" is here a second time (first on line 1); remove one"),
    ] {
        assert_eq!(fault(text), (at, message.to_owned()), "{text:?}");
    }
}

#[test]
fn reports_every_fault_that_leaves_the_shape_clear() {
    let faults = parse("{a: NaN, a: 1, b: [Infinity, 1e999]}").err().unwrap();
    assert_eq!(faults.iter().map(|fault| fault.at).collect::<Vec<_>>(), [4, 9, 19, 29]);
}

#[test]
fn depth_is_limited() {
    let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse(&nested(DEEPEST)).is_ok());
    assert_eq!(fault(&nested(DEEPEST + 1)), (64, "nested more than 64 deep".to_owned()));
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e6..1e6_f64).prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map("\\PC{0,8}", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Equal as numbers: `1.0` is read as the whole number 1.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => left == right,
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,64}") {
        let _ = parse(&text);
    }

    #[test]
    fn no_text_of_json5_characters_makes_it_panic(text in "[\\[\\]{}:,'\"/*\\\\\n a0x.e+u_-]{0,48}") {
        let _ = parse(&text);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = parse(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn reads_all_that_json_can_say(wanted in any_value()) {
        let read = read(&serde_json::to_string_pretty(&wanted).unwrap());
        prop_assert!(same(&read, &wanted), "{read} {wanted}");
    }

    #[test]
    fn agrees_with_another_reader(text in "[\\[\\]{}:,'\"/*\\\\\n ab01x.e+-]{0,24}") {
        // Where both read it, they read the same; ours refuses more (a key twice, infinity).
        if let (Ok(ours), Ok(theirs)) = (parse(&text), json5::from_str::<Value>(&text)) {
            prop_assert!(same(&value(&ours), &theirs), "{text}");
        }
    }
}
