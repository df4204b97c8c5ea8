//! What the fake answers to readers.

use super::apply::window;
use super::{Fake, node};
use nokv_client::{
    Ack, At, Blobs, CheckpointReport, DfReport, DiffPage, Error, EventPage, EventQuery, Explanation, Found,
    FsckReport, GcOptions, GcReport, Namespace, Result, StatFs, View,
};
use nokv_types::{
    Answer, Attr, Code, Command, DirEntry, DirPage, FileKind, Ino, Name, Node, NsPath, ObjectId, PinInfo,
    QuotaId, QuotaUsage, ReadPlan, ReadPoint, Reply, Request, RootInfo, Version, XattrName,
};

fn unsupported<T>() -> Result<T> {
    Err(Error::refused(Code::Unsupported, "the fake"))
}

impl Namespace for Fake {
    fn submit(&self, requests: Vec<Request>, ack: Ack) -> Vec<Answer> {
        let mut state = self.state();
        state.last_ack = Some(ack);
        state.batches.push(requests.len());
        requests
            .into_iter()
            .map(|request| state.apply(request.command))
            .collect()
    }

    fn rehearse(&self, _command: Command) -> Result<Reply> {
        unsupported()
    }

    fn version(&self) -> Result<Version> {
        Ok(Version(self.state().version))
    }

    fn lookup(&self, _point: ReadPoint, dir: Ino, name: &Name) -> Result<Found> {
        let state = self.state();
        let missing = || Error::refused(Code::NotFound, format!("{name:?}"));
        let ino = *state.inodes[&dir].entries.get(name).ok_or_else(missing)?;
        Ok(Found {
            node: node(ino.0),
            attr: state.inodes[&ino].attr,
        })
    }

    fn resolve(&self, point: ReadPoint, from: Ino, path: &NsPath) -> Result<Found> {
        let mut here = Found {
            node: node(from.0),
            attr: self.getattr(point, from)?,
        };
        for name in path.names() {
            if here.attr.kind != FileKind::Directory {
                return Err(Error::refused(Code::NotADirectory, path.to_string()));
            }
            here = self.lookup(point, here.node.ino, name)?;
        }
        Ok(here)
    }

    fn getattr(&self, _point: ReadPoint, ino: Ino) -> Result<Attr> {
        Ok(self.state().inodes[&ino].attr)
    }

    fn readdir(
        &self,
        _point: ReadPoint,
        dir: Ino,
        after: Option<&Name>,
        limit: usize,
        with_attrs: bool,
    ) -> Result<DirPage> {
        let state = self.state();
        let behind = |name: &Name| after.is_none_or(|after| name > after);
        let all = state.inodes[&dir].entries.iter().filter(|(name, _)| behind(name));
        let mut entries: Vec<DirEntry> = all
            .take(limit + 1)
            .map(|(name, ino)| DirEntry {
                name: name.clone(),
                node: node(ino.0),
                kind: state.inodes[ino].attr.kind,
                attr: with_attrs.then_some(state.inodes[ino].attr),
            })
            .collect();
        let more = entries.len() > limit;
        entries.truncate(limit);
        Ok(DirPage { entries, more })
    }

    fn readlink(&self, _point: ReadPoint, ino: Ino) -> Result<Vec<u8>> {
        Ok(self.state().inodes[&ino].target.clone())
    }

    fn read_plan(&self, _point: ReadPoint, ino: Ino, offset: u64, len: u64) -> Result<ReadPlan> {
        let state = self.state();
        let inode = &state.inodes[&ino];
        let cut = inode
            .extents
            .iter()
            .filter_map(|e| window(e, offset, offset + len));
        Ok(ReadPlan {
            size: inode.attr.size,
            extents: cut.collect(),
        })
    }

    fn blobs(&self) -> &dyn Blobs {
        &self.blobs
    }

    fn root(&self, _name: &[u8]) -> Result<RootInfo> {
        unsupported()
    }
    fn roots(&self) -> Result<Vec<RootInfo>> {
        unsupported()
    }
    fn resolve_at(&self, _root: &[u8], _at: &At) -> Result<View> {
        Ok(super::head())
    }
    fn xattr_get(&self, _point: ReadPoint, _ino: Ino, _name: &XattrName) -> Result<Vec<u8>> {
        unsupported()
    }
    fn xattr_list(&self, _point: ReadPoint, _ino: Ino) -> Result<Vec<XattrName>> {
        unsupported()
    }
    fn path_of(&self, _point: ReadPoint, _ino: Ino) -> Result<NsPath> {
        unsupported()
    }
    fn pins(&self) -> Result<Vec<PinInfo>> {
        unsupported()
    }
    fn quota(&self, _node: Node) -> Result<QuotaUsage> {
        Ok(QuotaUsage {
            counting: false,
            quota: QuotaId::WORKSPACE,
            limits: self.state().limits,
            bytes: 0,
            inodes: 0,
        })
    }
    fn statfs(&self) -> Result<StatFs> {
        Ok(StatFs::default())
    }
    fn events(&self, _query: &EventQuery) -> Result<EventPage> {
        unsupported()
    }
    fn diff(&self, _a: View, _b: View, _after: Option<&[u8]>, _limit: usize) -> Result<DiffPage> {
        unsupported()
    }
    fn gc(&self, _options: &GcOptions) -> Result<GcReport> {
        unsupported()
    }
    fn gc_explain(&self, _object: ObjectId) -> Result<Explanation> {
        unsupported()
    }
    fn fsck(&self, _repair: bool) -> Result<FsckReport> {
        unsupported()
    }
    fn df(&self) -> Result<DfReport> {
        unsupported()
    }
    fn checkpoint(&self) -> Result<CheckpointReport> {
        unsupported()
    }
}
