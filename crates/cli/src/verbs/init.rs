//! `nokv init`

use crate::context::Context;
use crate::failure::Outcome;
use crate::open;
use crate::output::{Field, Record};
use clap::Args;

/// Makes the data directory of --data and the object store of --store; one that exists is left as it is.
#[derive(Debug, Args)]
pub(crate) struct Init {}

impl Init {
    #[expect(clippy::unused_self, reason = "every verb runs from its arguments")]
    pub(crate) fn run(self, context: &Context) -> Outcome {
        let handle = open::create(&context.settings)?;
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
