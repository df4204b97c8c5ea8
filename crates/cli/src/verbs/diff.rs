//! `nokv diff`

use crate::context::Context;
use crate::failure::Outcome;
use crate::moment;
use crate::output::{Field, Record, kind_word};
use clap::Args;
use nokv_client::{At, View};
use nokv_types::{Code, DiffEntry, DiffKind};

/// Differences that one question asks for.
const PAGE_ENTRIES: usize = 1000;

/// Shows what differs between two states; the work is that of the changes, not that of the tree.
///
/// A state is a root (main), a snapshot, a version or a time of the current root, or ROOT@STATE.
#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// The earlier state
    from: String,
    /// The later state [default: the newest one of --root]
    to: Option<String>,
}

impl Diff {
    pub(crate) fn run(self, context: &Context) -> Outcome {
        let from = state(context, &self.from)?;
        let to = match &self.to {
            Some(text) => state(context, text)?,
            None => context
                .client()?
                .namespace()
                .resolve_at(&context.settings.root, &At::Head)?,
        };
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
        return Ok(namespace.resolve_at(root, &at)?);
    }
    match namespace.root(text.as_bytes()) {
        Ok(_) => return Ok(namespace.resolve_at(text.as_bytes(), &At::Head)?),
        Err(error) if matches!(error.code(), Some(Code::NotFound | Code::NotARoot)) => {}
        Err(error) => return Err(error.into()),
    }
    let at = moment::parse_at(Some(text), now)?;
    Ok(namespace.resolve_at(&context.settings.root, &at)?)
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
