//! What happens when the engine must not go on: a failed fdatasync, a store in an unknown state.

use crate::Error;
use std::sync::Arc;

/// The exit code of a process whose disk or engine failed; whoever starts it again lets recovery decide.
pub const EXIT_FATAL: i32 = 74;

/// Called once when the engine must not go on. The default ends the process with [`EXIT_FATAL`]; a handler
/// that returns (a test's) leaves an engine that refuses everything.
pub type FatalHandler = Arc<dyn Fn(&Error) + Send + Sync>;

/// Says what failed on standard error and ends the process.
pub fn exit_process() -> FatalHandler {
    Arc::new(|error| {
        use std::io::Write as _;
        // The process is about to end: a closed standard error changes nothing.
        let _ = writeln!(
            std::io::stderr(),
            "nokv: {}; the process ends so that recovery can decide",
            error.with_causes()
        );
        std::process::exit(EXIT_FATAL);
    })
}
