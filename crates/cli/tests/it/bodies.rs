//! Bodies on the engine itself: overwrites until ranges are compacted, appends, bodies of more than 64 ranges.

use crate::run::{Scratch, pattern, text};
use nokv_client::{Ack, At, BodyReader, Client, Namespace, PublishOptions, Settings, StreamSource, View};
use nokv_metad::{Embedded, Options, open_objects};
use nokv_types::{Name, NewInode, Target};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::Arc;

struct World {
    client: Client,
    view: View,
    embedded: Arc<Embedded>,
    _dir: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut options = Options::new(open_objects("mem:").unwrap());
        options.limits.log_file_bytes = 8 << 20;
        options.limits.log_reserve_bytes = 8 << 20;
        let embedded = Arc::new(Embedded::create(&dir.path().join("data"), options).unwrap());
        let view = embedded.resolve_at(b"main", &At::Head).unwrap();
        let client = Client::new(Arc::clone(&embedded) as Arc<dyn Namespace>, Settings::default());
        Self {
            client,
            view,
            embedded,
            _dir: dir,
        }
    }

    fn publish(&self, body: &[u8]) -> nokv_types::Node {
        let inode = NewInode {
            mode: 0o644,
            uid: 0,
            gid: 0,
        };
        let target = Target::Name {
            parent: self.view.node,
            name: Name::new(b"file").unwrap(),
            inode,
            create_only: false,
        };
        let options = PublishOptions::default();
        let published = self
            .client
            .publish(target, &mut StreamSource::new(body), options, Ack::Applied);
        published.unwrap().node
    }

    fn body(&self, node: nokv_types::Node) -> Vec<u8> {
        let mut body = Vec::new();
        let mut reader = BodyReader::open(&self.client, self.view.point, node.ino, 0..u64::MAX).unwrap();
        reader.read_to_end(&mut body).unwrap();
        body
    }
}

#[test]
fn a_thousand_overwrites_and_appends_are_what_a_vector_would_hold() {
    let world = World::new();
    let mut expect = pattern(300_000);
    let file = world.publish(&expect);
    let mut most = 0;
    for n in 0..1000_u32 {
        let at = (n as usize * 7919) % (expect.len() - 8);
        let bytes = n.to_le_bytes();
        world
            .client
            .write_at(file, at as u64, &bytes, Ack::Applied)
            .unwrap();
        expect[at..at + 4].copy_from_slice(&bytes);
        if n % 10 == 0 {
            let tail = [n as u8; 3];
            world
                .client
                .append(file, &mut StreamSource::new(&tail[..]), Ack::Applied)
                .unwrap();
            expect.extend_from_slice(&tail);
        }
        if n % 50 == 0 {
            let plan = world
                .embedded
                .read_plan(world.view.point, file.ino, 0, u64::MAX)
                .unwrap();
            most = most.max(plan.extents.len());
            assert!(world.body(file) == expect, "after write {n}");
        }
    }
    assert!(world.body(file) == expect);
    let plan = world
        .embedded
        .read_plan(world.view.point, file.ino, 0, u64::MAX)
        .unwrap();
    assert!(
        plan.extents.len() < most,
        "{} extents at the end, {most} before: it was compacted",
        plan.extents.len()
    );
    assert!(world.embedded.fsck(false).unwrap().is_clean());
}

#[test]
fn an_explicit_compaction_changes_no_byte_and_leaves_few_extents() {
    let world = World::new();
    let mut expect = pattern(5 << 20);
    let file = world.publish(&expect);
    for at in (0..4 << 20).step_by(100_003) {
        world
            .client
            .write_at(file, at as u64, b"overwritten", Ack::Applied)
            .unwrap();
        expect[at..at + 11].copy_from_slice(b"overwritten");
    }
    world.client.compact(file, 0).unwrap();
    let plan = world
        .embedded
        .read_plan(world.view.point, file.ino, 0, u64::MAX)
        .unwrap();
    assert_eq!(plan.extents.len(), 2);
    assert!(world.body(file) == expect);
}

#[test]
fn a_body_of_seventy_ranges_is_staged_and_visible_at_once() {
    const RANGE: u64 = nokv_types::RANGE_BYTES;
    let nokv = Scratch::new();
    let path = nokv.local("wide");
    let mut file = std::fs::File::create(&path).unwrap();
    for n in 0..70 {
        file.seek(SeekFrom::Start(n * RANGE + n * 4096)).unwrap();
        file.write_all(format!("range {n}").as_bytes()).unwrap();
    }
    file.set_len(70 * RANGE).unwrap();
    nokv.feed(&["put", "-", "/wide"], b"old");
    nokv.ok(&["put", text(&path), "/wide"]);
    let stat = nokv.json(&["stat", "/wide"]);
    assert_eq!(
        (&stat["size"], &stat["objects"]),
        (&(70 * RANGE).into(), &70.into())
    );
    for n in [0, 35, 69] {
        let (at, text) = (n * RANGE + n * 4096, format!("range {n}"));
        let part = nokv.ok(&[
            "cat",
            "/wide",
            "--offset",
            &at.to_string(),
            "--length",
            &text.len().to_string(),
        ]);
        assert_eq!(part, text);
    }
    assert!(nokv.ok(&["fsck"]).starts_with("clean"));
}
