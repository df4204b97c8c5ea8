//! A decorator that fails, by chance or by script, in the ways real stores and networks do.
//!
//! Must not make up what a store cannot do: every fault is either an answer the store may give, or an effect of
//! another writer, or the loss or damage of an answer on its way.
//!
//! Invariants: the same seed and the same order of calls give the same faults; every injected fault is counted.

mod fault;
mod plan;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use self::fault::{Fault, FaultRates};
use self::plan::Plan;
use crate::{
    ETag, Error, ErrorKind, Key, Listed, Object, ObjectMeta, ObjectStore, Op, PutOutcome, Result,
    SignRequest, SignedUrl,
};

/// Puts that are under way at most; the oldest lands when another one is held back.
pub const LATE_PUTS_MAX: usize = 1024;

/// See the module.
#[derive(Debug)]
pub struct FaultyStore {
    inner: Arc<dyn ObjectStore>,
    plan: Mutex<Plan>,
    late: Mutex<Vec<LatePut>>,
}

/// A put that left and has not arrived.
#[derive(Debug)]
struct LatePut {
    key: Key,
    bytes: Vec<u8>,
    /// `None`: create-only.
    expected: Option<ETag>,
}

impl FaultyStore {
    /// Puts faults in front of a store; `rates` of zero leave only what is scripted.
    pub fn new(inner: Arc<dyn ObjectStore>, seed: u64, rates: FaultRates) -> Self {
        Self {
            inner,
            plan: Mutex::new(Plan::new(seed, rates)),
            late: Mutex::new(Vec::new()),
        }
    }

    /// Makes the next call of this kind fail so; several wait in line. Chance is not asked for that call.
    ///
    /// # Panics
    /// When a call of this kind cannot fail so: the test would believe in a fault that never was.
    pub fn script(&self, op: Op, fault: Fault) {
        assert!(fault.applies_to(op), "{fault:?} cannot happen to {op:?}");
        self.plan().script(op, fault);
    }

    /// How often a fault was injected.
    pub fn injected(&self, fault: Fault) -> u64 {
        self.plan().injected(fault)
    }

    /// How many faults were injected.
    pub fn injected_total(&self) -> u64 {
        Fault::ALL.iter().map(|&fault| self.injected(fault)).sum()
    }

    /// Lets every put that is under way arrive, and says how many took effect.
    pub fn land_late(&self) -> usize {
        let late = std::mem::take(&mut *self.late.lock().unwrap_or_else(PoisonError::into_inner));
        late.into_iter().filter(|put| self.land(put)).count()
    }

    fn land(&self, put: &LatePut) -> bool {
        if let Some(etag) = &put.expected {
            return self.inner.put_if_match(&put.key, &put.bytes, Some(etag)).is_ok();
        }
        let created = self
            .inner
            .put_if_absent(&put.key, &put.bytes, crc32c::crc32c(&put.bytes));
        created.is_ok_and(|outcome| outcome == PutOutcome::Created)
    }

