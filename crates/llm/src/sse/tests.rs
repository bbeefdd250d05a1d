//! The corners of the standard, and that no way of cutting a stream changes what is read.

use proptest::prelude::*;

use super::*;

type Seen = Vec<Result<(String, String, String), ParseError>>;

fn parse<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, limit: usize) -> (Seen, Option<Duration>) {
    let mut parser = Parser::with_limit(limit);
    let mut seen = Seen::new();
    for piece in pieces {
        parser.push(Bytes::copy_from_slice(piece));
        while let Some(event) = parser.next_event() {
            seen.push(event.map(|e| (e.name.to_owned(), e.data.to_owned(), e.id.to_owned())));
        }
    }
    (seen, parser.retry())
}

fn data(stream: &str) -> Vec<String> {
    parse([stream.as_bytes()], EVENT_LIMIT).0.into_iter().map(|event| event.unwrap().1).collect()
}

#[test]
fn every_way_to_end_a_line_ends_it() {
    for end in ["\n", "\r", "\r\n"] {
        let stream = "data: a\ndata:b\n\ndata: c\n\n".replace('\n', end);
        assert_eq!(data(&stream), ["a\nb", "c"], "{end:?}");
    }
    assert_eq!(data("data: a\r\ndata: b\n\rdata: c\r\r"), ["a\nb", "c"]);
}

#[test]
fn an_event_is_known_as_soon_as_its_blank_line_begins() {
    assert_eq!(data("data: a\r\n\r"), ["a"]);
}

#[test]
fn one_space_behind_the_colon_belongs_to_the_syntax_and_the_next_does_not() {
    assert_eq!(data("data:a\n\ndata: a\n\ndata:  a\n\n"), ["a", "a", " a"]);
}

#[test]
fn lines_without_meaning_are_ignored() {
    assert_eq!(data(": ping\n\nfoo: bar\ndata: a\n:x\nDATA: b\n\nevent: x\n\n"), ["a"]);
}

#[test]
fn empty_data_is_data() {
    assert_eq!(data("data\n\ndata:\n\ndata\ndata\n\n"), ["", "", "\n"]);
}

#[test]
fn a_byte_order_mark_counts_only_at_the_start() {
    assert_eq!(data("\u{feff}data: a\n\n\u{feff}data: b\n\n"), ["a"]);
}

#[test]
fn an_unfinished_event_is_none() {
    assert_eq!(data("data: a\n\ndata: b\n"), ["a"]);
    assert_eq!(data("data: a\n\ndata: b"), ["a"]);
}

#[test]
fn names_end_with_their_event_and_ids_stay() {
    let stream =
        b"event: x\nid: 7\ndata: a\n\ndata: b\n\nid: 8\0\nid\ndata: c\nretry: 250\n\nretry: 9x\n\n";
    let (seen, retry) = parse([&stream[..]], EVENT_LIMIT);
    let expected = [("x", "a", "7"), ("", "b", "7"), ("", "c", "")];
    let expected = expected.map(|(name, data, id)| Ok((name.into(), data.into(), id.into())));
    assert_eq!(seen, expected);
    assert_eq!(retry, Some(Duration::from_millis(250)));
}

#[test]
fn bytes_that_are_not_text_are_an_error_and_the_last_thing_said() {
    let (seen, _) = parse([&b"data: a\n\ndata: \xff\n\ndata: c\n\n"[..]], EVENT_LIMIT);
    assert_eq!(seen[1..], [Err(ParseError::NotText)]);
}

#[test]
fn an_event_over_the_limit_is_an_error_even_without_an_end_of_line() {
    let too_large = Err(ParseError::TooLarge { limit: 16 });
    assert_eq!(parse([&b"data: 0123456789ab"[..]], 16).0, std::slice::from_ref(&too_large));
    assert_eq!(parse([&b"data: 01234567\ndata: 01234567\n\n"[..]], 16).0, [too_large]);
    assert!(parse([&b"data: 0123\n\ndata: 0123\n\n"[..]], 16).0.iter().all(Result::is_ok));
}

/// Streams made of the parts that matter, in any order, and now and then of anything.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        8 => prop_oneof![
            Just("\n"), Just("\r"), Just("\r\n"), Just("\n\n"), Just("data:"), Just("data: "), Just("data"),
            Just("event: x"), Just("id: 1"), Just("retry: 5"), Just(": c"), Just("\u{feff}"), Just("é"),
            Just("{\"a\":\"б\"}"), Just("🦀"), Just("\0"),
        ].prop_map(|text| text.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..4),
    ];
    proptest::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

/// The stream cut at the given places.
fn pieces<'a>(stream: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
    places.sort_unstable();
    places.push(stream.len());
    let mut from = 0;
    places.into_iter().map(|to| &stream[std::mem::replace(&mut from, to)..to]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_cutting_gives_the_same_events(
        stream in streams(),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..20),
        limit in prop_oneof![Just(EVENT_LIMIT), 1_usize..40],
    ) {
        let whole = parse([&stream[..]], limit);
        prop_assert_eq!(&parse(pieces(&stream, &cuts), limit), &whole);
        prop_assert_eq!(&parse(stream.chunks(1), limit), &whole);
    }

    #[test]
    fn what_was_written_is_what_is_read(texts in proptest::collection::vec("[^\r]{0,40}", 0..10)) {
        let stream: String = texts
            .iter()
            .map(|text| text.split('\n').map(|line| format!("data: {line}\n")).collect::<String>() + "\n")
            .collect();
        prop_assert_eq!(data(&stream), texts);
    }

    #[test]
    fn any_bytes_are_survived(stream in proptest::collection::vec(any::<u8>(), 0..300)) {
        parse(stream.chunks(7), 64);
    }
}
