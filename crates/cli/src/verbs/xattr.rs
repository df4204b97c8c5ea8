//! `nokv xattr`

use crate::args::AtArg;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::output::{Field, Format, Record};
use crate::place::Place;
use clap::{Args, Subcommand};
use nokv_client::Ack;
use nokv_types::{Command, Node, XattrMode, XattrName};
use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

/// Largest value that is read from standard input; the namespace refuses it earlier.
const VALUE_BYTES_MAX: u64 = 1 << 20;

/// Extended attributes
///
/// Extended attributes; user.nokv.* ones are the typed attributes that queries see.
#[derive(Debug, Subcommand)]
pub(crate) enum Xattr {
    /// Print a value as it is
    Get(Get),
    /// Set a value
    Set(Set),
    /// List names and values
    List(List),
    /// Remove an attribute
    Rm(Rm),
}

#[derive(Debug, Args)]
pub(crate) struct Get {
    /// Entry
    #[arg(add = crate::complete::places())]
    path: OsString,
    /// Attribute
    name: OsString,
    #[command(flatten)]
    at: AtArg,
}

#[derive(Debug, Args)]
pub(crate) struct Set {
    /// Entry
    #[arg(add = crate::complete::places())]
    path: OsString,
    /// Attribute
    name: OsString,
    /// Value; - = standard input
    value: OsString,
    /// Refuse when there is one
    #[arg(long, conflicts_with = "replace")]
    create: bool,
    /// Refuse when there is none
    #[arg(long)]
    replace: bool,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Entry
    #[arg(add = crate::complete::places())]
    path: OsString,
    #[command(flatten)]
    at: AtArg,
}

#[derive(Debug, Args)]
pub(crate) struct Rm {
    /// Entry
    #[arg(add = crate::complete::places())]
    path: OsString,
    /// Attribute
    name: OsString,
}

impl Xattr {
    pub(crate) fn run(self, context: &Context) -> Outcome {
        match self {
            Self::Get(verb) => verb.run(context),
            Self::Set(verb) => verb.run(context),
            Self::List(verb) => verb.run(context),
            Self::Rm(verb) => verb.run(context),
        }
    }
}

impl Get {
    fn run(self, context: &Context) -> Outcome {
        let mut place = context.source(&self.path)?;
        let (view, path) = context.view(&mut place, &self.at)?;
        let client = context.client()?;
        let found = Context::named(&place, &path, client.find(view, &path))?;
        let name = XattrName::new(self.name.as_bytes())?;
        let value = client.namespace().xattr_get(view.point, found.node.ino, &name);
        let value = value.map_err(|error| error.about(place.to_string()))?;
        if context.out.format != Format::Table {
            let record = Record::new()
                .with("name", Field::Bytes(name.as_bytes().to_vec()))
                .with("value", Field::Bytes(value));
            return context.out.record(&record);
        }
        let mut out = context.out.raw();
        out.write_all(&value)?;
        if std::io::IsTerminal::is_terminal(&std::io::stdout()) {
            out.write_all(b"\n")?;
        }
        Ok(())
    }
}

impl Set {
    fn run(self, context: &Context) -> Outcome {
        let (place, node) = node(context, &self.path)?;
        let name = XattrName::new(self.name.as_bytes())?;
        let mode = match (self.create, self.replace) {
            (true, _) => XattrMode::Create,
            (_, true) => XattrMode::Replace,
            _ => XattrMode::Any,
        };
        let value = if self.value == "-" {
            let mut value = Vec::new();
            let input = std::io::stdin().lock();
            let read = input.take(VALUE_BYTES_MAX).read_to_end(&mut value);
            read.map_err(|source| Failure::local("read", "standard input", source))?;
            value
        } else {
            self.value.into_vec()
        };
        let set = Command::SetXattr {
            node,
            name: name.clone(),
            value,
            mode,
        };
        change(context, &place, &name, set, "set")
    }
}

impl List {
    fn run(self, context: &Context) -> Outcome {
        let mut place = context.source(&self.path)?;
        let (view, path) = context.view(&mut place, &self.at)?;
        let client = context.client()?;
        let found = Context::named(&place, &path, client.find(view, &path))?;
        let mut list = context.out.listing(&["name", "value"]);
        for name in client.namespace().xattr_list(view.point, found.node.ino)? {
            let value = client.namespace().xattr_get(view.point, found.node.ino, &name)?;
            let record = Record::new()
                .with("name", Field::Bytes(name.as_bytes().to_vec()))
                .with("value", Field::Bytes(value));
            list.push(record)?;
        }
        list.end()
    }
}

impl Rm {
    fn run(self, context: &Context) -> Outcome {
        let (place, node) = node(context, &self.path)?;
        let name = XattrName::new(self.name.as_bytes())?;
        let remove = Command::RemoveXattr {
            node,
            name: name.clone(),
        };
        change(context, &place, &name, remove, "removed")
    }
}

fn node(context: &Context, path: &OsString) -> Outcome<(Place, Node)> {
    let place = context.place(path)?;
    let head = context.head(&place)?;
    let found = context.client()?.find(head, &place.path)?;
    Ok((place, found.node))
}

fn change(context: &Context, place: &Place, name: &XattrName, command: Command, done: &str) -> Outcome {
    let changed = context.client()?.change(command, Ack::Durable);
    changed.map_err(|error| error.about(place.to_string()))?;
    let record = Record::new()
        .with("path", Field::Bytes(place.path.to_bytes()))
        .with("name", Field::Bytes(name.as_bytes().to_vec()));
    let shown = nokv_types::show_bytes(name.as_bytes());
    context.out.done(&format!("{done} {shown} of {place}"), &record)
}
