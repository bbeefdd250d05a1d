//! Who is let in, what they see, and how they are put out again.

use std::net::Ipv4Addr;
use std::time::Duration;

use domain::{EventBody, RunId};
use serde_json::{Value, json};
use store::NewDevice;

use crate::house::{OPERATOR, connect, in_house, quick, settings};

async fn models(house: &crate::house::House, token: &str) -> u16 {
    house.get("/v1/models", &format!("authorization: Bearer {token}\r\n")).await.status
}

#[test]
fn guesses_lock_out_one_address_and_no_other() {
    in_house(quick(), async |house| {
        let guess = |number: u32| {
            // Whatever is claimed about the way, the address is the peer's: it is no listed proxy.
            format!("authorization: Bearer guess-{number}\r\nx-forwarded-for: 9.9.9.{number}\r\n")
        };
        for number in 0..10 {
            assert_eq!(house.get("/v1/models", &guess(number)).await.status, 401);
        }
        let locked = house.get("/v1/models", &guess(11)).await;
        assert_eq!(locked.status, 429);
        let wait: u64 = locked.header("retry-after").unwrap().parse().unwrap();
        assert!((290..=300).contains(&wait), "{wait}");
        assert_eq!(models(house, OPERATOR).await, 429, "also with the right one");
        let request = format!(
            "GET /v1/models HTTP/1.1\r\nhost: {{host}}\r\nconnection: close\r\nx-api-key: {OPERATOR}\r\n\r\n"
        );
        let elsewhere = house.raw_from(Ipv4Addr::new(127, 0, 0, 2).into(), &request).await;
        assert_eq!(elsewhere.status, 200);
        // Sockets count against the same address.
        let mut client = house.knock().await;
        let refused = client.request("connect", connect(OPERATOR)).await.unwrap_err();
        assert_eq!(
            (&refused["code"], &refused["retryable"]),
            (&json!("UNAVAILABLE"), &json!(true))
        );
        assert_eq!(client.closed().await, Some(1008));
    });
}

#[test]
fn nobody_is_the_operator_when_there_is_no_token() {
    in_house(quick(), async |house| {
        for blank in ["", "   "] {
            house.settings.send(settings(blank)).unwrap();
            for shown in ["", " ", "x"] {
                assert_eq!(models(house, shown).await, 401);
            }
        }
    });
}

#[test]
fn rotation_and_revocation_close_live_sockets() {
    in_house(quick(), async |house| {
        let tenant = house.tenant("aliya").await;
        let other = house.tenant("boris").await;
        let slug = "aliya".parse().unwrap();
        let scopes = vec!["operator.read".to_owned()];
        let new = NewDevice { label: "phone".to_owned(), scopes, tenant: None };
        let (device, credential) = house.store.create_device(new).await.unwrap();

        let mut operators = house.client(OPERATOR).await;
        let mut tenants = house.client(tenant.expose()).await;
        let mut devices = house.client(credential.expose()).await;
        let mut others = house.client(other.expose()).await;

        house.settings.send(settings("another")).unwrap();
        assert_eq!(operators.closed().await, Some(1008));
        assert_eq!(models(house, OPERATOR).await, 401);
        assert_eq!(models(house, "another").await, 200);

        house.store.revoke_device(device.id).await.unwrap();
        assert_eq!(devices.closed().await, Some(1008));
        assert_eq!(models(house, credential.expose()).await, 401);

        let fresh = house.store.rotate_tenant_token(&slug).await.unwrap();
        assert_eq!(tenants.closed().await, Some(1008));
        assert_eq!(models(house, tenant.expose()).await, 401);
        assert_eq!(models(house, fresh.expose()).await, 200);

        let mut tenants = house.client(fresh.expose()).await;
        house.store.suspend_tenant(&slug).await.unwrap();
        assert_eq!(tenants.closed().await, Some(1008));
        assert_eq!(models(house, fresh.expose()).await, 403);

        others.request("health", json!({})).await.unwrap();
    });
}