    fn hold_back(&self, put: LatePut) {
        let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        late.push(put);
        let arrived = if late.len() > LATE_PUTS_MAX {
            Some(late.remove(0))
        } else {
            None
        };
        drop(late);
        if let Some(put) = arrived {
            self.land(&put);
        }
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn draw(&self, op: Op) -> Option<Fault> {
        self.plan().draw(op)
    }

    /// Another writer with other bytes comes first.
    fn race(&self, key: &Key, bytes: &[u8]) {
        let mut other = bytes.to_vec();
        other.push(b'~');
        match self.inner.head(key) {
            Ok(Some(meta)) => drop(self.inner.put_if_match(key, &other, Some(&meta.etag))),
            _ => drop(self.inner.put_if_absent(key, &other, crc32c::crc32c(&other))),
        }
    }

    fn put<T>(
        &self,
        op: Op,
        key: &Key,
        late: impl Fn() -> LatePut,
        effect: impl Fn() -> Result<T>,
    ) -> Result<T> {
        match self.draw(op) {
            None => effect(),
            Some(Fault::LostAnswer) => {
                effect()?;
                Err(lost(op, key))
            }
            Some(Fault::Late) => {
                self.hold_back(late());
                Err(lost(op, key))
            }
            Some(Fault::Race) => {
                self.race(key, &late().bytes);
                effect()
            }
            Some(fault) => Err(refused(fault, op).on(key)),
        }
    }

    /// Damages what was read, or refuses to read.
    fn read(&self, op: Op, key: &Key, effect: impl Fn() -> Result<Object>) -> Result<Object> {
        let fault = self.draw(op);
        match fault {
            None => effect(),
            Some(Fault::FlipBit | Fault::Truncate) => {
                let mut object = effect()?;
                let at = self.plan().below(object.bytes.len() as u64) as usize;
                if fault == Some(Fault::Truncate) {
                    object.bytes.truncate(at);
                } else if let Some(byte) = object.bytes.get_mut(at) {
                    *byte ^= 1 << (at % 8);
                }
                Ok(object)
            }
            Some(fault) => Err(refused(fault, op).on(key)),
        }
    }
}

fn lost(op: Op, key: &Key) -> Error {
    Error::new(op.lost_answer(), op)
        .on(key)
        .because("injected: the answer is lost")
}

fn refused(fault: Fault, op: Op) -> Error {
    let kind = match fault {
        Fault::Throttle => ErrorKind::Throttled,
        Fault::Full => ErrorKind::Full,
        Fault::Denied => ErrorKind::Denied,
        Fault::NoAnswer => op.lost_answer(),
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, op).because(format!("injected: {fault:?}"))
}

impl ObjectStore for FaultyStore {
    fn put_if_absent(&self, key: &Key, bytes: &[u8], crc32c: u32) -> Result<PutOutcome> {
        let late = || LatePut {
            key: key.clone(),
            bytes: bytes.to_vec(),
            expected: None,
        };
        self.put(Op::PutIfAbsent, key, late, || {
            self.inner.put_if_absent(key, bytes, crc32c)
        })
    }

    fn put_if_match(&self, key: &Key, bytes: &[u8], expected: Option<&ETag>) -> Result<ETag> {
        let late = || LatePut {
            key: key.clone(),
            bytes: bytes.to_vec(),
            expected: expected.cloned(),
        };
        self.put(Op::PutIfMatch, key, late, || {
            self.inner.put_if_match(key, bytes, expected)
        })
    }

    fn get(&self, key: &Key) -> Result<Object> {
        self.read(Op::Get, key, || self.inner.get(key))
    }

    fn get_range(&self, key: &Key, offset: u64, len: u64) -> Result<Vec<u8>> {
        let effect = || {
            let bytes = self.inner.get_range(key, offset, len)?;
            Ok(Object {
                bytes,
                etag: ETag(String::new()),
            })
        };
        self.read(Op::GetRange, key, effect).map(|object| object.bytes)
    }

    fn head(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        match self.draw(Op::Head) {
            None => self.inner.head(key),
            Some(fault) => Err(refused(fault, Op::Head).on(key)),
        }
    }

    fn delete(&self, keys: &[Key]) -> Result<()> {
        match self.draw(Op::Delete) {
            None => self.inner.delete(keys),
            Some(Fault::LostAnswer) => {
                self.inner.delete(keys)?;
                Err(refused(Fault::NoAnswer, Op::Delete))
            }
            Some(fault) => Err(refused(fault, Op::Delete)),
        }
    }

    fn list(&self, prefix: &str, start_after: Option<&Key>, limit: usize) -> Result<Vec<Listed>> {
        match self.draw(Op::List) {
            None => self.inner.list(prefix, start_after, limit),
            Some(fault) => Err(refused(fault, Op::List).at(prefix)),
        }
    }

    fn sign(&self, request: &SignRequest<'_>) -> Result<SignedUrl> {
        self.inner.sign(request)
    }
}
