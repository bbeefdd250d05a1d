//! One look at everything, also for strangers.

use std::fs;

use crate::installation::Installation;

#[test]
fn what_is_shared_has_no_secret_and_no_home() {
    let installation = Installation::new();
    fs::create_dir(installation.state()).unwrap();
    let config = "{ gateway: { port: 1, auth: { token: 'hunter2-hunter2' } } }";
    fs::write(installation.state().join("openclaw.json"), config).unwrap();
    let home = installation.home().to_str().unwrap();
    let own = installation.run(&["status"]);
    assert!(own.out.contains(home), "{}", own.out);
    for arguments in [&["status", "--all"][..], &["status", "--all", "--json"]] {
        let run = installation.run(arguments);
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
        assert!(run.out.contains("~/.openclaw/openclaw.json"), "{}", run.out);
        assert!(!run.out.contains(home) && !run.out.contains("hunter2"), "{}", run.out);
    }
    let status = installation.json(&["status"]);
    assert_eq!(status["gateway"]["running"], false);
    assert_eq!(status["stored"]["engine"], "sqlite");
}
