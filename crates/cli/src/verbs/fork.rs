//! `nokv fork`

use crate::advice::quoted;
use crate::args::{AtArg, Sure};
use crate::confirm::confirm;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::moment;
use crate::output::{Field, Record};
use clap::{Args, Subcommand};
use nokv_client::{Ack, At, Error};
use nokv_types::{
    Code, Command, Origin, Outcome as Answer, Refusal, RootInfo, RootKind, Version, show_bytes,
};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

/// Writable forks of a root
///
/// Forks: writable copies of a whole root, made in one step. Reach them by --root or FORK:/path.
#[derive(Debug, Subcommand)]
pub(crate) enum Fork {
    /// Fork a root, as it is now or as of --at
    Create(Create),
    /// List roots: the workspace's own, volumes and forks
    List(List),
    /// Delete a fork with everything that only it holds
    Delete(Delete),
    /// Make the fork's state that of the root it came from
    Promote(Promote),
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Name of the fork
    name: OsString,
    #[command(flatten)]
    at: AtArg,
}

#[derive(Debug, Args)]
pub(crate) struct List {}

#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// Name of the fork
    #[arg(add = crate::complete::roots())]
    name: OsString,
    #[command(flatten)]
    sure: Sure,
}

#[derive(Debug, Args)]
pub(crate) struct Promote {
    /// Name of the fork
    #[arg(add = crate::complete::roots())]
    name: OsString,
    /// The root that gets the fork's state [default: that of --root]
    #[arg(long, value_name = "ROOT", add = crate::complete::roots())]
    onto: Option<OsString>,
    /// Even when the root changed since the fork was made; what it was stays for 24 hours
    #[arg(long)]
    discard_live: bool,
    #[command(flatten)]
    sure: Sure,
}

impl Fork {
    pub(crate) fn run(self, context: &Context) -> Outcome {
        match self {
            Self::Create(verb) => verb.run(context),
            Self::List(_) => list(context),
            Self::Delete(verb) => verb.run(context),
            Self::Promote(verb) => verb.run(context),
        }
    }
}

impl Create {
    fn run(self, context: &Context) -> Outcome {
        let origin = origin(context, self.at.at.as_deref())?;
        let name = self.name.into_vec();
        let fork = Command::Fork {
            name: name.clone(),
            origin,
        };
        repoint(
            context,
            fork,
            &format!(
                "fork {} of {}",
                show_bytes(&name),
                show_bytes(&context.settings.root)
            ),
        )
    }
}

fn list(context: &Context) -> Outcome {
    let mut list = context.out.listing(&["name", "kind", "from", "branch", "since"]);
    let roots = context.client()?.namespace().roots()?;
    for root in &roots {
        // The timeline that it was branched from may have no name any more.
        let from = root.parent.and_then(|parent| {
            let named = roots.iter().find(|other| other.node.timeline == parent.timeline);
            named.map(|other| other.name.clone())
        });
        list.push(record(root).with("from", Field::or_none(from, Field::Bytes)))?;
    }
    list.end()
}

impl Delete {
    fn run(self, context: &Context) -> Outcome {
        let name = self.name.into_vec();
        let root = context.client()?.namespace().root(&name)?;
        let shown = show_bytes(&name);
        if root.kind == RootKind::Workspace {
            let refusal = Refusal::new(Code::NotPermitted, format!("root {shown}"));
            return Err(refusal.detail("the workspace's own root stays").into());
        }
        if !self.sure.dry_run {
            confirm(context, &self.sure, &format!("delete fork {shown}"))?;
            let delete = Command::RootDelete { name };
            context
                .client()?
                .change(delete, Ack::Durable)
                .map_err(|error| error.about(format!("root {shown}")))?;
        }
        let verb = if self.sure.dry_run {
            "would delete"
        } else {
            "deleted"
        };
        let record = record(&root).with("dry_run", Field::Flag(self.sure.dry_run));
        context.out.done(&format!("{verb} fork {shown}"), &record)
    }
}

