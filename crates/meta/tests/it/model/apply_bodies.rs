//! What accepted commands about bodies, objects and uploads do to the model.

use super::apply::{Checked, same};
use super::body::Body;
use super::check_bodies::shifted;
use super::state::{Model, Published, Reservation, Upload};
use nokv_meta::{UPLOAD_REQUEST_NS, UPLOAD_URL_NS};
use nokv_types::{Command, NewBody, NewKind, Node, Outcome, RANGE_BYTES, Reply, Target, UploadId, Version};

/// Uploads, and reservations, that one step ends.
const END_STEP: usize = 256;

impl Model {
    pub(crate) fn apply_to_bodies(&mut self, command: &Command, reply: &Reply) -> Checked {
        let version = reply.version;
        let node = match command {
            Command::Publish {
                target, body, xattrs, ..
            } => {
                let (body, size, upload) = self.new_body(body);
                let node = self.target(target, &reply.outcome)?;
                let now = self.clock.wall_ns;
                let inode = self.tree(node.timeline).edit(node.ino);
                for (name, value) in xattrs {
                    inode.xattrs.insert(name.as_bytes().to_vec(), value.clone());
                }
                (inode.mtime, inode.ctime) = (now, now);
                self.set_body(node, body, size, version);
                self.tree(node.timeline).edit(node.ino).upload = upload;
                node
            }
            Command::Write { node, extents, .. } => {
                self.overwrite(*node, extents, version);
                *node
            }
            Command::Append { node, extents } => {
                let size = self.lines[&node.timeline].tree.inodes[&node.ino].size;
                let moved: Vec<_> = extents.iter().map(|extent| shifted(extent, size)).collect();
                self.overwrite(*node, &moved, version);
                *node
            }
            Command::SetSize { node, size } => {
                let now = self.clock.wall_ns;
                let inode = self.tree(node.timeline).edit(node.ino);
                (inode.mtime, inode.ctime) = (now, now);
                if inode.size != *size {
                    let mut body = inode.body.clone();
                    body.cut(*size, u64::MAX);
                    self.set_body(*node, body, *size, version);
                }
                *node
            }
            Command::PunchHole { node, from, len } => {
                let inode = &self.lines[&node.timeline].tree.inodes[&node.ino];
                let (size, mut body) = (inode.size, inode.body.clone());
                body.cut(*from, from.saturating_add(*len));
                // The whole of a file is a new body even when it was a hole before.
                let whole = *from == 0 && *len >= size && size > 0;
                if body != inode.body || whole {
                    self.set_body(*node, body, size, version);
                }
                let now = self.clock.wall_ns;
                let inode = self.tree(node.timeline).edit(node.ino);
                (inode.mtime, inode.ctime) = (now, now);
                *node
            }
            Command::Compact {
                node, range, extents, ..
            } => {
                let inode = &self.lines[&node.timeline].tree.inodes[&node.ino];
                let (size, mut body) = (inode.size, inode.body.clone());
                body.cut(range * RANGE_BYTES, (range + 1) * RANGE_BYTES);
                body.lay(extents);
                if body != inode.body || !extents.is_empty() {
                    self.set_body(*node, body, size, version);
                }
                // The bytes are the same: it need not count as a change.
                self.line(node.timeline).released = version;
                return self.same_inode(*node, &reply.outcome);
            }
            other => return self.apply_to_uploads(other, reply),
        };
        self.changed(node.timeline, version);
        self.same_inode(node, &reply.outcome)
    }

    fn target(&mut self, target: &Target, outcome: &Outcome) -> Result<Node, String> {
        let Target::Name {
            parent, name, inode, ..
        } = target
        else {
            let Target::Node(node) = target else {
                unreachable!()
            };
            return Ok(*node);
        };
        let dir = &self.lines[&parent.timeline].tree.inodes[&parent.ino];
        let ino = match dir.entries.get(name.as_bytes()) {
            Some(ino) => *ino,
            None => self.make((*parent, name), *inode, &NewKind::File, outcome)?,
        };
        Ok(Node::new(parent.timeline, ino))
    }

