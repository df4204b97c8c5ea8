//! Opening the namespace that the settings name. The only file that knows who implements it.

use crate::failure::Outcome;
use crate::settings::Settings;
use nokv_client::Namespace;
use std::sync::Arc;

/// An open namespace.
pub(crate) struct Handle {
    namespace: Arc<dyn Namespace>,
    close: fn() -> Outcome,
}

impl Handle {
    pub(crate) fn shared(&self) -> Arc<dyn Namespace> {
        Arc::clone(&self.namespace)
    }

    /// Closes it in good order.
    pub(crate) fn close(self) -> Outcome {
        (self.close)()
    }
}

pub(crate) fn open(settings: &Settings) -> Outcome<Handle> {
    let subject = settings.data.display().to_string();
    Err(nokv_types::Refusal::new(nokv_types::Code::Unsupported, subject).into())
}

/// Makes a data directory and its object store.
pub(crate) fn create(settings: &Settings) -> Outcome<Handle> {
    open(settings)
}