impl Promote {
    fn run(self, context: &Context) -> Outcome {
        let fork = self.name.into_vec();
        let onto = self
            .onto
            .map_or_else(|| context.settings.root.clone(), OsString::into_vec);
        let (shown, over) = (show_bytes(&fork), show_bytes(&onto));
        let root = context.client()?.namespace().root(&fork)?;
        context.client()?.namespace().root(&onto)?;
        let promote = Command::Promote {
            keep: keep_key(context, "promote", &onto)?,
            fork: fork.clone(),
            onto: onto.clone(),
            discard_live: self.discard_live,
        };
        let rehearsed = context.client()?.namespace().rehearse(promote.clone());
        rehearsed.map_err(|error| changed(error, &fork, &onto))?;
        if self.sure.dry_run {
            let record = record(&root).with("dry_run", Field::Flag(true));
            return context
                .out
                .done(&format!("would make {shown} the state of {over}"), &record);
        }
        confirm(context, &self.sure, &format!("make {shown} the state of {over}"))?;
        repoint(context, promote, &format!("{over} is now what {shown} was"))
    }
}

/// What to do about a root that changed: look, and then say that it may be replaced.
fn changed(error: Error, fork: &[u8], onto: &[u8]) -> Failure {
    let is_changed = error.code() == Some(Code::LiveChanged);
    let failure = Failure::from(error);
    if !is_changed {
        return failure;
    }
    let [fork, onto] = [fork, onto].map(|name| quoted(&show_bytes(name)));
    failure.try_next(format!(
        "nokv diff {onto} {fork}; nokv fork promote {fork} --onto {onto} --discard-live --dry-run"
    ))
}

/// Where a fork or rollback of the current root starts.
pub(super) fn origin(context: &Context, at: Option<&str>) -> Outcome<Origin> {
    let name = context.settings.root.clone();
    Ok(match moment::parse_at(at, moment::now())? {
        At::Head => Origin::Root {
            name,
            version: Version::HEAD,
        },
        At::Snapshot(key) => Origin::Snapshot(key),
        At::Version(version) => Origin::Root { name, version },
        time @ At::Time(_) => {
            let view = context.client()?.namespace().resolve_at(&name, &time)?;
            Origin::Root {
                name,
                version: view.point.version,
            }
        }
    })
}

/// The name of the snapshot that holds the replaced state for a day.
pub(super) fn keep_key(context: &Context, verb: &str, root: &[u8]) -> Outcome<Vec<u8>> {
    let version = context.client()?.namespace().version()?;
    Ok(format!("{verb}-{}-{}", show_bytes(root), version.0).into_bytes())
}

/// Runs a command that makes or moves a root, and tells where it points.
pub(super) fn repoint(context: &Context, command: Command, done: &str) -> Outcome {
    let kept = match &command {
        Command::Rollback { keep, .. } | Command::Promote { keep, .. } => Some(show_bytes(keep)),
        _ => None,
    };
    let reply = context.client()?.change(command, Ack::Durable)?;
    let Answer::Root(root) = reply.outcome else {
        return Err(Refusal::new(Code::Invalid, "the answer").into());
    };
    let summary = match &kept {
        Some(key) => format!("{done}; the state before it is snapshot {key} for 24 hours"),
        None => done.to_owned(),
    };
    context.out.done(
        &summary,
        &record(&root).with("kept", Field::or_none(kept, Field::Text)),
    )
}

fn record(root: &RootInfo) -> Record {
    let kind = match root.kind {
        RootKind::Workspace => "workspace",
        RootKind::Volume => "volume",
        RootKind::Fork => "fork",
    };
    Record::new()
        .with("name", Field::Bytes(root.name.clone()))
        .with("kind", Field::Text(kind.to_owned()))
        .with("timeline", Field::Number(root.node.timeline.0))
        .with(
            "parent",
            Field::or_none(root.parent, |parent| Field::Number(parent.timeline.0)),
        )
        .with(
            "branch",
            Field::or_none(root.parent, |parent| Field::Number(parent.version.0)),
        )
        .with("since", Field::Number(root.since.0))
}
