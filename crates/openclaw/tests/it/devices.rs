//! Devices that were let in, and shut out again.

use std::net::TcpStream;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::stream::MaybeTlsStream;
use tokio_tungstenite::tungstenite::{Message, WebSocket, connect};

use crate::installation::Installation;
use crate::running::{Running, get};

type Page = WebSocket<MaybeTlsStream<TcpStream>>;

/// Comes in as the page does, and gets a token of its own.
fn let_in(url: &str, credential: &str) -> (Page, String) {
    let (mut page, _) = connect(url.replace("http:", "ws:")).unwrap();
    page.read().unwrap();
    let params = json!({
        "minProtocol": 4, "maxProtocol": 4, "role": "operator",
        "client": { "id": "webchat-ui", "version": "1", "platform": "linux", "mode": "webchat" },
        "auth": { "token": credential },
    });
    let frame = json!({ "type": "req", "id": "1", "method": "connect", "params": params });
    page.send(Message::text(frame.to_string())).unwrap();
    let hello: Value = serde_json::from_str(page.read().unwrap().to_text().unwrap()).unwrap();
    let token = hello["payload"]["auth"]["deviceToken"].as_str();
    let token = token.unwrap_or_else(|| panic!("{hello}")).to_owned();
    (page, token)
}

#[test]
fn devices_are_listed_and_shut_out() {
    let installation = Installation::new();
    let nobody = installation.run(&["devices", "list"]);
    assert_eq!(nobody.out, "No device is let in. Let one in: openclaw link\n");
    let mut running = Running::start(&installation, "up");
    let ready = running.event();
    let url = ready["url"].as_str().unwrap();
    let (_, code) = ready["link"].as_str().unwrap().split_once("#token=").unwrap();
    let (mut page, token) = let_in(url, code);
    let aliya = installation.json(&["tenants", "create", "aliya"]);
    let (_aliyas, aliyas_token) = let_in(url, aliya["token"].as_str().unwrap());

    let listed = installation.json(&["devices", "list"]);
    let devices = listed["devices"].as_array().unwrap();
    assert_eq!(devices.len(), 2);
    assert_eq!((&devices[0]["tenant"], &devices[1]["tenant"]), (&Value::Null, &json!("aliya")));
    assert_eq!(devices[1]["scopes"], json!(["operator.read", "operator.write"]));
    let table = installation.run(&["devices", "list"]).out;
    assert!(table.starts_with("ID "), "{table}");
    assert!(!table.contains(&token) && !listed.to_string().contains("ocd_"), "{table}");

    let id = devices[0]["id"].as_str().unwrap();
    let unasked = installation.run(&["devices", "revoke", id, "--json"]);
    assert_eq!((unasked.code, &unasked.error()["code"]), (Some(2), &"confirmation-needed".into()));
    assert_eq!(get(url, "/v1/models", &token).0, 200);
    let revoked = installation.run(&["devices", "revoke", id, "--yes"]);
    assert_eq!((revoked.code, revoked.out), (Some(0), format!("{id} is shut out.\n")));
    assert_eq!(get(url, "/v1/models", &token).0, 401);
    while page.read().is_ok_and(|message| !message.is_close()) {}
    assert_eq!(get(url, "/v1/models", &aliyas_token).0, 200, "the other one stays");

    let again = installation.run(&["devices", "revoke", id, "--yes", "--json"]);
    assert_eq!((again.code, &again.error()["code"]), (Some(3), &"not-found".into()));
    assert_eq!(installation.run(&["devices", "revoke", "phone", "--yes"]).code, Some(2));
    assert_eq!(installation.json(&["devices", "list"])["devices"].as_array().unwrap().len(), 1);
    running.stop();
}
