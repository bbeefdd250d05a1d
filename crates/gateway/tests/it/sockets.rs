//! What sockets must bear and what ends them.

use std::time::Duration;

use domain::{EventBody, RunId};
use futures::StreamExt;
use gateway::Limits;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio_tungstenite::tungstenite::Message;

use crate::house::{Client, House, OPERATOR, connect, in_house, quick};

#[test]
fn nothing_happens_before_connect() {
    in_house(quick(), async |house| {
        let early =
            json!({ "type": "req", "id": "1", "method": "health", "params": {} }).to_string();
        let large = format!("{{\"x\":\"{}\"}}", "x".repeat(70_000));
        for (message, expected) in [
            (Message::binary(vec![1, 2, 3]), 1008),
            (Message::text(early), 1008),
            (Message::text("not json"), 1008),
            (Message::text("[".repeat(1_000)), 1008),
            (Message::text(large), 1009),
        ] {
            let mut client = house.knock().await;
            // The gateway may close before it has read everything.
            let _ = futures::SinkExt::send(&mut client.wire, message).await;
            let code = client.closed().await;
            assert!(code == Some(expected) || (expected == 1009 && code.is_none()), "{code:?}");
        }
    });
}

#[test]
fn silence_is_not_waited_for() {
    let limits = Limits { connect_timeout: Duration::from_millis(200), ..quick() };
    in_house(limits, async |house| {
        let mut silent = house.knock().await;
        assert_eq!(silent.closed().await, Some(1008));
    });
}

#[test]
fn other_versions_roles_and_programs_are_turned_away() {
    in_house(quick(), async |house| {
        let refused = async |change: fn(&mut serde_json::Value)| {
            let mut params = connect(OPERATOR);
            change(&mut params);
            let mut client = house.knock().await;
            let error = client.request("connect", params).await.unwrap_err();
            (error["code"].as_str().unwrap().to_owned(), client.closed().await.unwrap())
        };
        let invalid = |code| ("INVALID_REQUEST".to_owned(), code);
        assert_eq!(refused(|params| params["minProtocol"] = json!(5)).await, invalid(1002));
        assert_eq!(refused(|params| params["role"] = json!("node")).await, invalid(1008));
        assert_eq!(refused(|params| params["client"]["id"] = json!("x")).await, invalid(1008));
        assert_eq!(refused(|params| params["client"] = json!(5)).await, invalid(1008));
        let unauthorized = ("UNAUTHORIZED".to_owned(), 1008);
        assert_eq!(refused(|params| params["auth"] = json!(null)).await, unauthorized);
        assert_eq!(refused(|params| params["auth"]["token"] = json!("wrong")).await, unauthorized);
        let two = |params: &mut serde_json::Value| params["auth"]["deviceToken"] = json!("other");
        assert_eq!(refused(two).await, invalid(1008));
        let forged = |params: &mut serde_json::Value| {
            params["device"] = json!({
                "id": "0".repeat(64), "publicKey": "AA", "signature": "AA", "signedAt": 0, "nonce": "x",
            });
        };
        assert_eq!(refused(forged).await, invalid(1008));
    });
}

/// A masked frame, as a client must send it, with the mask 0.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[first, 0x80 | length, 0, 0, 0, 0], payload].concat()
}

#[test]
fn broken_frames_are_told_what_is_broken() {
    in_house(quick(), async |house| {
        let mut huge = vec![0x81, 0xff];
        huge.extend((1_u64 << 62).to_be_bytes());
        huge.extend([0; 4]);
        for (bytes, expected) in [
            (vec![0x81, 0x01, b'x'], 1002),
            (frame(0xc1, b"x"), 1002),
            (frame(0x83, b"x"), 1002),
            (frame(0x09, b"x"), 1002),
            (frame(0x80, b"x"), 1002),
            (frame(0x81, &[0xff, 0xfe]), 1007),
            (huge, 1009),
        ] {
            let mut client = house.client(OPERATOR).await;
            client.wire.get_mut().write_all(&bytes).await.unwrap();
            assert_eq!(client.closed().await, Some(expected), "{bytes:?}");
        }
    });
}

#[test]
fn messages_are_bounded_after_connect_too() {
    let limits = Limits { frame: 100_000, ..quick() };
    in_house(limits, async |house| {
        let mut client = house.client(OPERATOR).await;
        let filled = |length: usize| json!({ "type": "req", "id": "1", "method": "health", "params": { "x": "x".repeat(length) } });
        // Larger than what a stranger may send, smaller than what a guest may.
        client.send(Message::text(filled(70_000).to_string())).await;
        assert!(
            client.wire.next().await.unwrap().unwrap().to_text().unwrap().contains("\"ok\":true")
        );
        client.send(Message::text(filled(100_000).to_string())).await;
        assert_eq!(client.closed().await, Some(1009));
    });
}

