//! Giving written files their names. Writers that wait at the same time share the syncs of the folders.
//!
//! Owns: which of them does it for all. Must not know: what is in a file.
//!
//! Invariants: one thread of a store at a time gives names; what is handed in was synced before; a file is
//! answered as named only after its folder, and the folders above it that were made for it, are synced.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::publish::{Temp, sync_folder};

/// What became of a file that was to get a name.
#[derive(Debug)]
pub(crate) enum Named {
    /// It has the name, durably.
    Created,
    /// Another file has it, durably; ours is gone.
    Taken,
    /// Nothing was named.
    Failed(io::Error),
    /// The name is there but may not survive a power cut.
    Unsynced(io::Error),
}

/// The writers of one store that wait for a name.
#[derive(Debug)]
pub(crate) struct Naming {
    objects: PathBuf,
    state: Mutex<State>,
    round_over: Condvar,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    waiting: Vec<Waiting>,
    answers: HashMap<u64, Named>,
    /// Somebody names what was waiting.
    busy: bool,
}

#[derive(Debug)]
struct Waiting {
    number: u64,
    temp: Temp,
    path: PathBuf,
}

impl Naming {
    /// Names below the folder `objects`.
    pub(crate) fn new(objects: PathBuf) -> Self {
        Self {
            objects,
            state: Mutex::default(),
            round_over: Condvar::new(),
        }
    }

    /// Gives a synced file its name if that is free; blocks until that is durable.
    pub(crate) fn name(&self, temp: Temp, path: PathBuf) -> Named {
        let mut state = self.lock();
        let number = state.enter(temp, path);
        loop {
            if let Some(answer) = state.answers.remove(&number) {
                return answer;
            }
            if state.busy {
                let woken = self.round_over.wait(state);
                state = woken.unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            // Ours is among those that wait: a round ends with an answer for each of its members.
            state.busy = true;
            let round = std::mem::take(&mut state.waiting);
            drop(state);
            let answers = name_all(&self.objects, round);
            state = self.lock();
            state.answers.extend(answers);
            state.busy = false;
            self.round_over.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn enter(&mut self, temp: Temp, path: PathBuf) -> u64 {
        self.next += 1;
        self.waiting.push(Waiting {
            number: self.next,
            temp,
            path,
        });
        self.next
    }
}

fn name_all(objects: &Path, round: Vec<Waiting>) -> Vec<(u64, Named)> {
    let mut folders = BTreeSet::new();
    let mut outcomes = Vec::with_capacity(round.len());
    for Waiting { number, temp, path } in round {
        let outcome = temp.create(objects, &path, &mut folders);
        // Also when the name was taken: whoever took it may not have synced it yet.
        folders.extend(path.parent().map(Path::to_owned));
        outcomes.push((number, path, outcome));
    }
    let sync = |folder: PathBuf| sync_folder(&folder).err().map(|error| (folder, error));
    let unsynced: Vec<(PathBuf, io::Error)> = folders.into_iter().filter_map(sync).collect();
    let answer = |path: &Path, outcome: io::Result<bool>| {
        let above = unsynced.iter().find(|(folder, _)| path.starts_with(folder));
        match (outcome, above) {
            (Err(error), _) => Named::Failed(error),
            (Ok(_), Some((_, error))) => Named::Unsynced(io::Error::new(error.kind(), error.to_string())),
            (Ok(true), None) => Named::Created,
            (Ok(false), None) => Named::Taken,
        }
    };
    outcomes
        .into_iter()
        .map(|(number, path, outcome)| (number, answer(&path, outcome)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dir::footer::Footer;
    use crate::dir::publish::Publisher;
    use std::fs;

    struct Place {
        dir: tempfile::TempDir,
        publisher: Publisher,
        naming: Naming,
    }

    impl Place {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            for folder in ["tmp", "objects"] {
                fs::create_dir(dir.path().join(folder)).unwrap();
            }
            Self {
                publisher: Publisher::new(dir.path().join("tmp")),
                naming: Naming::new(dir.path().join("objects")),
                dir,
            }
        }

        fn temp(&self, body: &[u8]) -> Temp {
            self.publisher.write(body, &Footer::of(body, 1)).unwrap()
        }

        fn path(&self, name: &str) -> PathBuf {
            self.dir.path().join("objects").join(name)
        }

        fn holds(&self, name: &str, body: &[u8]) -> bool {
            fs::read(self.path(name)).is_ok_and(|bytes| bytes.starts_with(body))
        }
    }

    #[test]
    fn one_round_names_everybody_who_waits_and_answers_each() {
        let place = Place::new();
        fs::write(place.path("file"), b"in the way").unwrap();
        let waiting = ["a/one", "a/one", "file/below", "b/c/two"];
        let numbers = waiting.map(|name| {
            let temp = place.temp(name.as_bytes());
            place.naming.lock().enter(temp, place.path(name))
        });
        let ours = place.naming.name(place.temp(b"ours"), place.path("b/ours"));
        assert!(matches!(ours, Named::Created), "{ours:?}");
        let answers = numbers.map(|number| place.naming.lock().answers.remove(&number).unwrap());
        assert!(
            matches!(
                answers,
                [Named::Created, Named::Taken, Named::Failed(_), Named::Created]
            ),
            "{answers:?}"
        );
        assert!(place.holds("a/one", b"a/one") && place.holds("b/c/two", b"b/c/two"));
        assert!(place.holds("b/ours", b"ours") && place.holds("file", b"in the way"));
        assert_eq!(fs::read_dir(place.dir.path().join("tmp")).unwrap().count(), 0);
    }

    #[test]
    fn writers_that_race_get_their_own_answers() {
        const WRITERS: usize = 8;
        const FILES: usize = 40;
        let place = Place::new();
        let created: usize = std::thread::scope(|scope| {
            let write = |writer: usize| {
                let (place, mut created) = (&place, 0);
                for file in 0..FILES {
                    let name = format!("{:02}/{file}", file % 7);
                    let answer = place
                        .naming
                        .name(place.temp(&[writer as u8; 100]), place.path(&name));
                    created += usize::from(matches!(answer, Named::Created));
                    assert!(matches!(answer, Named::Created | Named::Taken), "{answer:?}");
                }
                created
            };
            let writers: Vec<_> = (0..WRITERS).map(|n| scope.spawn(move || write(n))).collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).sum()
        });
        assert_eq!(created, FILES);
        assert!(place.naming.lock().answers.is_empty());
    }
}
