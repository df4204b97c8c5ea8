//! Opening the namespace that the settings name. The only file that knows who implements it.

use crate::catalogue;
use crate::failure::{Failure, Outcome};
use crate::settings::Settings;
use nokv_client::Namespace;
use nokv_metad::{Embedded, Error, ErrorKind, Options, StoreError, StoreErrorKind};
use std::io;
use std::sync::Arc;
use std::time::Duration;

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
        _ => failed_in(settings, error),
    })?;
    Ok(Handle {
        embedded: Arc::new(embedded),
    })
}

/// Makes a workspace in the data directory, or opens the one that is there.
///
/// `history_ns` is how far back a new workspace can be read without a snapshot.
pub(crate) fn create(settings: &Settings, history_ns: Option<u64>) -> Outcome<Handle> {
    let mut options = options(settings)?;
    if let Some(history_ns) = history_ns {
        options.limits.window = Duration::from_nanos(history_ns);
    }
    if settings.store.starts_with("s3:") {
        nokv_metad::try_objects(&options).map_err(failed)?;
    }
    match Embedded::create(&settings.data, options) {
        Ok(embedded) => Ok(Handle {
            embedded: Arc::new(embedded),
        }),
        Err(error) if error.kind == ErrorKind::Exists => match open(settings) {
            // It is the object store that belongs to somebody, not the data directory.
            Err(Failure::Own(own, ..)) if own.number() == catalogue::NO_WORKSPACE.number() => {
                Err(failed_in(settings, error))
            }
            opened => opened,
        },
        Err(error) => Err(failed_in(settings, error)),
    }
}

fn options(settings: &Settings) -> Outcome<Options> {
    if settings.store == "mem:" {
        let why = "mem: forgets everything when the command ends; a store is dir:PATH or s3://BUCKET/PREFIX";
        return Err(Failure::Own(catalogue::STORE_INVALID, why.to_owned(), None));
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
    let what = format!("{} holds no workspace: {why}", settings.data.display());
    Failure::Own(catalogue::NO_WORKSPACE, what, Some("nokv init".to_owned()))
}

/// The failure of opening what the settings name.
fn failed_in(settings: &Settings, error: Error) -> Failure {
    let data = settings.data.display();
    if error.kind == ErrorKind::WrongWorkspace {
        let what = format!(
            "{data} and {} do not belong together: {}",
            settings.store, error.detail
        );
        return Failure::Own(catalogue::WRONG_WORKSPACE, what, None);
    }
    if let Some(why) = not_writable(&error) {
        let what = format!("{data}: {}: {why}", error.op);
        return Failure::Own(catalogue::NOT_WRITABLE, what, None);
    }
    failed(error)
}

/// What the system said when it forbade writing.
fn not_writable(error: &Error) -> Option<String> {
    let mut next = std::error::Error::source(error);
    while let Some(source) = next {
        if let Some(io) = source.downcast_ref::<io::Error>()
            && matches!(
                io.kind(),
                io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied
            )
        {
            return Some(io.to_string());
        }
        next = source.source();
    }
    None
}

/// The failure to tell: that of the object store itself, where an operator can do something about it.
fn failed(error: Error) -> Failure {
    let mut next = std::error::Error::source(&error);
    while let Some(source) = next {
        if let Some(store) = source.downcast_ref::<StoreError>()
            && let Some(told) = failed_store(store)
        {
            return told;
        }
        next = source.source();
    }
    Failure::Client(error.into())
}

fn failed_store(error: &StoreError) -> Option<Failure> {
    let advice = error.advice.as_ref()?;
    let own = match error.kind {
        StoreErrorKind::Invalid => catalogue::STORE_INVALID,
        StoreErrorKind::Denied => catalogue::STORE_DENIED,
        StoreErrorKind::Misconfigured => catalogue::STORE_WRONG,
        StoreErrorKind::Unsupported => catalogue::STORE_UNSUITABLE,
        kind if kind.retryable() => catalogue::UNREACHABLE,
        _ => return None,
    };
    // What a call answers names the store already; what opening one answers says it apart.
    let message = match (&error.key, error.kind) {
        (Some(store), StoreErrorKind::Invalid | StoreErrorKind::Unsupported) => format!("{store}: {advice}"),
        _ => advice.clone(),
    };
    Some(Failure::Own(own, message, None))
}
