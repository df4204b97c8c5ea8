//! `nokv init`

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::moment::parse_duration;
use crate::open;
use crate::output::{Field, Record};
use clap::Args;

/// Make a data directory and its object store
///
/// Makes the data directory of --data and the object store of --store; one that exists is left as it is.
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// How far back --at reaches without a snapshot, and how long removed bodies stay: 10m, 2h, 7d [default: 1h]
    #[arg(long, value_name = "TIME")]
    history: Option<String>,
}

impl Init {
    pub(crate) fn run(self, context: &Context) -> Outcome {
        let history =
            match self.history.as_deref() {
                None => None,
                Some(text) => Some(parse_duration(text).map(i64::unsigned_abs).ok_or_else(|| {
                    Failure::usage(format!("--history {text}: not a time like 10m, 2h or 7d"))
                })?),
            };
        let handle = open::create(&context.settings, history)?;
        handle.close()?;
        let (data, store) = (
            context.settings.data.display().to_string(),
            context.settings.store.clone(),
        );
        let summary = format!("ready: {data}, objects in {store}");
        let record = Record::new()
            .with("data", Field::Text(data))
            .with("store", Field::Text(store));
        context.out.done(&summary, &record)
    }
}