#[test]
fn a_link_lets_one_device_in_once() {
    in_house(quick(), async |house| {
        let link = house.store.create_link(Duration::from_secs(60)).await.unwrap();
        assert_eq!(models(house, link.expose()).await, 401, "a link is for sockets");
        let mut page = connect(link.expose());
        page["client"]["id"] = json!("webchat-ui");
        let hello = house.knock().await.request("connect", page.clone()).await.unwrap();
        let device = hello["auth"]["deviceToken"].as_str().unwrap().to_owned();
        let mut again = house.knock().await;
        let refused = again.request("connect", page.clone()).await.unwrap_err();
        assert_eq!(refused["code"], "UNAUTHORIZED");
        assert_eq!(again.closed().await, Some(1008));

        page["auth"]["token"] = json!(device);
        let hello = house.knock().await.request("connect", page.clone()).await.unwrap();
        assert!(hello["auth"].get("deviceToken").is_none(), "it has one already");
        page["auth"]["token"] = json!(OPERATOR);
        let hello = house.knock().await.request("connect", page).await.unwrap();
        assert!(hello["auth"]["deviceToken"].as_str().is_some_and(|token| token != device));
    });
}

#[test]
fn a_tenants_page_gets_a_device_of_that_tenant() {
    in_house(quick(), async |house| {
        let tenant = house.tenant("aliya").await;
        house.tenant("boris").await;
        let mut page = connect(tenant.expose());
        page["client"]["id"] = json!("webchat-ui");
        let hello = house.knock().await.request("connect", page).await.unwrap();
        assert_eq!(hello["auth"]["tenant"], "aliya");
        assert_eq!(hello["auth"]["scopes"], json!(["operator.read", "operator.write"]));
        let device = hello["auth"]["deviceToken"].as_str().unwrap();
        let mut client = house.client(device).await;
        let agents = client.request("agents.list", json!({})).await.unwrap();
        assert_eq!(agents["defaultId"], "aliya");
        assert_eq!(agents["agents"].as_array().unwrap().len(), 1);
    });
}

#[test]
fn scopes_are_the_servers_and_declarations_only_shrink() {
    in_house(quick(), async |house| {
        let tenant = house.tenant("main").await;
        let hello = |token: &str, scopes: Value| {
            let mut params = connect(token);
            params["scopes"] = scopes;
            params
        };
        let mut reader = house.knock().await;
        let params = hello(OPERATOR, json!(["operator.read", "root"]));
        let granted = reader.request("connect", params).await.unwrap();
        assert_eq!(granted["auth"]["scopes"], json!(["operator.read"]));
        let send = json!({ "sessionKey": "main", "message": "x", "idempotencyKey": "1" });
        let refused = reader.request("chat.send", send).await.unwrap_err();
        assert_eq!(refused["code"], "FORBIDDEN");
        assert_eq!(
            refused["details"],
            json!({
                "code": "MISSING_SCOPE", "missingScope": "operator.write",
                "requiredScopes": ["operator.write"],
            })
        );
        let mut greedy = house.knock().await;
        let params = hello(tenant.expose(), json!(["operator.admin"]));
        let granted = greedy.request("connect", params).await.unwrap();
        assert_eq!(granted["auth"]["scopes"], json!(["operator.read", "operator.write"]));
        for method in [
            "tenants.list",
            "tenants.create",
            "logs.tail",
            "providers.list",
            "workers.list",
            "workers.recycle",
        ] {
            let refused = greedy.request(method, json!({})).await.unwrap_err();
            assert_eq!(refused["code"], "FORBIDDEN", "{method}");
        }
        let mut nobody = house.knock().await;
        let refused = nobody.request("connect", hello(OPERATOR, json!([]))).await.unwrap_err();
        assert_eq!(refused["code"], "FORBIDDEN");
        assert_eq!(nobody.closed().await, Some(1008));
    });
}

