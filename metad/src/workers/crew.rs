//! Starting and joining the threads.

use super::{events, logs, publisher, upkeep};
use crate::commit::Syncer;
use crate::engine::Core;
use crate::{Error, Result};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

/// The threads of an open engine.
pub(crate) struct Crew {
    threads: Vec<JoinHandle<()>>,
}

type Job = fn(&Arc<Core>);

impl Crew {
    pub(crate) fn start(core: &Arc<Core>) -> Result<Self> {
        let jobs: [(&str, Job); 5] = [
            ("nokv-sync", Syncer::run),
            ("nokv-events", events::run),
            ("nokv-log", logs::run),
            ("nokv-publish", publisher::run),
            ("nokv-upkeep", upkeep::run),
        ];
        let mut threads = Vec::new();
        for (name, job) in jobs {
            let core = Arc::clone(core);
            let run = move || {
                let _inside = core.scope.enter();
                job(&core);
            };
            let thread = Builder::new().name(name.to_owned()).spawn(run);
            threads.push(thread.map_err(|error| Error::io("start", name, error))?);
        }
        Ok(Self { threads })
    }

    /// Waits for all of them; they were told to stop.
    pub(crate) fn join(self) {
        for thread in self.threads {
            // A worker that panicked has already done all the harm it can.
            let _ = thread.join();
        }
    }
}
