//! An answer while it is being given: what was said so far can be read, and every delta says where it goes
//! on.

use config::settings::messages::Mode;
use domain::{EventBody, PartialAnswer, RunId, Turns};
use testkit::both_engines;

use crate::scene::{Scene, key};

/// Letters of one, two, three and four bytes, one of them made of several characters.
const QUESTION: &str = "Привет, мир! 你好 世界 👋🏽 and 👨‍👩‍👧 again";

/// Listens to this many deltas; each must go on where the one before ended.
async fn listen(scene: &mut Scene, deltas: usize) -> String {
    let (mut heard, mut count) = (String::new(), 0);
    scene
        .until(|body| {
            if let EventBody::Delta { offset, text, .. } = body {
                assert_eq!(*offset, heard.len());
                heard.push_str(text);
                count += 1;
            }
            (count == deltas).then_some(())
        })
        .await;
    heard
}

fn said(scene: &Scene) -> PartialAnswer {
    scene.engine.said(&key("main")).unwrap()
}

both_engines! {
    async fn what_was_said_so_far_can_be_read_until_the_whole_is_stored(world: &World) {
        let mut scene = Scene::new(world, "echo+hang-after=7").await;
        assert_eq!(scene.engine.said(&key("main")), None);
        scene.tell("main", "r-1", QUESTION).await;
        let heard = listen(&mut scene, 7).await;
        assert!(heard.contains("你好"), "{heard}");
        let partial = said(&scene);
        assert_eq!((partial.run, partial.text.as_str()), (RunId("r-1".to_owned()), heard.as_str()));
        assert_eq!(scene.engine.said(&key("other")), None);

        assert_eq!(scene.engine.abort(&key("main"), None).len(), 1);
        scene.until(|body| matches!(body, EventBody::Aborted { .. }).then_some(())).await;
        let stored = scene.lines("main").await.remove(1);
        assert_eq!((stored.id, stored.text), (partial.id, heard));

        scene.tell("main", "r-2", "more").await;
        scene.until(|body| matches!(body, EventBody::Started { .. }).then_some(())).await;
        let next = said(&scene);
        assert_eq!(next.run, RunId("r-2".to_owned()));
        assert_ne!(next.id, partial.id);
        assert_eq!(scene.engine.abort(&key("main"), None).len(), 1);
    }

    async fn the_deltas_make_up_the_stored_answer(world: &World) {
        let mut scene = Scene::new(world, "echo+chunk=3").await;
        scene.tell("main", "r-1", QUESTION).await;
        let mut heard = String::new();
        let stored = scene
            .until(|body| match body {
                EventBody::Delta { offset, text, .. } => {
                    assert_eq!(*offset, heard.len());
                    heard.push_str(text);
                    None
                }
                EventBody::Replied { text, .. } => Some(text.clone()),
                _ => None,
            })
            .await;
        assert_eq!((heard, stored.as_str()), (stored.clone(), format!("You said: {QUESTION}").as_str()));
    }

    async fn another_attempt_begins_at_the_beginning(world: &World) {
        let mut scene = Scene::new(world, "echo+cut-after=3").await;
        scene.tell("main", "r-1", QUESTION).await;
        listen(&mut scene, 3).await;
        scene.until(|body| matches!(body, EventBody::Failed { .. }).then_some(())).await;
        scene.change(Some("echo+hang-after=4"), Mode::Collect);
        // The attempt after the failure may have begun before the change.
        let mut heard = String::new();
        scene
            .until(|body| match body {
                EventBody::Delta { offset: 0, text, .. } => {
                    heard.clone_from(text);
                    None
                }
                EventBody::Delta { offset, text, .. } => {
                    assert_eq!(*offset, heard.len());
                    heard.push_str(text);
                    heard.contains("Привет, мир!").then_some(())
                }
                _ => None,
            })
            .await;
        assert_eq!(said(&scene).text, heard);
        assert_eq!(scene.engine.abort(&key("main"), None).len(), 1);
    }
}
