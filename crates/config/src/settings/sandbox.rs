//! `agents.defaults.sandbox`: where commands of an agent run, and what they may use there.

use std::collections::BTreeMap;
use std::net::IpAddr;

use domain::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::format::{ByteSize, Cpus};

/// Where commands of an agent run.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Sandbox {
    /// Which sessions run in a sandbox.
    pub mode: Mode,
    /// What shares one sandbox.
    pub scope: Scope,
    /// What a command may do with the workspace.
    pub workspace_access: WorkspaceAccess,
    /// The folder below which sandboxes have workspaces of their own.
    #[schemars(length(min = 1))]
    pub workspace_root: Option<String>,
    /// The container.
    pub docker: Docker,
}

/// Which sessions run in a sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// None.
    #[default]
    Off,
    /// All but each agent's main session.
    NonMain,
    /// All.
    All,
}

/// What shares one sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// One for each agent.
    #[default]
    Agent,
    /// One for each session.
    Session,
    /// One for all.
    Shared,
}

/// What a command may do with the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WorkspaceAccess {
    /// Nothing; it has an empty one.
    #[default]
    None,
    /// Read it.
    Ro,
    /// Read and write it.
    Rw,
}

/// The container.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Docker {
    /// The image, with a tag or a digest.
    #[schemars(length(min = 1))]
    pub image: Option<String>,
    /// How the names of containers begin.
    #[schemars(length(min = 1))]
    pub container_prefix: String,
    /// The folder in which commands start.
    #[schemars(length(min = 1))]
    pub workdir: String,
    /// Whether everything but the workspace and `tmpfs` is read-only.
    pub read_only_root: bool,
    /// Folders in memory that can be written.
    pub tmpfs: Vec<String>,
    /// The network: `none`, `bridge`, or the name of one. `host` and `container:...` are refused.
    #[schemars(length(min = 1))]
    pub network: String,
    /// The user and group, as numbers.
    #[schemars(length(min = 1))]
    pub user: String,
    /// Capabilities that are taken away.
    pub cap_drop: Vec<String>,
    /// Environment variables of the container.
    #[schemars(with = "BTreeMap<String, String>", extend("writeOnly" = true))]
    pub env: BTreeMap<String, Secret>,
    /// A command that runs once when a container is made.
    pub setup_command: Option<String>,
    /// How many processes there may be.
    #[schemars(range(min = 1))]
    pub pids_limit: u32,
    /// How many processors may be used, for example `"2"` or `0.5`.
    pub cpu_limit: Option<Cpus>,
    /// The same as `cpuLimit`.
    pub cpus: Option<Cpus>,
    /// How much memory may be used, for example `"2g"` or `"512m"`.
    pub memory_limit: Option<ByteSize>,
    /// The same as `memoryLimit`.
    pub memory: Option<ByteSize>,
    /// How much memory and swap together may be used.
    pub memory_swap: Option<ByteSize>,
    /// Name servers.
    pub dns: Vec<IpAddr>,
    /// More names with addresses, `name:address`.
    pub extra_hosts: Vec<String>,
    /// Folders of this machine, `/from:/to:ro`. The root, `/etc`, `/proc`, `/sys`, `/dev`, `/run` and
    /// the socket of the container runtime are refused.
    pub binds: Vec<String>,
    /// A seccomp profile.
    pub seccomp_profile: Option<String>,
    /// An `AppArmor` profile.
    pub apparmor_profile: Option<String>,
}

// === impl Docker ===

impl Default for Docker {
    fn default() -> Self {
        Self {
            image: None,
            container_prefix: "openclaw-sandbox-".to_owned(),
            workdir: "/workspace".to_owned(),
            read_only_root: true,
            tmpfs: ["/tmp", "/var/tmp", "/run"].map(str::to_owned).into(),
            network: "none".to_owned(),
            user: "1000:1000".to_owned(),
            cap_drop: vec!["ALL".to_owned()],
            env: BTreeMap::new(),
            setup_command: None,
            pids_limit: 256,
            cpu_limit: None,
            cpus: None,
            memory_limit: None,
            memory: None,
            memory_swap: None,
            dns: Vec::new(),
            extra_hosts: Vec::new(),
            binds: Vec::new(),
            seccomp_profile: None,
            apparmor_profile: None,
        }
    }
}

impl Docker {
    /// How many processors may be used; one when nothing is written.
    #[must_use]
    pub fn processors(&self) -> Cpus {
        self.cpu_limit.or(self.cpus).unwrap_or(Cpus(1.0))
    }

    /// How much memory may be used; one gibibyte when nothing is written.
    #[must_use]
    pub fn memory_bytes(&self) -> ByteSize {
        self.memory_limit.or(self.memory).unwrap_or(ByteSize(1 << 30))
    }
}
