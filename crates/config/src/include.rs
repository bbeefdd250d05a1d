//! `$include`: one configuration from several files.
//!
//! A file may include others below the folder of the configuration, never itself, never through a link
//! that leads out. Objects are merged, arrays are joined, everything else is replaced by what comes later.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Place, Problem};
use crate::key_path::KeyPath;
use crate::syntax::{self, LARGEST};
use crate::tree::{Kind, Member, Node, Origin, Source};

/// How many files may include one another in a row.
const LONGEST_CHAIN: usize = 10;
/// How many files there may be in all.
const MOST_FILES: usize = 64;
const INCLUDE: &str = "$include";

/// Reads files into one tree and notes what is wrong with them.
pub(crate) struct Reader {
    /// What everything must be below, without links.
    folder: PathBuf,
    pub files: Vec<PathBuf>,
    pub problems: Vec<Problem>,
}

/// The files that led here, the current one last, and the setting that is being read.
struct Here<'a> {
    source: &'a Arc<Source>,
    chain: &'a [PathBuf],
    path: KeyPath,
}

// === impl Reader ===

impl Reader {
    pub(crate) fn new(folder: &Path) -> Self {
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        Self { folder, files: Vec::new(), problems: Vec::new() }
    }

    /// Reads a text that stands in `file`, and all that it includes.
    pub(crate) fn read(&mut self, file: &Path, text: String) -> Option<Node> {
        let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
        self.files.push(file.to_owned());
        let known_as = file.canonicalize().unwrap_or_else(|_| file.to_owned());
        self.parse(name, text, &[known_as], KeyPath::root())
    }

    fn parse(
        &mut self,
        name: String,
        text: String,
        chain: &[PathBuf],
        path: KeyPath,
    ) -> Option<Node> {
        let source = Arc::new(Source { name, text });
        match syntax::parse(&source.text) {
            Ok(node) => Some(self.expand(node, &Here { source: &source, chain, path })),
            Err(faults) => {
                self.problems.extend(faults.into_iter().map(|fault| Problem {
                    place: Origin::File { source: Arc::clone(&source), at: fault.at }.place(),
                    path: KeyPath::root(),
                    message: fault.message,
                }));
                None
            }
        }
    }

    fn expand(&mut self, node: syntax::Node, here: &Here<'_>) -> Node {
        let origin = here.origin(node.span.start);
        let kind = match node.kind {
            syntax::Kind::Null => Kind::Null,
            syntax::Kind::Bool(value) => Kind::Bool(value),
            syntax::Kind::Number(number) => Kind::Number(number),
            syntax::Kind::String(text) => Kind::String(text),
            syntax::Kind::Array(items) => Kind::Array(
                items
                    .into_iter()
                    .enumerate()
                    .map(|(index, item)| {
                        self.expand(item.node, &here.below(here.path.index(index)))
                    })
                    .collect(),
            ),
            syntax::Kind::Object(members) => return self.object(origin, members, here),
        };
        Node::new(origin, kind)
    }

    fn object(&mut self, origin: Origin, members: Vec<syntax::Member>, here: &Here<'_>) -> Node {
        let (includes, members): (Vec<_>, Vec<_>) =
            members.into_iter().partition(|member| member.key == INCLUDE);
        let members = members.into_iter().map(|member| Member {
            node: self.expand(member.node, &here.below(here.path.key(&member.key))),
            origin: here.origin(member.key_span.start),
            key: member.key,
        });
        let own = Node::new(origin, Kind::Object(members.collect()));
        match includes.into_iter().next() {
            None => own,
            Some(member) => self.merge_included(own, member.node, here),
        }
    }

    /// What the files at `names` say, with what the object itself says on top.
    fn merge_included(&mut self, own: Node, names: syntax::Node, here: &Here<'_>) -> Node {
        let alone = matches!(&own.kind, Kind::Object(members) if members.is_empty());
        let at = names.span.start;
        let names = match names.kind {
            syntax::Kind::String(name) => vec![(at, name)],
            syntax::Kind::Array(items) => {
                let mut names = Vec::new();
                for item in items {
                    match item.node.kind {
                        syntax::Kind::String(name) => names.push((item.node.span.start, name)),
                        _ => self.note(here, item.node.span.start, "wants the name of a file"),
                    }
                }
                names
            }
            _ => {
                self.note(here, at, "wants the name of a file, or a list of names");
                Vec::new()
            }
        };
        let single = alone && names.len() == 1;
        let mut merged: Option<Node> = None;
        for (at, name) in names {
            let Some(node) = self.included(&name, at, here) else { continue };
            if !single && !matches!(node.kind, Kind::Object(_)) {
                self.note(here, at, "the file must hold an object to be merged with others");
                continue;
            }
            merged = Some(match merged {
                None => node,
                Some(before) => merge(before, node),
            });
        }
        match merged {
            None => own,
            Some(node) if alone => node,
            Some(node) => merge(node, own),
        }
    }

