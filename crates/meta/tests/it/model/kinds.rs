//! The table of a run: how often each kind of command succeeded and was refused, and the codes that came.

use nokv_types::{Code, Command, NewBody, RenameMode, Work};
use std::collections::{BTreeMap, BTreeSet};

/// Commands from which on a run must have met everything.
pub(crate) const FULL_RUN: usize = 50_000;
/// Kinds of which fewer succeed than one in this many commands fail a full run.
const SHARE: usize = 200;

/// Every kind of command; a kind that is missing in a run has no successes and fails it.
pub(crate) const KINDS: [&str; 56] = [
    "abandon upload",
    "append",
    "begin upload",
    "close",
    "compact",
    "create",
    "fork",
    "link",
    "open",
    "promote",
    "publish clone",
    "publish staged",
    "publish whole",
    "punch hole",
    "remove tree",
    "remove xattr",
    "rename exchange",
    "rename no-replace",
    "rename replace",
    "reserve objects",
    "rmdir",
    "rollback",
    "root delete",
    "session close",
    "session open",
    "session renew",
    "set attr",
    "set quota",
    "set size",
    "set xattr",
    "snapshot create",
    "snapshot release",
    "stage",
    "unlink",
    "volume create",
    "work advance time",
    "work condemn",
    "work count quota",
    "work end uploads",
    "work flatten",
    "work free timelines",
    "work objects deleted",
    "work prune",
    "work reclaim",
    "work repair",
    "work reservation swept",
    "work save window",
    "work stop",
    "write",
    "create directory",
    "create symlink",
    "create special",
    "crash",
    "restart",
    "checkpoint",
    "repair of damage",
];

/// Kinds that are steps of the whole store and not commands: one in a hundred together, no share of their own.
const STEPS: [&str; 4] = ["crash", "restart", "checkpoint", "repair of damage"];

/// Kinds of which one in so many commands is one at least, together: what tries durability and pruning.
const DISTURBING: [&str; 4] = ["crash", "restart", "checkpoint", "work prune"];
const DISTURBING_SHARE: usize = 100;

/// Codes that commands can be refused with.
pub(crate) const CODES: [Code; 30] = [
    Code::NotFound,
    Code::Exists,
    Code::NotADirectory,
    Code::IsADirectory,
    Code::NotEmpty,
    Code::Invalid,
    Code::NameInvalid,
    Code::NameTooLong,
    Code::WrongKind,
    Code::Loop,
    Code::CrossDevice,
    Code::NotPermitted,
    Code::Stale,
    Code::NoSpace,
    Code::QuotaExceeded,
    Code::NoAttribute,
    Code::TooLarge,
    Code::TooMany,
    Code::NeedsCompaction,
    Code::Conflict,
    Code::VersionExpired,
    Code::NotARoot,
    Code::LiveChanged,
    Code::TooDeep,
    Code::InUse,
    Code::AlreadyRetired,
    Code::SessionExpired,
    Code::WindowFull,
    Code::UploadExpired,
    Code::Busy,
];

#[derive(Debug, Default, Clone)]
pub(crate) struct Table {
    rows: BTreeMap<&'static str, (usize, usize)>,
    codes: BTreeMap<Code, usize>,
    pub(crate) commands: usize,
    past: (usize, usize),
}

impl Table {
    pub(crate) fn count(&mut self, command: &Command, code: Option<Code>) {
        self.commands += 1;
        let row = self.rows.entry(kind(command)).or_default();
        match code {
            None => row.0 += 1,
            Some(code) => {
                row.1 += 1;
                self.code(code);
            }
        }
    }

    pub(crate) fn code(&mut self, code: Code) {
        *self.codes.entry(code).or_default() += 1;
    }

    pub(crate) fn step(&mut self, kind: &'static str) {
        self.rows.entry(kind).or_default().0 += 1;
    }

    pub(crate) fn past(&mut self, read: bool) {
        if read {
            self.past.0 += 1;
        } else {
            self.past.1 += 1;
        }
    }

    pub(crate) fn add(&mut self, other: &Table) {
        for (kind, (good, bad)) in &other.rows {
            let row = self.rows.entry(kind).or_default();
            (row.0, row.1) = (row.0 + good, row.1 + bad);
        }
        for (code, count) in &other.codes {
            *self.codes.entry(*code).or_default() += count;
        }
        self.commands += other.commands;
        self.past = (self.past.0 + other.past.0, self.past.1 + other.past.1);
    }

    /// What is no command of a caller: crashes, restarts, checkpoints and prunes; and commands that succeeded.
    pub(crate) fn done(&self) -> (u64, u64) {
        let is_step = |kind: &str| STEPS.contains(&kind) || kind == "work prune";
        let (steps, commands): (Vec<_>, Vec<_>) = self.rows.iter().partition(|(kind, _)| is_step(kind));
        let sum = |rows: Vec<(&&str, &(usize, usize))>| rows.iter().map(|(_, row)| row.0 as u64).sum();
        (sum(steps), sum(commands))
    }

