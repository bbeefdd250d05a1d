//! Writing the configuration: only what may be used, all at once, for this user alone.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a failure here is the report of the test")]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use config::{Env, Error, Paths, first_run, load, set, unset};
use domain::Ids;
use serde_json::json;

struct Counting;

impl Ids for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for (place, byte) in (0..).zip(bytes) {
            *byte = place;
        }
    }
}

fn home() -> (tempfile::TempDir, Paths) {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    (folder, Paths { config: state.join("openclaw.json"), state })
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_first_start_writes_a_token_once_and_for_this_user_alone() {
    let (_folder, paths) = home();
    assert!(first_run(&paths, &Counting).unwrap());
    assert_eq!((mode(&paths.state), mode(&paths.config)), (0o700, 0o600));
    let loaded = load(&paths, &Env::default()).unwrap();
    let token = loaded.config.gateway.auth.token.unwrap();
    assert_eq!(token.expose(), "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
    assert_eq!(loaded.warnings, []);
    let text = fs::read_to_string(&paths.config).unwrap();
    assert!(text.starts_with("// OpenClaw."));
    assert!(!first_run(&paths, &Counting).unwrap());
    assert_eq!(fs::read_to_string(&paths.config).unwrap(), text);
    assert_eq!(fs::read_dir(&paths.state).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn setting_keeps_comments_and_the_version_before() {
    let (_folder, paths) = home();
    first_run(&paths, &Counting).unwrap();
    let before = fs::read_to_string(&paths.config).unwrap();
    let path = "logging.level".parse().unwrap();
    let loaded = set(&paths, &Env::default(), &path, &json!("debug")).unwrap();
    assert_eq!(loaded.config.logging.level, config::settings::logging::Level::Debug);
    let after = fs::read_to_string(&paths.config).unwrap();
    let added = "  },\n  logging: {\n    level: \"debug\",\n  },\n}\n";
    assert_eq!(after, before.replace("  },\n}\n", added));
    let backup = paths.state.join("openclaw.json.bak");
    assert_eq!(fs::read_to_string(&backup).unwrap(), before);
    assert_eq!((mode(&paths.config), mode(&backup)), (0o600, 0o600));
    unset(&paths, &Env::default(), &"logging".parse().unwrap()).unwrap();
    assert_eq!(fs::read_to_string(&paths.config).unwrap(), before);
    assert_eq!(fs::read_dir(&paths.state).unwrap().count(), 2, "nothing is left beside them");
}

#[test]
fn a_setting_may_come_before_the_file() {
    let (_folder, paths) = home();
    set(&paths, &Env::default(), &"gateway.port".parse().unwrap(), &json!(19_000)).unwrap();
    assert_eq!(mode(&paths.config), 0o600);
    assert_eq!(load(&paths, &Env::default()).unwrap().config.gateway.port, 19_000);
}

#[test]
fn what_would_be_refused_is_not_written() {
    let (_folder, paths) = home();
    first_run(&paths, &Counting).unwrap();
    let before = fs::read_to_string(&paths.config).unwrap();
    for (path, value) in [("gateway.prot", json!(1)), ("gateway.port", json!("x"))] {
        let error = set(&paths, &Env::default(), &path.parse().unwrap(), &value).unwrap_err();
        assert!(matches!(error, Error::Invalid { .. }), "{error}");
    }
    assert_eq!(fs::read_to_string(&paths.config).unwrap(), before);
    assert_eq!(fs::read_dir(&paths.state).unwrap().count(), 1);
}

#[test]
fn a_link_is_never_written_through() {
    let (folder, paths) = home();
    fs::create_dir(&paths.state).unwrap();
    let target = folder.path().join("target");
    fs::write(&target, "{}").unwrap();
    symlink(&target, &paths.config).unwrap();
    let path = "gateway.port".parse().unwrap();
    let error = set(&paths, &Env::default(), &path, &json!(1)).unwrap_err();
    assert!(matches!(error, Error::Link { .. }), "{error}");
    assert!(!first_run(&paths, &Counting).unwrap());
    fs::remove_file(&paths.config).unwrap();
    fs::write(&paths.config, "{}").unwrap();
    symlink(&target, paths.state.join("openclaw.json.bak")).unwrap();
    let error = set(&paths, &Env::default(), &path, &json!(1)).unwrap_err();
    assert!(matches!(error, Error::Link { .. }), "{error}");
    assert_eq!(fs::read_to_string(&target).unwrap(), "{}");
}

#[test]
fn a_file_that_others_may_read_is_a_warning() {
    let (_folder, paths) = home();
    fs::create_dir(&paths.state).unwrap();
    fs::write(&paths.config, "{}").unwrap();
    fs::set_permissions(&paths.config, fs::Permissions::from_mode(0o644)).unwrap();
    let warnings = load(&paths, &Env::default()).unwrap().warnings;
    let shown = paths.config.display();
    assert_eq!(
        warnings[0].to_string(),
        format!(
            "openclaw.json:1:1: other users may open this file (mode 644); run chmod 600 {shown}"
        )
    );
}

#[test]
fn an_absent_file_is_an_empty_one() {
    let (_folder, paths) = home();
    let loaded = load(&paths, &Env::default()).unwrap();
    assert_eq!((loaded.config, loaded.files.len()), (config::Config::default(), 0));
}
