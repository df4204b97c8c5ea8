//! The namespace for programs in the same process: the trait [`Namespace`] over an [`Engine`].
//!
//! Owns: nothing but the engine. Must not know who calls; must not keep what a read saw.

mod admin;
mod blobs;
mod diff;
mod fsck;
mod gc;
mod history;
mod views;

use crate::error::read_failed;
use crate::{Engine, Options, Result};
use blobs::EngineBlobs;
use nokv_client::{
    Ack, At, Blobs, CheckpointReport, DfReport, DiffPage, EventPage, EventQuery, Explanation, Found,
    FsckReport, GcOptions, GcReport, Namespace, StatFs, View,
};
use nokv_meta::Reader;
use nokv_store::HoltStore;
use nokv_types::{
    Answer, Attr, Command, DirPage, Ino, Name, Node, NsPath, ObjectId, PinInfo, QuotaUsage, ReadPlan,
    ReadPoint, Reply, Request, RootInfo, Version, XattrName,
};
use std::path::Path;
use std::sync::Arc;

type Answered<T> = nokv_client::Result<T>;

/// An engine behind the trait that programs use.
#[derive(Debug)]
pub struct Embedded {
    engine: Arc<Engine>,
    blobs: EngineBlobs,
}

impl Embedded {
    /// Makes a workspace in `data` and opens it; see [`Engine::create`].
    ///
    /// # Errors
    /// As there.
    pub fn create(data: &Path, options: Options) -> Result<Self> {
        Engine::create(data, options).map(|engine| Self::over(Arc::new(engine)))
    }

    /// Opens the workspace in `data`; see [`Engine::open`].
    ///
    /// # Errors
    /// As there.
    pub fn open(data: &Path, options: Options) -> Result<Self> {
        Engine::open(data, options).map(|engine| Self::over(Arc::new(engine)))
    }

    /// The namespace of an open engine.
    pub fn over(engine: Arc<Engine>) -> Self {
        let blobs = EngineBlobs::new(Arc::clone(&engine.core));
        Self { engine, blobs }
    }

    /// The engine underneath.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Stops in order; see [`Engine::close`].
    ///
    /// # Errors
    /// As there.
    pub fn close(&self) -> Result<()> {
        self.engine.close()
    }

    fn read<T>(&self, read: impl FnMut(&Reader<'_, HoltStore>) -> nokv_meta::Result<T>) -> Answered<T> {
        self.engine.read(read).map_err(read_failed)
    }

    /// A read of a state that has to be kept still.
    fn read_at<T>(
        &self,
        point: ReadPoint,
        mut read: impl FnMut(&Reader<'_, HoltStore>) -> nokv_meta::Result<T>,
    ) -> Answered<T> {
        self.read(|reader| {
            reader.readable(point)?;
            read(reader)
        })
    }
}

impl Namespace for Embedded {
    fn submit(&self, requests: Vec<Request>, ack: Ack) -> Vec<Answer> {
        let counts = |request: &Request| matches!(request.command, Command::SetQuota { .. });
        let counts = requests.iter().any(counts);
        let answers = self.engine.submit(requests, ack);
        if counts && answers.iter().any(Answer::is_ok) {
            // In force when it is answered: the caller may be gone before a worker comes to it.
            self.engine.core.count_quotas(&|| false);
        }
        answers
    }

    fn rehearse(&self, command: Command) -> Answered<Reply> {
        self.engine.core.rehearse(command)
    }

    fn version(&self) -> Answered<Version> {
        Ok(self.engine.core.published.version())
    }

    fn root(&self, name: &[u8]) -> Answered<RootInfo> {
        self.read(|reader| reader.root(name))
    }

    fn roots(&self) -> Answered<Vec<RootInfo>> {
        self.read(|reader| reader.roots())
    }

    fn resolve_at(&self, root: &[u8], at: &At) -> Answered<View> {
        self.view_of(root, at)
    }

    fn lookup(&self, point: ReadPoint, dir: Ino, name: &Name) -> Answered<Found> {
        self.read_at(point, |reader| {
            reader.lookup(point, dir, name).and_then(views::found)
        })
    }

    fn resolve(&self, point: ReadPoint, from: Ino, path: &NsPath) -> Answered<Found> {
        self.read_at(point, |reader| {
            reader.resolve(point, from, path).and_then(views::found)
        })
    }

    fn getattr(&self, point: ReadPoint, ino: Ino) -> Answered<Attr> {
        self.read_at(point, |reader| reader.getattr(point, ino))
    }

    fn readdir(
        &self,
        point: ReadPoint,
        dir: Ino,
        after: Option<&Name>,
        limit: usize,
        with_attrs: bool,
    ) -> Answered<DirPage> {
        self.read_at(point, |reader| {
            reader.readdir(point, dir, after, limit, with_attrs)
        })
    }

    fn readlink(&self, point: ReadPoint, ino: Ino) -> Answered<Vec<u8>> {
        self.read_at(point, |reader| reader.readlink(point, ino))
    }

    fn xattr_get(&self, point: ReadPoint, ino: Ino, name: &XattrName) -> Answered<Vec<u8>> {
        self.read_at(point, |reader| reader.xattr(point, ino, name))
    }

    fn xattr_list(&self, point: ReadPoint, ino: Ino) -> Answered<Vec<XattrName>> {
        let all = self.read_at(point, |reader| reader.xattrs(point, ino))?;
        Ok(all.into_iter().map(|(name, _)| name).collect())
    }

    fn read_plan(&self, point: ReadPoint, ino: Ino, offset: u64, len: u64) -> Answered<ReadPlan> {
        self.read_at(point, |reader| reader.read_plan(point, ino, offset, len))
    }

    fn path_of(&self, point: ReadPoint, ino: Ino) -> Answered<NsPath> {
        self.read_at(point, |reader| reader.path_of(point, ino))
    }

    fn pins(&self) -> Answered<Vec<PinInfo>> {
        self.read(|reader| reader.pins())
    }

    fn quota(&self, node: Node) -> Answered<QuotaUsage> {
        let head = View::head_of(node).point;
        self.read_at(head, |reader| reader.quota(head, node.ino))
    }

    fn statfs(&self) -> Answered<StatFs> {
        self.space()
    }

    fn events(&self, query: &EventQuery) -> Answered<EventPage> {
        self.event_page(query)
    }

    fn diff(&self, a: View, b: View, after: Option<&[u8]>, limit: usize) -> Answered<DiffPage> {
        self.differences(a, b, after, limit)
    }

    fn blobs(&self) -> &dyn Blobs {
        &self.blobs
    }

    fn gc(&self, options: &GcOptions) -> Answered<GcReport> {
        self.collect(*options)
    }

    fn gc_explain(&self, object: ObjectId) -> Answered<Explanation> {
        self.explain(object)
    }

    fn fsck(&self, repair: bool) -> Answered<FsckReport> {
        self.check(repair)
    }

    fn df(&self) -> Answered<DfReport> {
        self.usage()
    }

    fn checkpoint(&self) -> Answered<CheckpointReport> {
        self.save()
    }
}