#[test]
fn the_operator_sees_the_pool_and_replaces_workers() {
    in_house(quick(), async |house| {
        let mut operator = house.knock().await;
        operator.request("connect", connect(OPERATOR)).await.unwrap();
        let answer = operator.request("workers.list", json!({})).await.unwrap();
        assert_eq!(answer["metrics"]["queueDepth"], 2);
        assert_eq!(answer["limits"]["maxQueueSize"], 32);
        let queue = json!({ "tenant": "main", "tier": "free", "waiting": 2, "oldestMs": 1_500 });
        assert_eq!((&answer["workers"], &answer["queues"]), (&json!([]), &json!([queue])));
        for (worker, ok) in [("worker-0", true), ("worker-1", false)] {
            let params = json!({ "workerId": worker });
            let recycled = operator.request("workers.recycle", params).await.unwrap();
            assert_eq!(recycled, json!({ "ok": ok }));
        }
        let mut writer = house.knock().await;
        let mut hello = connect(OPERATOR);
        hello["scopes"] = json!(["operator.write"]);
        writer.request("connect", hello).await.unwrap();
        let params = json!({ "workerId": "worker-0" });
        let refused = writer.request("workers.recycle", params).await.unwrap_err();
        assert_eq!(refused["code"], "FORBIDDEN");
    });
}

#[test]
fn the_operator_sees_how_the_providers_are_doing() {
    in_house(quick(), async |house| {
        let mut operator = house.knock().await;
        operator.request("connect", connect(OPERATOR)).await.unwrap();
        let answer = operator.request("providers.list", json!({})).await.unwrap();
        let provider = &answer["providers"][0];
        assert_eq!(provider["id"], "sim");
        assert_eq!(
            (&provider["circuit"], &provider["circuitOpenMs"]),
            (&json!("open"), &json!(4_000))
        );
        assert_eq!(provider["quota"]["waiting"], 0);
    });
}

