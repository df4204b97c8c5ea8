//! `nokv diff`

use crate::context::Context;
use crate::failure::Outcome;
use crate::moment;
use crate::output::{Field, Record, kind_word};
use clap::Args;
use nokv_client::{At, Namespace, View};
use nokv_types::{Code, DiffEntry, DiffKind};

/// Differences that one question asks for.
const PAGE_ENTRIES: usize = 1000;

/// Differences between two states
///
/// Shows what differs between two states; the work is that of the changes, not that of the tree.
///
/// A state is a root (main), a snapshot, a version or a time of the current root, or ROOT@STATE. Against a snapshot
/// of a directory, the same directory of the other state is compared.
#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// The earlier state
    #[arg(add = crate::complete::states())]
    from: String,
    /// The later state [default: the newest one of --root]
    #[arg(add = crate::complete::states())]
    to: Option<String>,
}

impl Diff {
    pub(crate) fn run(self, context: &Context) -> Outcome {
        let mut from = state(context, &self.from)?;
        let mut to = match &self.to {
            Some(text) => state(context, text)?,
            None => context.state(&context.settings.root, &At::Head)?,
        };
        // A snapshot of a subtree is compared with that subtree of a whole root.
        let namespace = context.client()?.namespace();
        narrow(namespace, &mut to, from)?;
        narrow(namespace, &mut from, to)?;
        let client = context.client()?;
        let mut list = context.out.listing(&["change", "path", "old_path"]).headless();
        let mut after: Option<Vec<u8>> = None;
        loop {
            client.check_stop("diff", "two states")?;
            let page = client
                .namespace()
                .diff(from, to, after.as_deref(), PAGE_ENTRIES)?;
            for entry in page.entries {
                list.push(record(entry))?;
            }
            after = page.next;
            if after.is_none() {
                return list.end();
            }
        }
    }
}

/// Makes the view of a whole root one of the directory that the other view shows.
fn narrow(namespace: &dyn Namespace, whole: &mut View, part: View) -> Outcome {
    if whole.node.ino != part.node.ino && namespace.path_of(whole.point, whole.node.ino)?.is_root() {
        namespace.getattr(whole.point, part.node.ino)?;
        whole.node.ino = part.node.ino;
    }
    Ok(())
}

fn state(context: &Context, text: &str) -> Outcome<View> {
    let namespace = context.client()?.namespace();
    let now = moment::now();
    if let Some((root, at)) = text.split_once('@') {
        let root = if root.is_empty() {
            context.settings.root.as_slice()
        } else {
            root.as_bytes()
        };
        let at = moment::parse_at(Some(at).filter(|at| !at.is_empty()), now)?;
        return context.state(root, &at);
    }
    match namespace.root(text.as_bytes()) {
        Ok(_) => return Ok(namespace.resolve_at(text.as_bytes(), &At::Head)?),
        Err(error) if matches!(error.code(), Some(Code::NotFound | Code::NotARoot)) => {}
        Err(error) => return Err(error.into()),
    }
    let at = moment::parse_at(Some(text), now)?;
    context.state(&context.settings.root, &at)
}

fn record(entry: DiffEntry) -> Record {
    let change = match entry.kind {
        DiffKind::Added => "added",
        DiffKind::Removed => "removed",
        DiffKind::Body => "body",
        DiffKind::Attributes => "attributes",
        DiffKind::Renamed => "renamed",
    };
    Record::new()
        .with("change", Field::Text(change.to_owned()))
        .with("kind", Field::Text(kind_word(entry.file_kind).to_owned()))
        .with("path", Field::Bytes(entry.path))
        .with(
            "old_path",
            entry.old_path.map_or(Field::Text(String::new()), Field::Bytes),
        )
        .with("ino", Field::Number(entry.node.ino.0))
}
