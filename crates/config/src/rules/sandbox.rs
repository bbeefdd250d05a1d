//! What a sandbox must not be given.

use super::Rules;
use crate::Config;
use crate::key_path::KeyPath;
use crate::settings::sandbox::{Docker, Sandbox};

/// Folders of this machine whose content would undo the sandbox, with everything below them.
const FORBIDDEN: &[&str] = &["/etc", "/proc", "/sys", "/dev", "/boot", "/run", "/var/run", "/root"];

pub(super) fn check(rules: &mut Rules<'_>, config: &Config) {
    let agents = KeyPath::of(&["agents"]);
    each(rules, &agents.key("defaults").key("sandbox"), &config.agents.defaults.sandbox);
    for (index, agent) in config.agents.list.iter().enumerate() {
        if let Some(sandbox) = &agent.sandbox {
            each(rules, &agents.key("list").index(index).key("sandbox"), sandbox);
        }
    }
}

fn each(rules: &mut Rules<'_>, path: &KeyPath, sandbox: &Sandbox) {
    let path = path.key("docker");
    let docker = &sandbox.docker;
    let at = |key: &str| path.key(key).to_string();
    limits(rules, &path, docker);
    if docker.network == "host" || docker.network.starts_with("container:") {
        rules.refuse(
            &at("network"),
            "shares a network that a sandbox must not see; use \"none\" or \"bridge\"",
        );
    }
    if docker.image.as_deref().is_some_and(|image| !is_pinned(image)) {
        rules.warn(&at("image"), "can change by itself; name a version or a digest");
    }
    for (index, bind) in docker.binds.iter().enumerate() {
        if let Err(reason) = check_bind(bind) {
            rules.refuse(&path.key("binds").index(index).to_string(), reason);
        }
    }
}

fn limits(rules: &mut Rules<'_>, path: &KeyPath, docker: &Docker) {
    if docker.cpus.is_some() && docker.cpu_limit.is_some() && docker.cpus != docker.cpu_limit {
        rules.refuse(&path.key("cpus").to_string(), "says something else than cpuLimit; keep one");
    }
    if docker.memory.is_some()
        && docker.memory_limit.is_some()
        && docker.memory != docker.memory_limit
    {
        rules.refuse(
            &path.key("memory").to_string(),
            "says something else than memoryLimit; keep one",
        );
    }
}

/// Whether an image has a digest, or a tag other than `latest`.
fn is_pinned(image: &str) -> bool {
    let name = image.rsplit('/').next().unwrap_or(image);
    image.contains("@sha256:")
        || name.split_once(':').is_some_and(|(_, tag)| !tag.is_empty() && tag != "latest")
}

fn check_bind(bind: &str) -> Result<(), String> {
    let from = bind.split(':').next().unwrap_or_default();
    let parts: Vec<&str> =
        from.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if !from.starts_with('/') || parts.contains(&"..") {
        return Err("wants an absolute folder, /from:/to or /from:/to:ro, without ..".to_owned());
    }
    let plain = format!("/{}", parts.join("/"));
    let below = |folder: &str| plain == folder || plain.starts_with(&format!("{folder}/"));
    if parts.is_empty() || plain.ends_with(".sock") || FORBIDDEN.iter().any(|folder| below(folder))
    {
        return Err("would give the sandbox this machine; bind a folder of its own".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_undo_the_sandbox_is_refused() {
        for bad in [
            "/:/host",
            "//:/host",
            "/./:/x",
            "/etc:/etc:ro",
            "/var/run/docker.sock:/s",
            "/run/x:/x",
            "/srv/../etc:/x",
            "relative:/x",
            "/srv/docker.sock:/x",
            "/etc/./shadow:/x",
            "",
        ] {
            assert!(check_bind(bad).is_err(), "{bad}");
        }
        for good in ["/srv/data:/data", "/home/openclaw/x:/x:ro", "/etcetera:/x"] {
            assert_eq!(check_bind(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn an_image_without_a_version_is_not_pinned() {
        for bad in ["debian", "debian:latest", "localhost:5000/debian", "a/b:"] {
            assert!(!is_pinned(bad), "{bad}");
        }
        for good in ["debian:12", "a/b@sha256:0123", "localhost:5000/debian:12"] {
            assert!(is_pinned(good), "{good}");
        }
    }
}
