//! The protocol between clients and metad: frames, messages, limits, errors. No I/O, no clock, no threads.
//!
//! Owns: the bytes on a connection in both directions and what may be said when. Must not know: sockets, TLS, how a
//! session is kept, what a command means, how an answer comes about. docs/formats/protocol.md is the layout.
//!
//! Invariants:
//! * what arrives is never trusted: no length is used before its checksum held, memory follows the bytes that
//!   are there, and no bytes make a reader panic;
//! * one way to write each value, fixed by golden bytes; a number is never given to another message;
//! * what cannot be understood is answered with a typed error, and the connection goes on; only broken framing
//!   ends it;
//! * what the log or a row also keeps has one encoding, that of `nokv_types::codec`.
//!
//! A server reads [`FrameReader`] -> [`Gate::takes`] -> [`Hello`] or [`Call`], and writes with [`AnswersWriter`]; a
//! client writes with [`CallWriter`] and reads [`Answers`] and [`Push`].
//!
//! ```
//! use nokv_protocol::{Ask, Call, CallHead, CallWriter, FrameReader, PREFACE, limits};
//!
//! let mut sent = PREFACE.to_vec();
//! let mut call = CallWriter::begin(&mut sent, 1, &CallHead::default(), limits::FRAME_BYTES_MAX)?;
//! call.ask(&Ask::NewestVersion {})?;
//! call.finish()?;
//!
//! let mut reader = FrameReader::new();
//! reader.push(&sent);
//! let frame = reader.next()?.expect("all of it has arrived");
//! assert_eq!((frame.id, Call::decode(&frame)?.ops.len()), (1, 1));
//! # Ok::<(), nokv_protocol::Error>(())
//! ```

mod admin;
mod answer;
mod answers;
mod auth;
mod call;
mod data;
mod error;
mod fields;
mod frame;
mod gate;
mod hello;
mod kinds;
mod lease;
pub mod limits;
mod lock;
mod op;
mod push;
mod refused;
mod session;

pub use admin::{Cause, PinPage, Readiness, RootPage, SessionInfo, SessionPage, Stat};
pub use answer::{Done, Shape};
pub use answers::{Answers, AnswersWriter, Item};
pub use auth::{Mode, Need};
pub use call::{Call, CallHead, CallWriter, Identity};
pub use data::{Planned, PutIntent, SignedRequest, Walked};
pub use error::{Error, ErrorKind, Result};
pub use frame::{
    Frame, FrameKind, FrameReader, FrameStart, HEADER_BYTES, PREFACE, READ_BYTES, begin_frame, end_frame,
    put_empty_frame, put_preface,
};
pub use gate::{Gate, client_takes};
pub use hello::{
    Attach, ClientKind, Credential, Durability, Granted, Granting, Hello, Limits, Lineage, Secret, Standing,
    Welcome, negotiate,
};
pub use kinds::{Class, OpKind, RESERVED_OPS};
pub use lease::{Grant, LeaseKind, LeaseKinds, LeaseObject};
pub use lock::{LockHolder, LockKind, LockRequest, LockSpace};
pub use op::{Ask, CURRENT, CURRENT_HANDLE, CURRENT_POINT, Current, Op};
pub use push::{Notice, Push, RESERVED_PUSHES, Watching};
pub use refused::{Failure, Refused};
pub use session::{Renewed, SessionGrant};
