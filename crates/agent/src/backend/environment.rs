//! What a program sees of this process's environment, and where it is found.
//!
//! Refuses everything that is not named here: an inherited variable can be a secret, or a way to run code.

use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use config::Env;
use domain::Secret;

/// What any program may see: where it is, whose it is, what language and time it has, whom it may trust, and
/// by which way it reaches the outside.
const INHERITED: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LC_MESSAGES",
    "TZ",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "https_proxy",
    "http_proxy",
    "no_proxy",
];
/// Where programs are when the environment does not say.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The environment of a program: what it may inherit, without what the settings clear, and then what the
/// program and the settings give it. So a variable that is both cleared and given is given.
pub(super) fn environment<'a>(
    env: &Env,
    passed: &[&str],
    cleared: &[String],
    given: impl Iterator<Item = (&'a str, Secret)>,
) -> Vec<(String, Secret)> {
    let is_cleared = |name: &str| cleared.iter().any(|cleared| cleared == name);
    let inherited = INHERITED.iter().chain(passed).filter(|name| !is_cleared(name));
    let value = |name: &&str| {
        let value = env.get(name).or((*name == "PATH").then_some(PATH))?;
        Some(((*name).to_owned(), Secret::new(value)))
    };
    let mut all: Vec<(String, Secret)> = inherited.filter_map(value).collect();
    for (name, value) in given {
        all.retain(|(other, _)| other != name);
        all.push((name.to_owned(), value));
    }
    all
}

/// The file of a program: an absolute path, or a name in one of the absolute folders of `PATH`.
pub(super) fn find(command: &str, path: &str) -> Option<PathBuf> {
    if command.starts_with('/') {
        return Some(PathBuf::from(command)).filter(|file| is_program(file));
    }
    let folders = path.split(':').map(Path::new).filter(|folder| folder.is_absolute());
    folders.map(|folder| folder.join(command)).find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    let runs =
        |metadata: Metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0;
    file.metadata().is_ok_and(runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(all: &[(String, Secret)]) -> Vec<&str> {
        all.iter().map(|(name, _)| name.as_str()).collect()
    }

    #[test]
    fn only_what_is_named_is_inherited() {
        let env: Env = [
            ("HOME", "/root"),
            ("OPENAI_API_KEY", "k"),
            ("LD_PRELOAD", "/evil.so"),
            ("NODE_OPTIONS", "--require /evil.js"),
            ("LOGIN_OF_THE_PROGRAM", "t"),
        ]
        .into_iter()
        .collect();
        let all = environment(&env, &["LOGIN_OF_THE_PROGRAM"], &[], std::iter::empty());
        assert_eq!(names(&all), ["PATH", "HOME", "LOGIN_OF_THE_PROGRAM"]);
        let all = environment(&env, &[], &["HOME".to_owned()], std::iter::empty());
        assert_eq!(names(&all), ["PATH"]);
    }

    #[test]
    fn what_is_given_arrives_although_it_is_cleared() {
        let env: Env = [("HOME", "/root")].into_iter().collect();
        let given = [("ANTHROPIC_API_KEY", Secret::new("sentinel")), ("HOME", Secret::new("/h"))];
        let cleared = ["ANTHROPIC_API_KEY".to_owned(), "HOME".to_owned()];
        let all = environment(&env, &[], &cleared, given.into_iter());
        assert_eq!(names(&all), ["PATH", "ANTHROPIC_API_KEY", "HOME"]);
        assert_eq!((all[1].1.expose(), all[2].1.expose()), ("sentinel", "/h"));
    }

    #[test]
    fn a_program_is_found_in_absolute_folders_only() {
        assert_eq!(find("sh", ".::/nowhere:/bin"), Some(PathBuf::from("/bin/sh")));
        assert_eq!(find("/bin/sh", ""), Some(PathBuf::from("/bin/sh")));
        assert_eq!(find("sh", "bin:."), None);
        assert_eq!(find("/etc/passwd", "/bin"), None, "it cannot be run");
        assert_eq!(find("/bin", ""), None, "a folder");
    }
}
