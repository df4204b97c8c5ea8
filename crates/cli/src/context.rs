//! What a verb works with: settings, the namespace when it is first needed, the output, the wish to stop.

use crate::args::AtArg;
use crate::failure::{Failure, Outcome};
use crate::output::Out;
use crate::place::Place;
use crate::settings::Settings;
use crate::{advice, args::Global, catalogue, moment, open};
use nokv_client::{At, Client, Error, ErrorKind, View};
use nokv_types::{Code, Name, NewInode, Node, NsPath, Refusal, Version, show_bytes};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::cell::OnceCell;
use std::ffi::OsStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The state of one run of the command.
pub(crate) struct Context {
    pub(crate) settings: Settings,
    pub(crate) out: Out,
    stop: Arc<AtomicBool>,
    /// The last signal that asked to stop; 0 = none.
    signal: Arc<AtomicUsize>,
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
        let signal = Arc::new(AtomicUsize::new(0));
        for (number, exit) in [
            (SIGINT, catalogue::EXIT_INTERRUPTED),
            (SIGTERM, catalogue::EXIT_TERMINATED),
        ] {
            // The second signal ends the process at once; recovery makes of that what it makes of a crash.
            let _default_action_stays =
                flag::register_conditional_shutdown(number, i32::from(exit), Arc::clone(&stop))
                    .and_then(|_| flag::register_usize(number, Arc::clone(&signal), number as usize))
                    .and_then(|_| flag::register(number, Arc::clone(&stop)));
        }
        Ok(Self {
            out: Out::new(settings.format, settings.quiet),
            settings,
            stop,
            signal,
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
        self.stop.load(Ordering::Relaxed)
    }

    /// The wish to stop, for a reader that waits.
    pub(crate) fn stop(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }

    /// What a failure is when the command ends because the user asked to stop: nothing else.
    pub(crate) fn unless_stopped(&self, failure: Failure) -> Failure {
        if self.stopping() {
            return Error::new(ErrorKind::Stopped, "run", "the command").into();
        }
        failure
    }

    /// The failure to tell when the command ended because a signal asked for it: which one.
    pub(crate) fn by_signal(&self, failure: Failure) -> Failure {
        let terminated = self.signal.load(Ordering::Relaxed) == SIGTERM as usize;
        match failure {
            Failure::Client(error) if terminated && matches!(error.kind(), ErrorKind::Stopped) => {
                let what = "terminated; the namespace is consistent".to_owned();
                Failure::Own(catalogue::TERMINATED, what, None)
            }
            other => other,
        }
    }

    /// The place that an argument names: `/path`, or `ROOT:/path`.
    ///
    /// # Errors
    /// `Usage` for a cited state: it is read-only.
    pub(crate) fn place(&self, argument: &OsStr) -> Outcome<Place> {
        let place = self.source(argument)?;
        if place.cited.is_some() {
            let why = format!(
                "{} names what was published, which only reading commands take",
                place.cite()
            );
            return Err(Failure::usage(why).try_next(format!("the same command with {place}")));
        }
        Ok(place)
    }

    /// The place that an argument of a reading command names: also one that `nokv publish` printed.
    pub(crate) fn source(&self, argument: &OsStr) -> Outcome<Place> {
        Place::parse(argument, &self.settings.root)
    }

    /// The directory that is to hold a place, and the name in it.
    ///
    /// # Errors
    /// `NotFound` with the command that makes the directories above.
    pub(crate) fn parent(&self, head: View, place: &Place) -> Outcome<(Node, Name)> {
        let client = self.client()?;
        client.parent_of(head, &place.path).map_err(|error| {
            let above = place.path.split_last().map(|(parent, _)| place.with_path(parent));
            match (error.code(), above) {
                (Some(Code::NotFound), Some(above)) => {
                    let make = format!("nokv mkdir -p {}", advice::quoted(&above.to_string()));
                    let missing = above.with_path(NsPath::default()).names_of(error.subject());
                    Failure::from(error.about(missing)).try_next(make)
                }
                _ => error.into(),
            }
        })
    }

    /// The newest state of the root of a place.
    pub(crate) fn head(&self, place: &Place) -> Outcome<View> {
        Ok(self.client()?.namespace().resolve_at(&place.root, &At::Head)?)
    }

    /// The state that a reading command asks for, and the path in it. A snapshot of a subtree is read by the
    /// paths that its entries had: what it pinned stands where it stood, and `/` means all of it.
    pub(crate) fn view(&self, place: &mut Place, at: &AtArg) -> Outcome<(View, NsPath)> {
        if let Some(generation) = place.cited {
            return self.cited(place, generation, at);
        }
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

    /// The state that a cited place names. While the file still is of that generation, no history is needed.
    fn cited(&self, place: &Place, generation: Version, at: &AtArg) -> Outcome<(View, NsPath)> {
        if at.at.is_some() {
            let why = format!("{} names a state already; leave --at out", place.cite());
            return Err(Failure::usage(why));
        }
        let head = self.head(place)?;
        let standing = self.client()?.follow(head, &place.path);
        if standing.is_ok_and(|found| found.attr.generation == generation) {
            return Ok((head, place.path.clone()));
        }
        let view = self.state(&place.root, &At::Version(generation))?;
        Ok((view, place.path.clone()))
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
        namespace
            .resolve_at(root, at)
            .map_err(|error| match (at, error.code()) {
                (At::Snapshot(key), Some(Code::NotFound)) => {
                    let refusal = Refusal::new(Code::NotFound, format!("snapshot {}", show_bytes(key)));
                    refusal.detail(format!("a state is {}", moment::FORMS)).into()
                }
                _ => error.into(),
            })
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
