//! What a command would be answered, without running it: executed on a copy of the state, and dropped.

use crate::engine::Core;
use crate::error::read_failed;
use nokv_meta::{Batch, Clock};
use nokv_types::{Code, Command, Refusal, Reply, Request};

impl Core {
    /// What the command would be answered now. Nothing is logged or applied, and no version is used.
    ///
    /// # Errors
    /// The refusal that the command would get; `Io` once the engine has stopped.
    pub(crate) fn rehearse(&self, command: Command) -> nokv_client::Result<Reply> {
        self.with_role(|role| {
            if role.log.is_none() || self.has_failed() {
                return Err(Refusal::new(Code::Io, "the engine")
                    .detail("it has stopped")
                    .into());
            }
            // The time of a batch that began now; the log's own clock does not move.
            let clock = Clock {
                log_ns: role.time.now_ns(),
                wall_ns: self.clocks.wall_ns(),
            };
            let mut state = role.state.clone();
            let mut batch = Batch::new(&self.store, &mut state, clock);
            batch.execute(Request::internal(command)).map_err(read_failed)?;
            let answer = batch.finish().map_err(read_failed)?.answers.pop();
            let unknown = || Refusal::new(Code::OutcomeUnknown, "the command");
            Ok(answer.unwrap_or_else(|| Err(unknown()))?)
        })
    }
}
