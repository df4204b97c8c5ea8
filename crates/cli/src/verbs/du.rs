//! `nokv du`

use super::find::below;
use crate::args::AtArg;
use crate::context::Context;
use crate::failure::Outcome;
use crate::output::{Field, Record};
use clap::Args;
use nokv_client::Walk;
use nokv_types::{FileKind, NsPath};
use std::collections::{BTreeMap, HashSet};
use std::ffi::OsString;

/// Sum up sizes below a directory
///
/// Sums up what lies below a directory; a file with several names counts once.
#[derive(Debug, Args)]
pub(crate) struct Du {
    /// Where to sum
    #[arg(default_value = "/", add = crate::complete::places())]
    path: OsString,
    /// Show directories so many levels down, too
    #[arg(short, long, default_value_t = 0, value_name = "N")]
    depth: usize,
    #[command(flatten)]
    at: AtArg,
}

#[derive(Default)]
struct Sum {
    bytes: u64,
    allocated: u64,
    files: u64,
    directories: u64,
}

impl Du {
    pub(crate) fn run(self, context: &Context) -> Outcome {
        let mut place = context.source(&self.path)?;
        let (view, path) = context.view(&mut place, &self.at)?;
        let client = context.client()?;
        let top = Context::named(&place, &path, client.follow(view, &path))?;
        let mut sums: BTreeMap<Vec<u8>, Sum> = BTreeMap::new();
        let mut counted = HashSet::new();
        sums.entry(place.path.to_bytes()).or_default().add(&top.attr);
        for entry in Walk::new(client, view, top) {
            let entry = entry?;
            let attr = &entry.found.attr;
            let is_dir = attr.kind == FileKind::Directory;
            if !is_dir && attr.nlink > 1 && !counted.insert(entry.found.node) {
                continue;
            }
            let names = entry.path.names();
            let levels = names.len() - usize::from(!is_dir);
            for level in 0..=levels.min(self.depth) {
                let part = names[..level]
                    .iter()
                    .fold(NsPath::default(), |path, name| path.join(name.clone()));
                let path = if level == 0 {
                    place.path.to_bytes()
                } else {
                    below(&place.path, &part)
                };
                sums.entry(path).or_default().add(attr);
            }
        }
        let mut list = context
            .out
            .listing(&["size", "allocated", "files", "directories", "path"]);
        for (path, sum) in sums {
            list.push(sum.record(path))?;
        }
        list.end()
    }
}

impl Sum {
    fn add(&mut self, attr: &nokv_types::Attr) {
        self.bytes += attr.size;
        self.allocated += attr.allocated;
        if attr.kind == FileKind::Directory {
            self.directories += 1;
        } else {
            self.files += 1;
        }
    }

    fn record(&self, path: Vec<u8>) -> Record {
        Record::new()
            .with("path", Field::Bytes(path))
            .with("size", Field::Size(self.bytes))
            .with("allocated", Field::Size(self.allocated))
            .with("files", Field::Number(self.files))
            .with("directories", Field::Number(self.directories))
    }
}
