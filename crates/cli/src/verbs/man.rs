//! `nokv man`

use crate::args::Cli;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::output::{Field, Record};
use clap::{Args, Command, CommandFactory as _};
use std::path::{Path, PathBuf};

/// Write the manual pages
///
/// Writes the manual pages: nokv man /usr/local/share/man/man1
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// Folder for the pages; made when it is not there
    dir: PathBuf,
}

impl Man {
    pub(crate) fn run(self, context: &Context) -> Outcome {
        let shown = self.dir.display().to_string();
        let failed = |source| Failure::local("write", shown.clone(), source);
        std::fs::create_dir_all(&self.dir).map_err(failed)?;
        let mut root = Cli::command().disable_help_subcommand(true);
        root.build();
        let pages = write_pages(&root, "nokv", &self.dir).map_err(failed)?;
        let record = Record::new()
            .with("dir", Field::Text(shown.clone()))
            .with("pages", Field::Number(pages));
        context.out.done(&format!("{shown}: {pages} pages"), &record)
    }
}

/// Writes the page of a command and those of its verbs; answers how many.
fn write_pages(command: &Command, name: &str, dir: &Path) -> std::io::Result<u64> {
    let mut page = Vec::new();
    let titled = command.clone().display_name(name.to_owned());
    let source = concat!("nokv ", env!("CARGO_PKG_VERSION"));
    clap_mangen::Man::new(titled)
        .manual("NoKV")
        .source(source)
        .render(&mut page)?;
    std::fs::write(dir.join(format!("{name}.1")), page)?;
    let mut pages = 1;
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        pages += write_pages(verb, &format!("{name}-{}", verb.get_name()), dir)?;
    }
    Ok(pages)
}
