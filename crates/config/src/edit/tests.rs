//! What an edit changes in a file, and that it changes nothing else.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn put(text: &str, path: &str, value: Value) -> String {
    set(text, &path.parse().unwrap(), &value).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn cut(text: &str, path: &str) -> String {
    unset(text, &path.parse().unwrap()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

const FILE: &str = "\
// The office server.
{
  gateway: {
    port: 18789, // as the firewall has it
    /* nobody else */ bind: 'loopback',
  },
  // Quiet, please.
  logging: { level: 'info' },
}
";

#[test]
fn a_value_changes_where_it_stands() {
    let changed = put(FILE, "gateway.port", json!(19_000));
    assert_eq!(changed, FILE.replace("18789", "19000"));
    let changed = put(FILE, "logging.level", json!("it's \"loud\""));
    assert_eq!(changed, FILE.replace("'info'", "'it\\'s \"loud\"'"));
    assert_eq!(put(FILE, "gateway.port", json!(18_789)), FILE);
}

#[test]
fn a_new_setting_goes_behind_its_neighbours() {
    let changed = put(FILE, "gateway.trustedProxies", json!(["127.0.0.1", "::1"]));
    let line = "bind: 'loopback',\n    trustedProxies: ['127.0.0.1', '::1'],";
    assert_eq!(changed, FILE.replace("bind: 'loopback',", line));
    let changed = put(FILE, "logging.maxFiles", json!(7));
    assert_eq!(changed, FILE.replace("'info' }", "'info', maxFiles: 7 }"));
}

#[test]
fn missing_objects_are_made() {
    let changed = put(FILE, "models.providers[\"a.b\"].api", json!("openai-completions"));
    let added = "  logging: { level: 'info' },
  models: {
    providers: {
      'a.b': {
        api: 'openai-completions',
      },
    },
  },
";
    assert_eq!(changed, FILE.replace("  logging: { level: 'info' },\n", added));
    assert_eq!(put("{}", "a.b", json!(1)), "{\n  \"a\": {\n    \"b\": 1\n  }\n}");
    assert_eq!(
        put("{}\n", "a[0].b", json!(1)),
        "{\n  \"a\": [\n    {\n      \"b\": 1\n    }\n  ]\n}\n"
    );
}

#[test]
fn commas_stay_as_strict_as_they_were() {
    let strict = "{\n    \"a\": 1 // one\n}\n";
    assert_eq!(put(strict, "b", json!(2)), "{\n    \"a\": 1, // one\n    \"b\": 2\n}\n");
    assert_eq!(cut("{\n  \"a\": 1,\n  \"b\": 2\n}\n", "b"), "{\n  \"a\": 1\n}\n");
    assert_eq!(cut("{\n  \"a\": 1,\n  \"b\": 2\n}\n", "a"), "{\n  \"b\": 2\n}\n");
    assert_eq!(cut("{a: 1, b: 2}", "b"), "{a: 1}");
    assert_eq!(cut("{a: 1, b: 2}", "a"), "{b: 2}");
    assert_eq!(cut("{a: [1, 2, 3]}", "a[1]"), "{a: [1, 3]}");
}

#[test]
fn comments_survive_in_odd_places() {
    for (text, expected) in [
        ("{ /* c */ }", "{ /* c */ b: 2 }"),
        ("{\n  // c\n}", "{\n  // c\n  \"b\": 2\n}"),
        ("{ // c\n}", "{ // c\n  \"b\": 2\n}"),
        ("{a: 1 // c\n}", "{a: 1, // c\n  b: 2\n}"),
        ("{a: 1 /* c\n d */ }", "{a: 1,\n  b: 2 /* c\n d */ }"),
        ("{\n  a: 1, /* c */ // d\n  // e\n}", "{\n  a: 1, /* c */ // d\n  b: 2,\n  // e\n}"),
        ("{\r\n  a: 1\r\n}", "{\r\n  a: 1,\r\n  b: 2\r\n}"),
    ] {
        let changed = put(text, "b", json!(2));
        assert_eq!(changed.replace("\"b\"", "b"), expected.replace("\"b\"", "b"), "{text}");
    }
    assert_eq!(
        cut("{\n  // above\n  a: 1, // beside\n  // below\n}", "a"),
        "{\n  // above\n  // beside\n  // below\n}"
    );
}

#[test]
fn an_object_is_put_in_key_by_key() {
    let changed = put(FILE, "gateway", json!({"port": 1, "mode": "local"}));
    assert!(changed.contains("port: 1, // as the firewall has it"), "{changed}");
    assert!(changed.contains("mode: 'local'") && !changed.contains("bind:"), "{changed}");
}

#[test]
fn says_why_it_cannot() {
    let refused = |text: &str, path: &str| {
        set(text, &path.parse().unwrap(), &json!(1)).unwrap_err().to_string()
    };
    assert_eq!(
        refused("{a: 'x'}", "a.b"),
        "cannot change a.b: what should hold \"b\" is not an object"
    );
    assert_eq!(refused("{a: [1]}", "a[3]"), "cannot change a[3]: the list has only 1 elements");
    assert_eq!(
        refused("{\n a: }", "a"),
        "cannot change a: the file has a fault on line 2: expected a value, found \"}\""
    );
    assert_eq!(cut("{a: 1}", "b.c"), "{a: 1}");
    assert!(unset("{}", &KeyPath::root()).is_err());
}

#[test]
fn words_on_a_command_line_need_no_quotes() {
    for (written, meant) in [
        ("debug", json!("debug")),
        ("19000", json!(19_000)),
        ("true", json!(true)),
        ("'19000'", json!("19000")),
        ("[1, 'a',]", json!([1, "a"])),
        ("127.0.0.1", json!("127.0.0.1")),
        ("", json!("")),
    ] {
        assert_eq!(value(written), meant, "{written}");
    }
}

/// A text of JSON5 with a comment, `/*n*/` or `//n`, wherever one may stand.
#[derive(Debug, Clone)]
struct Written {
    text: String,
    comments: usize,
}

fn written(value: &Value, dice: &mut impl Iterator<Item = u8>, out: &mut Written) {
    let trivia = |dice: &mut dyn Iterator<Item = u8>, out: &mut Written| {
        let roll = dice.next().unwrap_or(0);
        match roll % 7 {
            0 => out.text.push(' '),
            1 => out.text.push_str("\n  "),
            2 => out.text.push_str(&format!("/*<{}>*/", out.comments)),
            3 => out.text.push_str(&format!(" //<{}>\n", out.comments)),
            4 => out.text.push_str(&format!("/*<{}>\n*/ ", out.comments)),
            _ => return,
        }
        out.comments += usize::from(roll % 7 > 1);
    };
    trivia(dice, out);
    match value {
        Value::Object(members) => {
            out.text.push('{');
            for (place, (key, value)) in members.iter().enumerate() {
                trivia(dice, out);
                let bare = dice.next().unwrap_or(0).is_multiple_of(2);
                out.text.push_str(&if bare { key.clone() } else { format!("{key:?}") });
                trivia(dice, out);
                out.text.push(':');
                written(value, dice, out);
                if place + 1 < members.len() || dice.next().unwrap_or(0).is_multiple_of(2) {
                    out.text.push(',');
                }
            }
            trivia(dice, out);
            out.text.push('}');
        }
        Value::Array(items) => {
            out.text.push('[');
            for item in items {
                written(item, dice, out);
                out.text.push(',');
            }
            out.text.push(']');
        }
        plain => out.text.push_str(&plain.to_string()),
    }
    trivia(dice, out);
}

fn documents() -> impl Strategy<Value = (Value, Written)> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        (0..9).prop_map(Value::from),
        "[a-z'\"/*]{0,4}".prop_map(Value::from)
    ];
    let tree = leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            3 => prop::collection::btree_map("[a-c]", inner.clone(), 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
            1 => prop::collection::vec(inner, 0..3).prop_map(Value::from),
        ]
    });
    let root = prop::collection::btree_map("[a-c]", tree, 0..4)
        .prop_map(|map| Value::Object(map.into_iter().collect()));
    (root, prop::collection::vec(any::<u8>(), 64)).prop_map(|(value, dice)| {
        let mut out = Written { text: String::new(), comments: 0 };
        written(&value, &mut dice.into_iter(), &mut out);
        (value, out)
    })
}

