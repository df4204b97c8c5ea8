//! Opening the namespace that the settings name. The only file that knows who implements it.

use crate::failure::{Failure, Outcome};
use crate::settings::Settings;
use nokv_client::Namespace;
use nokv_metad::{Embedded, Error, ErrorKind, Options};
use std::sync::Arc;

/// Smallest log file that is made: a batch of commands has to fit.
const LOG_FILE_BYTES_MIN: u64 = 8 << 20;

/// An open namespace.
pub(crate) struct Handle {
    embedded: Arc<Embedded>,
}

impl Handle {
    pub(crate) fn shared(&self) -> Arc<dyn Namespace> {
        Arc::clone(&self.embedded) as Arc<dyn Namespace>
    }

    /// Closes it in good order.
    pub(crate) fn close(self) -> Outcome {
        self.embedded.close().map_err(failed)
    }
}

/// Opens the workspace in the data directory.
pub(crate) fn open(settings: &Settings) -> Outcome<Handle> {
    if !settings.data.exists() {
        return Err(missing(settings, "there is no such directory"));
    }
    let embedded = Embedded::open(&settings.data, options(settings)?).map_err(|error| match error.kind {
        ErrorKind::Missing => missing(settings, &error.detail),
        _ => failed(error),
    })?;
    Ok(Handle {
        embedded: Arc::new(embedded),
    })
}

/// Makes a workspace in the data directory, or opens the one that is there.
pub(crate) fn create(settings: &Settings) -> Outcome<Handle> {
    match Embedded::create(&settings.data, options(settings)?) {
        Ok(embedded) => Ok(Handle {
            embedded: Arc::new(embedded),
        }),
        Err(error) if error.kind == ErrorKind::Exists => open(settings),
        Err(error) => Err(failed(error)),
    }
}

fn options(settings: &Settings) -> Outcome<Options> {
    let known = ["dir:", "s3://"]
        .iter()
        .any(|scheme| settings.store.starts_with(scheme));
    if !known {
        return Err(Failure::usage(
            "an object store is dir:PATH or s3://bucket/prefix",
        ));
    }
    let objects = nokv_metad::open_objects(&settings.store).map_err(|error| failed(error.into()))?;
    let mut options = Options::new(objects);
    if let Some(reserve) = settings.log_reserve {
        options.limits.log_reserve_bytes = reserve;
        let largest = options.limits.log_file_bytes;
        options.limits.log_file_bytes = reserve.clamp(LOG_FILE_BYTES_MIN.min(largest), largest);
    }
    Ok(options)
}

fn missing(settings: &Settings, why: &str) -> Failure {
    let subject = settings.data.display().to_string();
    Failure::NoWorkspace(format!("{subject} holds no workspace: {why}"))
}

fn failed(error: Error) -> Failure {
    Failure::Client(error.into())
}
