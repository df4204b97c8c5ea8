//! `nokv snapshot`

use crate::advice::quoted;
use crate::args::Sure;
use crate::confirm::confirm;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::moment::parse_duration;
use crate::output::{Field, Record};
use clap::{Args, Subcommand};
use nokv_client::{Ack, Error};
use nokv_types::{Code, Command, Outcome as Answer, PinInfo, Refusal, show_bytes};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

/// Who holds the snapshots that the command makes.
const HOLDER: &[u8] = b"cli";

/// Pinned states of a subtree
///
/// Snapshots: pinned states of a subtree, made and deleted in one step whatever its size.
#[derive(Debug, Subcommand)]
pub(crate) enum Snapshot {
    /// Pin a subtree as it is now
    Create(Create),
    /// List snapshots
    List(List),
    /// Show one snapshot
    Show(Show),
    /// Let a snapshot go
    Delete(Delete),
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Name of the snapshot
    name: OsString,
    /// Directory to pin
    #[arg(default_value = "/", add = crate::complete::places())]
    path: OsString,
    /// Let it go after this time: 90s, 10m, 2h, 7d
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct List {}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Name of the snapshot
    #[arg(add = crate::complete::snapshots())]
    name: OsString,
}

#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// Name of the snapshot
    #[arg(add = crate::complete::snapshots())]
    name: OsString,
    /// Also when others hold it
    #[arg(long)]
    all_holders: bool,
    #[command(flatten)]
    sure: Sure,
}

impl Snapshot {
    pub(crate) fn run(self, context: &Context) -> Outcome {
        match self {
            Self::Create(verb) => verb.run(context),
            Self::List(_) => list(context),
            Self::Show(verb) => verb.run(context),
            Self::Delete(verb) => verb.run(context),
        }
    }
}

impl Create {
    fn run(self, context: &Context) -> Outcome {
        let place = context.place(&self.path)?;
        let node = context.found(&place)?.node;
        let lease = match self.expires.as_deref().map(|text| (text, parse_duration(text))) {
            None => None,
            Some((_, Some(ns))) => Some(ns.unsigned_abs()),
            Some((text, None)) => {
                return Err(Failure::usage(format!(
                    "--expires {text}: not a time like 90s, 10m, 2h or 7d"
                )));
            }
        };
        let key = self.name.into_vec();
        let pins = context.client()?.namespace().pins()?;
        if let Some(standing) = pins.iter().find(|pin| pin.key == key) {
            return Err(taken(standing));
        }
        let create = Command::SnapshotCreate {
            key: key.clone(),
            node,
            holder: HOLDER.to_vec(),
            lease_ns: lease,
        };
        let reply = context
            .client()?
            .change(create, Ack::Durable)
            .map_err(|error| already(error.about(format!("snapshot {}", show_bytes(&key)))))?;
        let Answer::Pin(pin) = reply.outcome else {
            return Err(Error::refused(Code::Invalid, "the answer").into());
        };
        // Somebody else was faster: the namespace answers the standing one, so that a repeated request is exact.
        if pin.at.version != reply.version {
            return Err(taken(&pin));
        }
        let summary = format!(
            "snapshot {} of {place} at version {}",
            show_bytes(&pin.key),
            pin.at.version.0
        );
        context.out.done(&summary, &record(&pin))
    }
}

/// The key stands for another state already.
fn taken(pin: &PinInfo) -> Failure {
    let shown = show_bytes(&pin.key);
    let why = format!(
        "it holds version {}; choose another name, or delete it first",
        pin.at.version.0
    );
    let refusal = Refusal::new(Code::Exists, format!("snapshot {shown}")).detail(why);
    Failure::from(refusal).try_next(format!("nokv snapshot show {}", quoted(&shown)))
}

/// The key is taken, whatever the namespace compares.
fn already(error: Error) -> Error {
    match error.refusal() {
        Some(refusal) if refusal.code == Code::Conflict => {
            let taken = Refusal::new(Code::Exists, refusal.subject.clone());
            taken.detail("it pins another directory or state").into()
        }
        _ => error,
    }
}

fn list(context: &Context) -> Outcome {
    let mut list = context
        .out
        .listing(&["name", "path", "version", "holders", "expires", "created"]);
    let namespace = context.client()?.namespace();
    for pin in namespace.pins()? {
        let path = namespace.path_of(pin.at, pin.node.ino)?;
        list.push(record(&pin).with("path", Field::Bytes(path.to_bytes())))?;
    }
    list.end()
}

impl Show {
    fn run(self, context: &Context) -> Outcome {
        let pin = find(context, &self.name.into_vec())?;
        let path = context.client()?.namespace().path_of(pin.at, pin.node.ino)?;
        context
            .out
            .record(&record(&pin).with("path", Field::Bytes(path.to_bytes())))
    }
}

impl Delete {
    fn run(self, context: &Context) -> Outcome {
        let pin = find(context, &self.name.into_vec())?;
        let shown = show_bytes(&pin.key);
        if !self.sure.dry_run {
            confirm(context, &self.sure, &format!("delete snapshot {shown}"))?;
            let mine = |holder: &&Vec<u8>| self.all_holders || holder.as_slice() == HOLDER;
            let releases: Vec<Command> = pin
                .holders
                .iter()
                .filter(mine)
                .map(|holder| Command::SnapshotRelease {
                    key: pin.key.clone(),
                    holder: holder.clone(),
                })
                .collect();
            if releases.is_empty() {
                let refusal = Refusal::new(Code::InUse, shown);
                return Err(refusal.detail("others hold it; --all-holders lets it go").into());
            }
            for answer in context.client()?.change_all(releases, Ack::Durable) {
                answer?;
            }
        }
        let verb = if self.sure.dry_run {
            "would delete"
        } else {
            "deleted"
        };
        let summary = format!("{verb} snapshot {shown}");
        context.out.done(
            &summary,
            &record(&pin).with("dry_run", Field::Flag(self.sure.dry_run)),
        )
    }
}

fn find(context: &Context, key: &[u8]) -> Outcome<PinInfo> {
    let pins = context.client()?.namespace().pins()?;
    let found = pins.into_iter().find(|pin| pin.key == key);
    Ok(found.ok_or_else(|| Refusal::new(Code::NotFound, format!("snapshot {}", show_bytes(key))))?)
}

fn record(pin: &PinInfo) -> Record {
    let holders: Vec<String> = pin.holders.iter().map(|holder| show_bytes(holder)).collect();
    Record::new()
        .with("name", Field::Bytes(pin.key.clone()))
        .with("version", Field::Number(pin.at.version.0))
        .with("timeline", Field::Number(pin.at.timeline.0))
        .with("root_ino", Field::Number(pin.node.ino.0))
        .with("holders", Field::Text(holders.join(",")))
        .with(
            "expires",
            Field::or_none(pin.expires_ns, |_| Field::Text("leased".to_owned())),
        )
        .with("created", Field::Age(pin.created_wall_ns))
}