#[test]
fn floods_are_cut() {
    let limits = Limits { frames_per_second: 1, frame_burst: 20, ..quick() };
    in_house(limits, async |house| {
        for message in [Message::Ping(vec![1].into()), Message::text("{}")] {
            let mut client = house.client(OPERATOR).await;
            for _ in 0..40 {
                if futures::SinkExt::send(&mut client.wire, message.clone()).await.is_err() {
                    break;
                }
            }
            assert_eq!(client.closed().await, Some(1008));
        }
    });
}

/// A page that listens; a small buffer of the kernel fills soon.
async fn listener(house: &House, buffer: u32) -> Client {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(buffer).unwrap();
    let mut client = house.knock_with(socket).await;
    let mut page = connect(OPERATOR);
    page["client"]["id"] = json!("webchat-ui");
    client.request("connect", page).await.unwrap();
    client.request("sessions.subscribe", json!({})).await.unwrap();
    client
}

/// Tells more words than the kernel keeps for a client that does not read.
const MANY: usize = 120;

fn words(number: usize) -> EventBody {
    EventBody::Delta { run: RunId(number.to_string()), offset: 0, text: "x".repeat(64 * 1024) }
}

/// How many frames a client finds that has not read for long, and how it was closed.
async fn leftovers(mut client: Client) -> (usize, Option<u16>) {
    let mut frames = 0;
    loop {
        match client.wire.next().await {
            Some(Ok(Message::Close(frame))) => {
                return (frames, frame.map(|frame| frame.code.into()));
            }
            Some(Ok(_)) => frames += 1,
            Some(Err(_)) | None => return (frames, None),
        }
    }
}

#[test]
fn a_reader_that_does_not_read_is_cut_and_costs_others_nothing() {
    in_house(quick(), async |house| {
        house.tenant("main").await;
        let slow = listener(house, 64 * 1024).await;
        let mut quick = listener(house, 1 << 20).await;
        for number in 0..MANY {
            house.publish("agent:main:main", words(number));
            assert_eq!(quick.event("chat").await["runId"], number.to_string());
        }
        let (frames, code) = leftovers(slow).await;
        assert!(frames < MANY, "it was cut before the end: {frames} {code:?}");
        assert!(code.is_none_or(|code| code == 1013), "{code:?}");
    });
}

#[test]
fn the_root_opens_a_socket_for_those_who_ask_and_only_from_our_own_pages() {
    let limits = Limits { connect_timeout: Duration::from_millis(200), ..quick() };
    in_house(limits, async |house| {
        let upgrade = |origin: &str| {
            format!(
                "GET / HTTP/1.1\r\nhost: {{host}}\r\nconnection: upgrade, close\r\nupgrade: websocket\r\n\
                 sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{origin}\r\n"
            )
        };
        let own = format!("origin: http://{}\r\n", house.address);
        for (origin, expected) in [
            ("", 101),
            (own.as_str(), 101),
            ("origin: http://evil.test\r\n", 403),
            ("origin: null\r\n", 403),
            ("sec-fetch-mode: websocket\r\n", 403),
        ] {
            let answer = house.raw(&upgrade(origin)).await;
            assert_eq!(answer.status, expected, "{origin}");
            assert!(answer.header("sec-websocket-extensions").is_none());
        }
    });
}

#[test]
fn a_stop_is_announced() {
    in_house(quick(), async |house| {
        let mut client = house.client(OPERATOR).await;
        let mut stranger = house.knock().await;
        let stopped = house.stop();
        assert!(client.event("shutdown").await["reason"].is_string());
        assert_eq!(client.closed().await, Some(1001));
        assert_eq!(stranger.closed().await, Some(1001));
        stopped.await.unwrap();
        assert!(tokio::net::TcpStream::connect(house.address).await.is_err());
    });
}

#[test]
fn ticks_come_by_themselves() {
    let limits = Limits { tick: Duration::from_millis(20), ..quick() };
    in_house(limits, async |house| {
        let mut client = house.client(OPERATOR).await;
        let first = client.whole_event("tick").await;
        assert_eq!((&first["seq"], first["payload"]["ts"].is_i64()), (&json!(1), true));
        assert_eq!(client.whole_event("tick").await["seq"], 2);
        client.request("sessions.subscribe", json!({})).await.unwrap();
        assert_eq!(client.event("health").await["ok"], true);
    });
}

#[test]
fn a_peer_that_is_gone_without_a_word_is_noticed() {
    let limits = Limits { ping: Duration::from_millis(20), ..quick() };
    in_house(limits, async |house| {
        let mut client = house.client(OPERATOR).await;
        // Read without answering pings: only the wire below answers them, and nobody polls it.
        let mut rest = Vec::new();
        let read = client.wire.get_mut().read_to_end(&mut rest);
        tokio::time::timeout(Duration::from_secs(60), read).await.expect("it is closed").unwrap();
        let ping = [0x89, 0x00];
        assert!(rest.windows(2).any(|bytes| bytes == ping), "it was asked before");
    });
}
