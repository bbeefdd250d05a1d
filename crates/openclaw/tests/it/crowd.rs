//! Many processes on one database.

use std::process::{Child, Stdio};

use crate::installation::{Installation, Run};
use crate::running::Running;

fn begin(installation: &Installation, arguments: &[&str]) -> Child {
    let mut command = installation.command(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn all_succeed(crowd: Vec<Child>) {
    for child in crowd {
        let run = Run::from(child.wait_with_output().unwrap());
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{run:?}");
    }
}

#[test]
fn commands_do_not_get_into_each_others_way_nor_into_the_gateways() {
    let installation = Installation::new();
    let mut running = Running::start(&installation, "up");
    let url = running.event()["url"].as_str().unwrap().to_owned();
    let commands: [&[&str]; 5] = [
        &["tenants", "list"],
        &["inbox", "list"],
        &["link"],
        &["sessions", "list"],
        &["agent", "--message", "hello", "--url", &url],
    ];
    let crowd = commands.iter().cycle().take(20).map(|command| begin(&installation, command));
    all_succeed(crowd.collect());
    running.stop();
}

#[test]
fn the_first_commands_of_an_installation_may_come_together() {
    let installation = Installation::new();
    let crowd = (0..8).map(|_| begin(&installation, &["tenants", "list"]));
    all_succeed(crowd.collect());
}