    /// A whole body, its size and the upload that it is read from; a staged one is taken from its upload.
    fn new_body(&mut self, body: &NewBody) -> (Body, u64, Option<UploadId>) {
        match body {
            NewBody::Whole { size, extents } => (Body::of(extents), *size, None),
            NewBody::Staged { size, upload: id } => {
                let upload = self.uploads.remove(id).expect("checked before");
                let published = Published {
                    objects: upload.body.objects(),
                    is_shared: false,
                };
                self.published.insert(*id, published);
                (upload.body, *size, Some(*id))
            }
            NewBody::Clone { from, version } => {
                let tree = self.at(from.timeline, *version).expect("checked before");
                let inode = &tree.inodes[&from.ino];
                if let Some(upload) = inode.upload {
                    self.share(upload);
                }
                (inode.body.clone(), inode.size, inode.upload)
            }
        }
    }

    fn set_body(&mut self, node: Node, body: Body, size: u64, version: Version) {
        self.touched.extend(body.objects());
        let inode = self.tree(node.timeline).edit(node.ino);
        (inode.body, inode.size, inode.generation) = (body, size, version);
    }

    fn overwrite(&mut self, node: Node, extents: &[nokv_types::Extent], version: Version) {
        let inode = &self.lines[&node.timeline].tree.inodes[&node.ino];
        let (mut body, mut size) = (inode.body.clone(), inode.size);
        for extent in extents {
            body.put(extent.clone());
            size = size.max(extent.end());
        }
        self.set_body(node, body, size, version);
        let now = self.clock.wall_ns;
        let inode = self.tree(node.timeline).edit(node.ino);
        (inode.mtime, inode.ctime) = (now, now);
    }

    fn apply_to_uploads(&mut self, command: &Command, reply: &Reply) -> Checked {
        let used = self.clock.log_ns;
        match (command, &reply.outcome) {
            (Command::BeginUpload { session }, Outcome::Upload(id)) => {
                let upload = Upload {
                    session: *session,
                    body: Body::default(),
                    used,
                };
                let known = self.uploads.insert(*id, upload);
                same("upload is new", known.is_none(), true)
            }
            (Command::Stage { upload, extents, .. }, _) => {
                let upload = self.uploads.get_mut(upload).expect("checked before");
                upload.body.lay(extents);
                upload.used = used;
                let objects = upload.body.objects();
                self.touched.extend(objects);
                Ok(())
            }
            (Command::AbandonUpload { upload }, _) => {
                self.uploads.remove(upload);
                Ok(())
            }
            (Command::ReserveObjects { seed }, Outcome::Reserved(id)) => {
                let reservation = Reservation {
                    seed: *seed,
                    expires: used + UPLOAD_URL_NS + UPLOAD_REQUEST_NS,
                };
                let known = self.reservations.insert(*id, reservation);
                same("reservation is new", known.is_none(), true)
            }
            _ => self.apply_to_timelines(command, reply),
        }
    }

    /// What was begun up to a version ends, the oldest first and so many at a time.
    pub(crate) fn end_uploads(&mut self, up_to: Version, ids: bool, done: u64, more: bool) -> Checked {
        let now = self.clock.log_ns;
        let open = self.uploads.keys().copied().filter(|upload| upload.0 <= up_to.0);
        let open: Vec<UploadId> = open.collect();
        for upload in open.iter().take(END_STEP) {
            self.uploads.remove(upload);
        }
        let usable = self
            .reservations
            .iter_mut()
            .filter(|(id, row)| ids && id.0 <= up_to.0 && row.expires > now);
        let usable: Vec<&mut Reservation> = usable.map(|(_, row)| row).collect();
        let wanted = open.len().min(END_STEP) + usable.len().min(END_STEP);
        let is_more = open.len() > END_STEP || usable.len() > END_STEP;
        for row in usable.into_iter().take(END_STEP) {
            row.expires = now;
        }
        // Uploads of sessions that ended are no longer known here, but may still be there.
        same("all that was open ends", done >= wanted as u64, true)?;
        same("more is left", more || !is_more, true)
    }
}
