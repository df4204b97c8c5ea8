//! What a verb works with: settings, the namespace when it is first needed, the output, the wish to stop.

use crate::args::AtArg;
use crate::failure::{Failure, Outcome};
use crate::output::Out;
use crate::place::Place;
use crate::settings::Settings;
use crate::{args::Global, moment, open};
use nokv_client::{At, Client, View};
use nokv_types::{Code, NewInode, NsPath, Refusal, show_bytes};
use std::cell::OnceCell;
use std::ffi::OsStr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The state of one run of the command.
pub(crate) struct Context {
    pub(crate) settings: Settings,
    pub(crate) out: Out,
    stop: Arc<AtomicBool>,
    opened: OnceCell<Opened>,
}

struct Opened {
    client: Client,
    namespace: open::Handle,
}

impl Context {
    pub(crate) fn new(global: Global) -> Outcome<Self> {
        let settings = Settings::load(global)?;
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            // The second signal ends the process at once; recovery makes of that what it makes of a crash.
            let exit = i32::from(crate::catalogue::EXIT_INTERRUPTED);
            let _default_action_stays =
                signal_hook::flag::register_conditional_shutdown(signal, exit, Arc::clone(&stop))
                    .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&stop)));
        }
        Ok(Self {
            out: Out::new(settings.format, settings.quiet),
            settings,
            stop,
            opened: OnceCell::new(),
        })
    }

    /// The client; opens the data directory the first time.
    pub(crate) fn client(&self) -> Outcome<&Client> {
        if let Some(opened) = self.opened.get() {
            return Ok(&opened.client);
        }
        let namespace = open::open(&self.settings)?;
        let client = Client::new(namespace.shared(), self.client_settings());
        Ok(&self.opened.get_or_init(|| Opened { client, namespace }).client)
    }

    /// Closes the data directory, if it was opened.
    pub(crate) fn close(mut self) -> Outcome {
        let Some(opened) = self.opened.take() else {
            return Ok(());
        };
        drop(opened.client);
        opened.namespace.close()
    }

    /// Whether the user asked to stop.
    pub(crate) fn stopping(&self) -> bool {
        self.stop.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// The place that an argument names: `/path`, or `ROOT:/path`.
    pub(crate) fn place(&self, argument: &OsStr) -> Outcome<Place> {
        Place::parse(argument, &self.settings.root)
    }

    /// The newest state of the root of a place.
    pub(crate) fn head(&self, place: &Place) -> Outcome<View> {
        Ok(self.client()?.namespace().resolve_at(&place.root, &At::Head)?)
    }

    /// The state that a reading command asks for, and the path in it. A snapshot of a subtree is read by the
    /// paths that its entries had: what it pinned stands where it stood, and `/` means all of it.
    pub(crate) fn view(&self, place: &mut Place, at: &AtArg) -> Outcome<(View, NsPath)> {
        let at = moment::parse_at(at.at.as_deref(), moment::now())?;
        let view = self.state(&place.root, &at)?;
        let At::Snapshot(key) = &at else {
            return Ok((view, place.path.clone()));
        };
        let top = self.client()?.namespace().path_of(view.point, view.node.ino)?;
        let (top_names, names) = (top.names(), place.path.names());
        if names.is_empty() {
            place.path = top;
            return Ok((view, NsPath::default()));
        }
        let Some(inside) = names.strip_prefix(top_names) else {
            let outside = Refusal::new(Code::NotFound, place.to_string());
            let held = format!("snapshot {} holds {top} and what is below", show_bytes(key));
            return Err(outside.detail(held).into());
        };
        let path = inside
            .iter()
            .fold(NsPath::default(), |path, name| path.join(name.clone()));
        Ok((view, path))
    }

    /// A state of a root.
    ///
    /// # Errors
    /// `VersionExpired` for a state that is gone, `NotFound` for one that is yet to come.
    pub(crate) fn state(&self, root: &[u8], at: &At) -> Outcome<View> {
        let namespace = self.client()?.namespace();
        if let At::Version(version) = at {
            let newest = namespace.version()?;
            if *version > newest {
                let refusal = Refusal::new(Code::NotFound, format!("version {}", version.0));
                return Err(refusal.detail(format!("the newest is {}", newest.0)).into());
            }
        }
        Ok(namespace.resolve_at(root, at)?)
    }

    /// An answer about a place, in a state where its path may be another one.
    pub(crate) fn named<T>(place: &Place, path: &NsPath, answer: nokv_client::Result<T>) -> Outcome<T> {
        let is_main = place.root == crate::settings::MAIN_ROOT.as_bytes();
        Ok(answer.map_err(|error| match error.code() {
            Some(Code::NotFound | Code::NotADirectory) if !is_main || *path != place.path => {
                error.about(place.to_string())
            }
            _ => error,
        })?)
    }

    /// What a place of the newest state is, followed through links.
    pub(crate) fn found(&self, place: &Place) -> Outcome<nokv_client::Found> {
        let view = self.head(place)?;
        Ok(self.client()?.follow(view, &place.path)?)
    }

    fn client_settings(&self) -> nokv_client::Settings {
        nokv_client::Settings {
            actor: b"cli".to_vec(),
            stop: Arc::clone(&self.stop),
            ..nokv_client::Settings::default()
        }
    }
}

/// Mode of this kind for the user who runs the command.
pub(crate) fn own_inode(mode: u32) -> NewInode {
    NewInode {
        mode,
        uid: rustix::process::getuid().as_raw(),
        gid: rustix::process::getgid().as_raw(),
    }
}

/// A path of the namespace out of an argument.
pub(crate) fn parse_path(bytes: &[u8]) -> Outcome<NsPath> {
    NsPath::parse(bytes).map_err(Failure::from)
}
