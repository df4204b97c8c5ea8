//! A checkpoint is published over an older one while a reader loops: it sees the old or the new, never a mixture.

use super::{Asked, Nokv, Story};
use crate::clock::Stopwatch;
use crate::workload::{OWNER, Scratch, name, open_embedded};
use anyhow::{Result, anyhow, ensure};
use nokv_client::{Ack, BodyReader, Client, Namespace, PublishOptions, Settings, StreamSource, View};
use nokv_types::{Node, Target};
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Endless words of eight bytes that all say which checkpoint they belong to.
struct Fill {
    byte: u8,
    left: u64,
}

impl Read for Fill {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let len = out.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        out[..len].fill(self.byte);
        self.left -= len as u64;
        Ok(len)
    }
}

pub(crate) fn under_a_reader(
    story: &mut Story,
    nokv: &Nokv,
    _scratch: &Scratch,
    asked: &Asked,
) -> Result<()> {
    let embedded = Arc::new(open_embedded(nokv.data())?);
    let root = embedded.root(b"main").map_err(|error| anyhow!("{error}"))?.node;
    let client = Client::new(Arc::clone(&embedded) as Arc<dyn Namespace>, Settings::default());
    let bytes = asked.checkpoint_bytes;
    publish(&client, root, 1, bytes)?;
    let done = AtomicBool::new(false);
    let watch = Stopwatch::start();
    let (old, new) = std::thread::scope(|scope| -> Result<(u64, u64)> {
        let reader = scope.spawn(|| read_until(&client, root, &done));
        let published = publish(&client, root, 2, bytes);
        done.store(true, Ordering::Release);
        let seen = reader.join().map_err(|_| anyhow!("the reader panicked"))?;
        published?;
        seen
    })?;
    let took = watch.elapsed();
    ensure!(new > 0, "the reader never saw the new checkpoint");
    let rate = bytes as f64 / f64::from(1 << 20) / took.as_secs_f64();
    story.tell(
        took,
        &format!("published a {} MiB checkpoint over an older one ({rate:.0} MiB/s under a reader): {old} reads saw the old one, {new} the new one, none a mixture", bytes >> 20),
    );
    drop(client);
    embedded.close().map_err(|error| anyhow!("{error}"))
}

fn publish(client: &Client, root: Node, byte: u8, bytes: u64) -> Result<()> {
    let target = Target::Name {
        parent: root,
        name: name(b"checkpoint.bin")?,
        inode: OWNER,
        create_only: false,
    };
    let mut source = StreamSource::new(Fill { byte, left: bytes });
    client
        .publish(target, &mut source, PublishOptions::default(), Ack::Durable)
        .map_err(|error| anyhow!("{error}"))?;
    Ok(())
}

/// Reads the checkpoint again and again, and once more after the publish.
fn read_until(client: &Client, root: Node, done: &AtomicBool) -> Result<(u64, u64)> {
    let (mut old, mut new) = (0, 0);
    loop {
        let last = done.load(Ordering::Acquire);
        match read_once(client, root)? {
            1 => old += 1,
            2 => new += 1,
            other => return Err(anyhow!("a checkpoint of bytes {other}")),
        }
        if last {
            return Ok((old, new));
        }
    }
}

/// Reads a sample of every block; answers the byte that all of them were.
fn read_once(client: &Client, root: Node) -> Result<u8> {
    let view = View::head_of(root);
    let found = client
        .namespace()
        .lookup(view.point, root.ino, &name(b"checkpoint.bin")?)
        .map_err(|error| anyhow!("{error}"))?;
    // The body is read at the version it was found at: a later publish does not show.
    let whole = 0..found.attr.size;
    let mut reader =
        BodyReader::open(client, view.point, found.node.ino, whole).map_err(|error| anyhow!("{error}"))?;
    let mut buffer = vec![0; 1 << 20];
    let mut first = None;
    loop {
        let len = reader.read(&mut buffer)?;
        let Some(byte) = buffer[..len].first().copied() else {
            break;
        };
        let expected = *first.get_or_insert(byte);
        ensure!(
            buffer[..len].iter().all(|byte| *byte == expected),
            "the reader saw a mixture"
        );
    }
    first.ok_or_else(|| anyhow!("the checkpoint is empty"))
}
