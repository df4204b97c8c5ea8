//! `nokv bench`

use crate::context::{Context, own_inode};
use crate::failure::{Failure, Outcome};
use crate::moment;
use crate::output::{Field, Record, show_size};
use crate::size::parse_size;
use clap::Args;
use nokv_client::{Ack, BodyReader, Client, PublishOptions, StreamSource, View};
use nokv_types::{Command, Name, NewKind, Node, Target};
use std::io::Read;

/// Files that one submit makes.
const BATCH: u64 = 128;
/// Entries that one question lists.
const PAGE: usize = 1024;

/// Measure this namespace on this machine
///
/// Measures this namespace with its own object store, below a hidden directory that is removed afterwards.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Files to make
    #[arg(long, default_value_t = 20_000, value_name = "N")]
    files: u64,
    /// Bytes to publish and read back
    #[arg(long, default_value = "256M", value_name = "SIZE")]
    size: String,
}

impl Bench {
    pub(crate) fn run(self, context: &Context) -> Outcome {
        let size = parse_size(&self.size)
            .ok_or_else(|| Failure::usage(format!("--size {} is not a size like 256M", self.size)))?;
        let place = context.place("/".as_ref())?;
        let (client, head) = (context.client()?, context.head(&place)?);
        let name = Name::new(format!(".nokv-bench-{}", std::process::id()).as_bytes())?;
        let dir = client
            .make_dir(head.node, name.clone(), own_inode(0o700), Ack::Applied)?
            .node;
        let measured = Bench::measure(context, client, dir, self.files, size);
        let remove = Command::RemoveTree {
            parent: head.node,
            name,
        };
        client.change(remove, Ack::Durable)?;
        measured
    }

    fn measure(context: &Context, client: &Client, dir: Node, files: u64, size: u64) -> Outcome {
        let mut list = context.out.listing(&["name", "rate", "seconds"]);
        let mut row = |name: &str, count: u64, unit: &'static str, ns: u64| {
            let rate = u128::from(count) * 1_000_000_000 / u128::from(ns.max(1));
            let rate = u64::try_from(rate).unwrap_or(u64::MAX);
            let shown = if unit == "bytes" {
                show_size(rate)
            } else {
                rate.to_string()
            };
            list.push(
                Record::new()
                    .with("name", Field::Text(name.to_owned()))
                    .with("rate", Field::Text(format!("{shown} {unit}/s")))
                    .with("count", Field::Number(count))
                    .with(
                        "seconds",
                        Field::Text(format!("{}.{:03}", ns / 1_000_000_000, ns / 1_000_000 % 1000)),
                    )
                    .with("elapsed_ns", Field::Number(ns)),
            )
        };
        let view = View::head_of(dir);
        row(
            "durable creates, 128 per batch",
            files,
            "files",
            timed(|| create(client, dir, files))?,
        )?;
        row("lookups", files, "files", timed(|| lookup(client, view, files))?)?;
        row(
            "listing with attributes",
            files,
            "entries",
            timed(|| list_all(client, view))?,
        )?;
        row("publish", size, "bytes", timed(|| publish(client, dir, size))?)?;
        row("read, verified", size, "bytes", timed(|| read(client, view))?)?;
        list.end()
    }
}

fn timed(work: impl FnOnce() -> Outcome) -> Outcome<u64> {
    let before = moment::now();
    work()?;
    Ok(moment::now().saturating_sub(before).unsigned_abs())
}

fn file(number: u64) -> Outcome<Name> {
    Ok(Name::new(format!("f{number:08}").as_bytes())?)
}

fn create(client: &Client, parent: Node, files: u64) -> Outcome {
    let mut first = 0;
    while first < files {
        client.check_stop("measure", "creates")?;
        let last = files.min(first + BATCH);
        let mut commands = Vec::new();
        for number in first..last {
            commands.push(Command::Create {
                parent,
                name: file(number)?,
                inode: own_inode(0o644),
                kind: NewKind::File,
            });
        }
        for answer in client.change_all(commands, Ack::Durable) {
            answer?;
        }
        first = last;
    }
    Ok(())
}

fn lookup(client: &Client, view: View, files: u64) -> Outcome {
    for number in 0..files {
        client
            .namespace()
            .lookup(view.point, view.node.ino, &file(number)?)?;
    }
    Ok(())
}

fn list_all(client: &Client, view: View) -> Outcome {
    let mut after: Option<Name> = None;
    loop {
        let page = client
            .namespace()
            .readdir(view.point, view.node.ino, after.as_ref(), PAGE, true)?;
        after = page.entries.last().map(|entry| entry.name.clone());
        if !page.more {
            return Ok(());
        }
    }
}

/// Bytes that no store can fold together: a counter stirred by multiplication.
struct Noise(u64);

impl Read for Noise {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        for word in buffer.chunks_mut(8) {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let bytes = (self.0 ^ self.0 >> 29).to_le_bytes();
            word.copy_from_slice(&bytes[..word.len()]);
        }
        Ok(buffer.len())
    }
}

fn body_name() -> Outcome<Name> {
    Ok(Name::new(b"body")?)
}

fn publish(client: &Client, parent: Node, size: u64) -> Outcome {
    let target = Target::Name {
        parent,
        name: body_name()?,
        inode: own_inode(0o644),
        create_only: true,
    };
    let mut source = StreamSource::new(Noise(1).take(size));
    client.publish(target, &mut source, PublishOptions::default(), Ack::Durable)?;
    Ok(())
}

fn read(client: &Client, view: View) -> Outcome {
    let found = client
        .namespace()
        .lookup(view.point, view.node.ino, &body_name()?)?;
    let mut reader = BodyReader::open(client, view.point, found.node.ino, 0..u64::MAX)?;
    while reader.next_piece()?.is_some() {}
    Ok(())
}