    pub(crate) fn print(&self) {
        println!(
            "{} commands; past states read {}, refused {}",
            self.commands, self.past.0, self.past.1
        );
        for kind in KINDS {
            let (good, bad) = self.rows.get(kind).copied().unwrap_or_default();
            println!("  {kind:24} {good:8} done {bad:8} refused");
        }
        let codes: Vec<String> = self
            .codes
            .iter()
            .map(|(code, count)| format!("{code:?} {count}"))
            .collect();
        println!("  codes: {}", codes.join(", "));
        let missing: Vec<_> = CODES
            .iter()
            .filter(|code| !self.codes.contains_key(code))
            .collect();
        println!("  codes that never came: {missing:?}");
    }

    /// Every kind and every code with its counts.
    pub(crate) fn told(&self) -> Vec<(String, String)> {
        let kinds = KINDS.map(|kind| {
            let (good, bad) = self.rows.get(kind).copied().unwrap_or_default();
            (kind.to_owned(), format!("{good} done, {bad} refused"))
        });
        let codes = self
            .codes
            .iter()
            .map(|(code, count)| (format!("refused as {code:?}"), count.to_string()));
        let past = (
            "past states".to_owned(),
            format!("{} read, {} refused", self.past.0, self.past.1),
        );
        kinds.into_iter().chain(codes).chain([past]).collect()
    }

    /// What a full run did not meet.
    pub(crate) fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        for kind in KINDS {
            let good = self.rows.get(kind).map_or(0, |row| row.0);
            let wanted = if STEPS.contains(&kind) {
                1
            } else {
                self.commands / SHARE
            };
            if good < wanted {
                missing.push(format!("{kind}: {good} of {} commands", self.commands));
            }
        }
        let disturbing = DISTURBING.iter().filter_map(|kind| self.rows.get(kind));
        let disturbing: usize = disturbing.map(|row| row.0).sum();
        if disturbing < self.commands / DISTURBING_SHARE {
            missing.push(format!(
                "{DISTURBING:?}: {disturbing} of {} commands",
                self.commands
            ));
        }
        let never: BTreeSet<Code> = CODES
            .into_iter()
            .filter(|code| !self.codes.contains_key(code))
            .collect();
        missing.extend(never.iter().map(|code| format!("{code:?} never came")));
        if self.past.0 == 0 || self.past.1 == 0 {
            missing.push("past states were not both read and refused".to_owned());
        }
        missing
    }
}

pub(crate) fn kind(command: &Command) -> &'static str {
    match command {
        Command::Create { kind, .. } => match kind {
            nokv_types::NewKind::File => "create",
            nokv_types::NewKind::Directory => "create directory",
            nokv_types::NewKind::Symlink(_) => "create symlink",
            nokv_types::NewKind::Special(..) => "create special",
        },
        Command::Link { .. } => "link",
        Command::Unlink { .. } => "unlink",
        Command::Rmdir { .. } => "rmdir",
        Command::Rename { mode, .. } => match mode {
            RenameMode::Replace => "rename replace",
            RenameMode::NoReplace => "rename no-replace",
            RenameMode::Exchange => "rename exchange",
        },
        Command::SetAttr { .. } => "set attr",
        Command::SetXattr { .. } => "set xattr",
        Command::RemoveXattr { .. } => "remove xattr",
        Command::RemoveTree { .. } => "remove tree",
        Command::Publish { body, .. } => match body {
            NewBody::Whole { .. } => "publish whole",
            NewBody::Staged { .. } => "publish staged",
            NewBody::Clone { .. } => "publish clone",
        },
        Command::Write { .. } => "write",
        Command::Append { .. } => "append",
        Command::SetSize { .. } => "set size",
        Command::PunchHole { .. } => "punch hole",
        Command::Compact { .. } => "compact",
        Command::BeginUpload { .. } => "begin upload",
        Command::Stage { .. } => "stage",
        Command::AbandonUpload { .. } => "abandon upload",
        Command::ReserveObjects { .. } => "reserve objects",
        Command::SnapshotCreate { .. } => "snapshot create",
        Command::SnapshotRelease { .. } => "snapshot release",
        Command::VolumeCreate { .. } => "volume create",
        Command::Fork { .. } => "fork",
        Command::RootDelete { .. } => "root delete",
        Command::Rollback { .. } => "rollback",
        Command::Promote { .. } => "promote",
        Command::SetQuota { .. } => "set quota",
        Command::SessionOpen { .. } => "session open",
        Command::SessionRenew { .. } => "session renew",
        Command::SessionClose { .. } => "session close",
        Command::Open { .. } => "open",
        Command::Close { .. } => "close",
        Command::Work(work) => kind_of_work(work),
    }
}

fn kind_of_work(work: &Work) -> &'static str {
    match work {
        Work::AdvanceTime => "work advance time",
        Work::Reclaim { .. } => "work reclaim",
        Work::Prune { .. } => "work prune",
        Work::Flatten { .. } => "work flatten",
        Work::FreeTimelines { .. } => "work free timelines",
        Work::CountQuota { .. } => "work count quota",
        Work::CondemnObjects { .. } => "work condemn",
        Work::ObjectsDeleted { .. } => "work objects deleted",
        Work::ReservationSwept { .. } => "work reservation swept",
        Work::EndUploads { .. } => "work end uploads",
        Work::SaveWindow => "work save window",
        Work::Stop => "work stop",
        Work::Repair { .. } => "work repair",
    }
}
