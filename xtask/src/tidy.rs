//! The rules of the repository that no compiler checks.
//!
//! Each rule is a function from the tree to findings. Invariant: a rule never changes a file.

mod adr;
mod edges;
mod licences;
mod manifests;
mod metadata;
mod sources;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::paths::Paths;
use crate::process::{command, output};

/// A file of the tree that git knows or would add.
struct Source {
    /// Relative to the root, with `/`.
    path: String,
    /// Nothing for files that are not text.
    text: Option<String>,
}

impl Source {
    fn has_extension(&self, extensions: &[&str]) -> bool {
        self.path
            .rsplit_once('.')
            .is_some_and(|(_, extension)| extensions.contains(&extension))
    }

    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// Broken rules, each with the place.
#[derive(Default)]
struct Findings(Vec<String>);

impl Findings {
    fn add(&mut self, place: &str, what: impl AsRef<str>) {
        self.0.push(format!("{place}: {}", what.as_ref()));
    }
}

/// Checks every rule; prints what is broken and says whether nothing is.
pub(crate) fn run(paths: &Paths) -> Result<bool> {
    let sources = read_tree(paths)?;
    let metadata = metadata::Metadata::load(paths)?;
    let mut findings = Findings::default();
    let long = sources::check(&sources, &mut findings);
    manifests::check(&sources, &mut findings);
    adr::check(&sources, &mut findings);
    edges::check(&metadata, &mut findings);
    licences::check(&metadata, &sources, &mut findings)?;
    for finding in &findings.0 {
        println!("tidy: {finding}");
    }
    println!(
        "tidy: {} files, {} packages, {} findings; {long} source files above the soft limit of {} lines",
        sources.len(),
        metadata.packages.len(),
        findings.0.len(),
        sources::LINES_SOFT,
    );
    Ok(findings.0.is_empty())
}

fn read_tree(paths: &Paths) -> Result<Vec<Source>> {
    let mut git = command("git", &paths.root);
    let listed = output(git.args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
        "--deduplicate",
    ]))?;
    let mut sources = Vec::new();
    for path in listed.split_terminator('\0') {
        let file: PathBuf = paths.root.join(path);
        // Listed but deleted in the working tree, or a link to something that is not there.
        if !file.is_file() {
            continue;
        }
        let bytes = fs::read(&file).with_context(|| format!("cannot read {path}"))?;
        sources.push(Source {
            path: path.to_owned(),
            text: String::from_utf8(bytes).ok(),
        });
    }
    if sources.is_empty() {
        bail!("git lists no files: tidy checks a clone, not an unpacked archive");
    }
    Ok(sources)
}