    fn included(&mut self, name: &str, at: usize, here: &Here<'_>) -> Option<Node> {
        match self.open(name, here) {
            Ok((file, text)) => {
                let shown = file.strip_prefix(&self.folder).unwrap_or(&file).display().to_string();
                self.files.push(file.clone());
                let chain: Vec<PathBuf> = here.chain.iter().cloned().chain([file]).collect();
                self.parse(shown, text, &chain, here.path.clone())
            }
            Err(message) => {
                self.note(here, at, message);
                None
            }
        }
    }

    fn open(&self, name: &str, here: &Here<'_>) -> Result<(PathBuf, String), String> {
        let shown = domain::text::one_line(name, 128);
        let beside = here.chain.last().and_then(|file| file.parent()).unwrap_or(&self.folder);
        let file =
            beside.join(name).canonicalize().map_err(|_| format!("there is no file {shown}"))?;
        if !file.starts_with(&self.folder) {
            return Err(format!(
                "{shown} is outside the folder of the configuration; move it inside"
            ));
        }
        if here.chain.contains(&file) {
            return Err(format!("{shown} includes itself, directly or through others"));
        }
        if here.chain.len() > LONGEST_CHAIN {
            return Err(format!("{shown} is included through more than {LONGEST_CHAIN} files"));
        }
        if self.files.len() >= MOST_FILES {
            return Err(format!("more than {MOST_FILES} files are included"));
        }
        let text = read_text(&file).map_err(|fault| match fault {
            Unreadable::Refused(message) => format!("{shown} {message}"),
            Unreadable::Failed(_) => format!("{shown} cannot be read; check its rights"),
        })?;
        Ok((file, text))
    }

    fn note(&mut self, here: &Here<'_>, at: usize, message: impl Into<String>) {
        let place = here.origin(at).place();
        let path = here.path.key(INCLUDE);
        self.problems.push(Problem { place, path, message: message.into() });
    }
}

// === impl Here ===

impl<'a> Here<'a> {
    fn origin(&self, at: usize) -> Origin {
        Origin::File { source: Arc::clone(self.source), at }
    }

    fn below(&self, path: KeyPath) -> Here<'a> {
        Here { source: self.source, chain: self.chain, path }
    }
}

/// Why a file was not read.
pub(crate) enum Unreadable {
    /// We do not want it; the text goes on after the name of the file.
    Refused(&'static str),
    /// The system says no.
    Failed(std::io::Error),
}

/// The text of a regular file of bearable size.
pub(crate) fn read_text(path: &Path) -> Result<String, Unreadable> {
    if !fs::metadata(path).map_err(Unreadable::Failed)?.is_file() {
        return Err(Unreadable::Refused("is not a regular file"));
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(Unreadable::Failed)?;
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(Unreadable::Failed)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LARGEST {
        return Err(Unreadable::Refused("is larger than 1 MiB; split it with $include"));
    }
    String::from_utf8(bytes).map_err(|_| Unreadable::Refused("is not UTF-8 text; save it as UTF-8"))
}

fn merge(below: Node, above: Node) -> Node {
    match (below.kind, above.kind) {
        (Kind::Object(mut members), Kind::Object(more)) => {
            for member in more {
                match members.iter().position(|known| known.key == member.key) {
                    Some(place) => {
                        let known = members.remove(place);
                        let node = merge(known.node, member.node);
                        members.insert(place, Member { node, ..member });
                    }
                    None => members.push(member),
                }
            }
            Node::new(above.origin, Kind::Object(members))
        }
        (Kind::Array(mut items), Kind::Array(more)) => {
            items.extend(more);
            Node::new(above.origin, Kind::Array(items))
        }
        (_, kind) => Node::new(above.origin, kind),
    }
}

/// The place of a whole file, for problems that are about no line of it.
pub(crate) fn whole_file(path: &Path) -> Place {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    Place::File { name, line: 1, column: 1 }
}