/// Every method that names a session or a tenant, asked by a tenant for what belongs to another and for
/// what does not exist.
#[test]
fn what_is_foreign_answers_like_what_is_absent() {
    in_house(quick(), async |house| {
        let token = house.tenant("aliya").await;
        house.tenant("boris").await;
        let mut operator = house.client(OPERATOR).await;
        for session in ["agent:boris:main", "agent:boris:web:direct:anna"] {
            let send = json!({ "sessionKey": session, "message": "x", "idempotencyKey": session });
            operator.request("chat.send", send).await.unwrap();
        }
        let mut tenant = house.client(token.expose()).await;
        for method in
            ["chat.history", "chat.abort", "sessions.reset", "sessions.describe", "chat.send"]
        {
            let mut answers = Vec::new();
            for session in [
                "agent:boris:main",
                "agent:boris:web:direct:anna",
                "agent:nobody:main",
                "agent:nobody:web:direct:anna",
                "agent:boris",
                "nonsense",
            ] {
                let params =
                    json!({ "sessionKey": session, "message": "x", "idempotencyKey": "k" });
                answers.push(tenant.request(method, params).await.unwrap_err().to_string());
            }
            assert!(answers.iter().all(|answer| *answer == answers[0]), "{method} {answers:?}");
            assert!(answers[0].contains("NOT_FOUND"));
        }
        let mut answers = Vec::new();
        for agent in ["boris", "nobody", "../x"] {
            let asked = tenant.request("sessions.list", json!({ "agentId": agent })).await;
            answers.push(asked.unwrap_err().to_string());
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        let all = tenant.request("sessions.list", json!({})).await.unwrap();
        assert_eq!(all["sessions"], json!([]));
        let health = tenant.request("health", json!({})).await.unwrap();
        assert_eq!(health["turns"], json!({ "running": 0, "waiting": 0 }));

        let ask = |agent: &str| json!({ "model": format!("openclaw/{agent}"), "messages": [{ "role": "user", "content": "x" }] });
        let path = "/v1/chat/completions";
        let foreign = house.post(path, token.expose(), "", &ask("boris")).await;
        let absent = house.post(path, token.expose(), "", &ask("nobdy")).await;
        assert_eq!(foreign.status, 404);
        assert_eq!(foreign.body.replace("boris", "nobdy"), absent.body);
        let missing = house.post(path, OPERATOR, "", &ask("nobdy")).await;
        assert_eq!(missing.body, absent.body, "what does not exist does not exist for anybody");
        let listed = house.get("/v1/models", &format!("x-api-key: {}\r\n", token.expose())).await;
        assert!(!listed.body.contains("boris"));
    });
}

#[test]
fn a_tenant_hears_of_itself_alone() {
    in_house(quick(), async |house| {
        let token = house.tenant("aliya").await;
        house.tenant("boris").await;
        let mut tenant = house.client(token.expose()).await;
        tenant.request("sessions.subscribe", json!({})).await.unwrap();
        let delta = |text: &str| EventBody::Delta {
            run: RunId("r".to_owned()),
            offset: 0,
            text: text.to_owned(),
        };
        house.publish("agent:boris:main", delta("secret"));
        house.publish("agent:aliya:main", delta("mine"));
        let heard = tenant.whole_event("chat").await;
        assert_eq!((&heard["payload"]["deltaText"], &heard["seq"]), (&json!("mine"), &json!(1)));
    });
}

#[test]
fn only_the_operator_governs_and_each_change_names_who_made_it() {
    in_house(quick(), async |house| {
        let tenant = house.tenant("aliya").await;
        let scopes = vec!["operator.read".to_owned(), "operator.write".to_owned()];
        let new = NewDevice { label: "phone".to_owned(), scopes, tenant: None };
        let (_, writer) = house.store.create_device(new).await.unwrap();
        let calls = [
            ("tenants.tier", json!({ "slug": "aliya", "tier": "premium" })),
            ("tenants.suspend", json!({ "slug": "aliya" })),
            ("tenants.reinstate", json!({ "slug": "aliya" })),
            ("tenants.suspend", json!({ "slug": "aliya" })),
            ("tenants.delete", json!({ "slug": "aliya" })),
            ("sessions.clean", json!({})),
            ("audit.list", json!({ "agentId": "aliya" })),
        ];
        let others = [
            ("persons.list", json!({})),
            ("persons.tier", json!({ "agentId": "aliya", "person": "web:anna", "tier": null })),
            ("persons.suspend", json!({ "agentId": "aliya", "person": "web:anna" })),
            ("persons.reinstate", json!({ "agentId": "aliya", "person": "web:anna" })),
            ("sessions.extend", json!({ "sessionKey": "main", "ms": 1 })),
            ("sessions.suspend", json!({ "sessionKey": "main" })),
        ];
        let mut tenants = house.client(tenant.expose()).await;
        let mut writers = house.client(writer.expose()).await;
        for (method, params) in calls.iter().chain(&others) {
            let refused = tenants.request(method, params.clone()).await.unwrap_err();
            assert_eq!(refused["details"]["code"], "MISSING_SCOPE", "{method}: {refused}");
            if *method != "persons.list" {
                let refused = writers.request(method, params.clone()).await.unwrap_err();
                assert_eq!(refused["details"]["code"], "MISSING_SCOPE", "{method}: {refused}");
            }
        }
        let mut operators = house.client(OPERATOR).await;
        let mut last = Value::Null;
        for (method, params) in calls {
            last = operators.request(method, params).await.unwrap();
        }
        let rows = last["rows"].as_array().unwrap();
        let told: Vec<_> = rows.iter().map(|row| (&row["action"], &row["actor"])).collect();
        let by = |action: &str, actor: &str| (json!(action), json!(actor));
        let wanted = [
            by("tenant.created", "system"),
            by("tenant.tier_changed", "operator"),
            by("tenant.suspended", "operator"),
            by("tenant.reinstated", "operator"),
            by("tenant.suspended", "operator"),
            by("tenant.deleted", "operator"),
        ];
        let wanted: Vec<_> = wanted.iter().map(|(action, actor)| (action, actor)).collect();
        assert_eq!(told, wanted);
        assert_eq!(models(house, tenant.expose()).await, 401, "as if it had never been");
    });
}
