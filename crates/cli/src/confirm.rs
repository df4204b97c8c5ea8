//! Asking before something is deleted.

use crate::args::Sure;
use crate::catalogue::DECLINED;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use nokv_client::{Error, ErrorKind};
use std::io::{IsTerminal as _, Write as _};

/// Whether to go on: `--yes`, or the user's word on a terminal.
///
/// # Errors
/// `Usage` where nobody can be asked; `Declined` when the user said no; `Stopped` when a signal came instead.
pub(crate) fn confirm(context: &Context, sure: &Sure, what: &str) -> Outcome {
    if sure.yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        let why = format!("{what}: there is no terminal to ask on; add --yes");
        return Err(Failure::usage(why).try_next("the same command with --dry-run, then with --yes"));
    }
    let mut prompt = std::io::stderr();
    write!(prompt, "{what}? [y/N] ")?;
    prompt.flush()?;
    wait(context, what)?;
    let mut answer = String::new();
    std::io::stdin()
        .read_line(&mut answer)
        .map_err(|source| Failure::local("read", "the answer", source))?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        Ok(())
    } else {
        Err(Failure::Own(DECLINED, "nothing was done".to_owned(), None))
    }
}

/// Waits for a line on the terminal, or for the wish to stop.
fn wait(context: &Context, what: &str) -> Outcome {
    if crate::waiting::wait(&std::io::stdin(), || context.stopping()) {
        return Ok(());
    }
    writeln!(std::io::stderr())?;
    Err(Error::new(ErrorKind::Stopped, "ask", what).into())
}
