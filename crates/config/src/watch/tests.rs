//! Which changes of the files are taken up while running, and which keep the settings before.

use tempfile::TempDir;

use super::*;

struct Home {
    folder: TempDir,
    paths: Paths,
}

impl Home {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().canonicalize().unwrap();
        let paths = Paths { config: state.join("openclaw.json"), state };
        fs::write(&paths.config, text).unwrap();
        Self { folder, paths }
    }

    fn write(&self, name: &str, text: &str) {
        // By rename, so that the inode differs even if time and length do not.
        let aside = self.folder.path().join("aside");
        fs::write(&aside, text).unwrap();
        fs::rename(&aside, self.folder.path().join(name)).unwrap();
    }

    fn watch(&self) -> Watch {
        let env = Env::default();
        let loaded = load(&self.paths, &env).unwrap();
        let mut watch = Watch::new(self.paths.clone(), env, &loaded);
        assert_eq!(watch.poll(), Seen::Same);
        watch
    }
}

fn named(paths: &[KeyPath]) -> Vec<String> {
    paths.iter().map(KeyPath::to_string).collect()
}

#[test]
fn a_change_is_taken_up_and_named() {
    let home = Home::new("{ gateway: { port: 1000 } }");
    let mut watch = home.watch();
    let (config, standing) = (watch.config(), watch.standing());
    assert_eq!(watch.poll(), Seen::Same);
    assert!(!config.has_changed().unwrap() && !standing.has_changed().unwrap());
    home.write("openclaw.json", "{ gateway: { port: 2000 }, logging: { level: 'debug' } }");
    assert_eq!(watch.poll(), Seen::Taken);
    assert_eq!(config.borrow().gateway.port, 2_000);
    assert_eq!(named(&standing.borrow().taken), ["logging.level"]);
    assert_eq!(named(&standing.borrow().restart), ["gateway.port"]);
    home.write("openclaw.json", "{ gateway: { port: 1000 } }");
    assert_eq!(watch.poll(), Seen::Taken);
    assert!(standing.borrow().restart.is_empty());
}

#[test]
fn a_bad_edit_keeps_the_running_configuration_until_it_is_right() {
    let home = Home::new("{ messages: { queue: { cap: 5 } } }");
    let mut watch = home.watch();
    let (config, mut standing) = (watch.config(), watch.standing());
    home.write("openclaw.json", "{ messages: { queue: { cpa: 6 } } }");
    assert_eq!(watch.poll(), Seen::Refused);
    assert_eq!(config.borrow().messages.queue.cap, 5);
    let problem = standing.borrow_and_update().problem.clone().unwrap();
    assert_eq!(problem.problems()[0].path.to_string(), "messages.queue.cpa");
    assert_eq!(watch.poll(), Seen::Refused);
    assert!(!standing.has_changed().unwrap(), "the same problem is reported once");
    home.write("openclaw.json", "{ messages: { queue: { cap: 6 } } }");
    assert_eq!(watch.poll(), Seen::Taken);
    assert_eq!(config.borrow().messages.queue.cap, 6);
    assert!(standing.borrow().problem.is_none());
}

#[test]
fn a_file_that_vanishes_is_a_problem_and_not_a_default() {
    let home = Home::new("{ gateway: { auth: { token: 'abc' } } }");
    let mut watch = home.watch();
    let (config, standing) = (watch.config(), watch.standing());
    fs::remove_file(&home.paths.config).unwrap();
    assert_eq!(watch.poll(), Seen::Refused);
    assert_eq!(config.borrow().gateway.auth.token.as_ref().unwrap().expose(), "abc");
    home.write("openclaw.json", "{ gateway: { auth: { token: 'abc' } } }");
    assert_eq!(watch.poll(), Seen::Taken);
    assert!(standing.borrow().problem.is_none() && !config.has_changed().unwrap());
}

#[test]
fn included_files_are_watched_too() {
    let home = Home::new("{ $include: 'more.json5' }");
    home.write("more.json5", "{ logging: { level: 'warn' } }");
    let mut watch = home.watch();
    let standing = watch.standing();
    home.write("more.json5", "{ logging: { level: 'wran' } }");
    assert_eq!(watch.poll(), Seen::Refused);
    home.write("more.json5", "{ logging: { level: 'error' } }");
    assert_eq!(watch.poll(), Seen::Taken);
    assert_eq!(named(&standing.borrow().taken), ["logging.level"]);
}

#[test]
fn reloading_can_be_turned_off() {
    let home = Home::new("{ gateway: { reload: { mode: 'off' } } }");
    let mut watch = home.watch();
    home.write("openclaw.json", "{ logging: { level: 'warn' } }");
    assert_eq!(watch.poll(), Seen::Same);
}

#[tokio::test(start_paused = true)]
async fn runs_by_itself() {
    let home = Home::new("{}");
    let watch = home.watch();
    let mut config = watch.config();
    let running = tokio::spawn(watch.run());
    home.write("openclaw.json", "{ gateway: { port: 3000 } }");
    config.changed().await.unwrap();
    assert_eq!(config.borrow().gateway.port, 3_000);
    running.abort();
}