fn at<'a>(value: &'a Value, path: &KeyPath) -> Option<&'a Value> {
    path.steps().iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.get(key),
        Step::Index(index) => value.get(index),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn set_reads_back_and_keeps_everything_else(
        (before, file) in documents(),
        keys in prop::collection::vec("[a-d]", 1..4),
        value in prop_oneof![(10..99).prop_map(Value::from), "[x-z'\"\\\\\n]{0,6}".prop_map(Value::from)],
    ) {
        let path = keys.iter().fold(KeyPath::root(), |path, key| path.key(key));
        // Comments inside a list or an object that gives way go with it.
        prop_assume!(!at(&before, &path).is_some_and(|old| old.is_array() || old.is_object()));
        let changed = match set(&file.text, &path, &value) {
            Ok(changed) => changed,
            Err(error) => {
                // Something that is not an object is in the way; nothing else may be the reason.
                let above = (1..keys.len()).map(|depth| {
                    keys.iter().take(depth).fold(KeyPath::root(), |path, key| path.key(key))
                });
                let blocked = above.into_iter().any(|path| at(&before, &path).is_some_and(|value| !value.is_object()));
                prop_assert!(blocked, "{} -> {error}", file.text);
                return Ok(());
            }
        };
        let after = plain(&syntax::parse(&changed).unwrap());
        prop_assert_eq!(at(&after, &path), Some(&value));
        for number in 0..file.comments {
            prop_assert!(changed.contains(&format!("<{number}>")), "{} -> {changed}", file.text);
        }
        let restored = match at(&before, &path) {
            Some(old) => set(&changed, &path, old).unwrap(),
            None => unset(&changed, &path).unwrap(),
        };
        let restored = plain(&syntax::parse(&restored).unwrap());
        // Objects made on the way stay behind, empty.
        let mut expected = before.clone();
        if at(&before, &path).is_none() {
            let made = keys.split_last().unwrap().1;
            let mut place = &mut expected;
            for key in made {
                let members = place.as_object_mut().unwrap();
                place = members.entry(key.clone()).or_insert_with(|| json!({}));
            }
        }
        prop_assert!(same(&restored, &expected), "{} -> {restored}", file.text);
    }

    #[test]
    fn unset_takes_one_setting_and_no_comment_beside_it((before, file) in documents(), key in "[a-c]") {
        let path = KeyPath::of(&[&key]);
        let changed = unset(&file.text, &path).unwrap();
        let mut expected = before.clone();
        expected.as_object_mut().unwrap().shift_remove(&key);
        let after = plain(&syntax::parse(&changed).unwrap());
        prop_assert!(same(&after, &expected), "{} -> {changed}", file.text);
    }

    #[test]
    fn no_text_makes_it_panic(text in "[\\[\\]{}:,'\"/*\n ab1]{0,32}", key in "[ab]") {
        let path = KeyPath::of(&[&key]);
        let _ = set(&text, &path, &json!(1));
        let _ = unset(&text, &path);
    }
}
