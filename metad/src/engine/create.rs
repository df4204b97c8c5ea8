//! Making a workspace: nothing counts until the note in the data directory says that it does.

use super::replay::{log_options, store_settings};
use crate::home::{Home, Resident};
use crate::{Error, ErrorKind, Options, Result};
use nokv_journal::checkpoint::Identity;
use nokv_journal::{Covered, Draft, Kind, Log, OsDisk, Position, Room, WorkspaceId};
use nokv_meta::{Clock, Genesis, genesis};
use nokv_store::{HoltStore, Opened, Store};
use nokv_types::Version;
use std::sync::Arc;

/// The version of a workspace's first rows.
const FIRST: Version = Version(1);

/// Makes a workspace; the caller holds the lock.
pub(super) fn create(home: &Home, options: &Options) -> Result<Identity> {
    let exists = |detail: &str| Error::new(ErrorKind::Exists, "create workspace", home.shown(), detail);
    let identity = match home.resident()? {
        Resident::Workspace(_) => return Err(exists("the directory holds a workspace already")),
        Resident::Unfinished(identity) => identity,
        Resident::Nobody => new_identity(options)?,
    };
    if let Some(found) = Identity::load(&*options.objects)?
        && found != identity
    {
        return Err(exists(
            "the object store belongs to a workspace already; choose another prefix",
        ));
    }
    home.begin(&identity)?;
    identity.create(&*options.objects)?;
    first_state(home, &identity, options)?;
    home.finish()?;
    Ok(identity)
}

fn new_identity(options: &Options) -> Result<Identity> {
    let mut workspace = [0; 16];
    options
        .entropy
        .fill(&mut workspace)
        .map_err(|error| Error::io("read", "the system's randomness", error))?;
    Ok(Identity {
        workspace: WorkspaceId(workspace),
        created_ns: options.clocks.wall_ns().max(0) as u64,
        owner: options.owner.clone(),
    })
}

/// The first segment, and the first published state that contains it.
fn first_state(home: &Home, identity: &Identity, options: &Options) -> Result<()> {
    let wall_ns = options.clocks.wall_ns();
    let clock = Clock {
        log_ns: wall_ns.max(0) as u64,
        wall_ns,
    };
    let rows = genesis(
        Genesis {
            window_ns: options.limits.window.as_nanos() as u64,
            ..Genesis::default()
        },
        clock,
    )?;
    let start = Position::start(identity.workspace);
    let mut log = Log::create(
        Arc::new(OsDisk),
        &home.log(),
        log_options(identity.workspace, options),
        start,
    )?;
    let draft = Draft {
        kind: Kind::Data,
        log_time_ns: clock.log_ns,
        wall_time_ns: clock.log_ns,
        first_version: FIRST,
        last_version: FIRST,
        results: &[],
        mutations: rows.as_bytes(),
        events: &[],
    };
    let at = log.append(&draft, Room::Ordinary)?.at;
    log.sync_handle().sync()?;
    let Opened::Fresh(store) = HoltStore::open(&home.frames(), store_settings(options))? else {
        let detail = "frames appeared in a directory that was just emptied";
        return Err(Error::new(
            ErrorKind::Corrupt,
            "create workspace",
            home.shown(),
            detail,
        ));
    };
    store.apply(&rows)?;
    let covered = Covered {
        at,
        log_time_ns: clock.log_ns,
        extra: Vec::new(),
    };
    store.publish(&covered.encode())?;
    log.close()?;
    Ok(())
}
