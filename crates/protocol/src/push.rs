//! What goes one way: pushes from the server on connections that take callbacks, and notices from the client.

use crate::fields::{Field, Input, field_structs};
use crate::frame::{Frame, FrameKind, begin_frame, end_frame};
use crate::lease::LeaseObject;
use crate::refused::Failure;
use crate::{Error, Result};
use nokv_types::{EventPage, Version};

/// A watch that began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watching {
    /// Its number on the connection.
    pub watch: u64,
    /// Events behind this version are sent.
    pub from: Version,
}

field_structs! {
    Watching { watch, from }
}

macro_rules! one_way {
    (
        $(#[$enum_doc:meta])* $enum:ident, $frame:ident, $what:literal;
        $($(#[$doc:meta])* $name:ident = $number:literal { $($(#[$field_doc:meta])* $field:ident: $ty:ty,)* })*
    ) => {
        $(#[$enum_doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum $enum {
            $($(#[$doc])* $name { $($(#[$field_doc])* $field: $ty,)* },)*
        }

        impl $enum {
            /// Number and name of every message.
            pub const NUMBERS: &'static [(u16, &'static str)] = &[$(($number, stringify!($name)),)*];

            /// Its number.
            pub fn number(&self) -> u16 {
                match self { $(Self::$name { .. } => $number,)* }
            }

            /// Appends a frame of this message.
            ///
            /// # Errors
            /// `TooLarge` above `frame_max` bytes.
            pub fn encode(&self, frame_max: u32, out: &mut Vec<u8>) -> Result<()> {
                let start = begin_frame(out, FrameKind::$frame, 0);
                out.extend_from_slice(&self.number().to_le_bytes());
                out.push(MESSAGE_VERSION);
                match self { $(Self::$name { $($field),* } => { $(Field::put($field, out);)* })* }
                end_frame(out, start, frame_max)
            }

            /// Reads the frame's body.
            ///
            /// # Errors
            /// `Unknown` and `TooNew`: pass over it. `Malformed`.
            pub fn decode(frame: &Frame<'_>) -> Result<Self> {
                let mut input = Input::new(frame.body);
                let number = input.array().map(u16::from_le_bytes).ok_or_else(|| Error::malformed($what))?;
                let version = input.u8().ok_or_else(|| Error::malformed($what))?;
                if !Self::NUMBERS.iter().any(|(known, _)| *known == number) {
                    return Err(Error::unknown($what, u64::from(number)));
                }
                if version > MESSAGE_VERSION {
                    return Err(Error::too_new(format!("{} {number}", $what), version));
                }
                let value = if version == 0 { None } else { Self::take(number, &mut input) };
                value
                    .filter(|_| input.finish().is_some())
                    .ok_or_else(|| Error::malformed(format!("{} {number}", $what)))
            }

            fn take(number: u16, input: &mut Input<'_>) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name { $($field: input.field()?,)* }),)*
                    _ => None,
                }
            }
        }
    };
}

/// The newest version of all of them.
const MESSAGE_VERSION: u8 = 1;

/// Numbers of pushes that are taken and not spoken yet: recalling a delegation.
pub const RESERVED_PUSHES: [u16; 1] = [16];

one_way! {
    /// What the server says unasked.
    Push, Push, "push";

    /// Stop using what is kept of these objects, then say so with [`Notice::Revoked`]. A change waits for it, at
    /// most until the leases end by themselves.
    Revoke = 1 {
        /// Number of the revocation, ascending in the session.
        revoke: u64,
        /// Grants up to this number are void; a grant above it, on an answer still to come, is not.
        through: u64,
        /// What is taken back.
        objects: Vec<LeaseObject>,
    }
    /// Events of a watch.
    Events = 2 {
        /// The watch.
        watch: u64,
        /// The events, and the cursor behind them.
        page: EventPage,
    }
    /// A watch ended: `CursorExpired`, `Forbidden`, `Draining`.
    WatchEnded = 3 {
        /// The watch.
        watch: u64,
        /// Why.
        failure: Failure,
    }
    /// The server stops: no new calls, what is on its way is answered, then the connection is closed.
    Draining = 4 {
        /// Within this time, ms.
        within_ms: u32,
    }
    /// The session ended: nothing that is kept by it counts any more.
    SessionEnded = 5 {
        /// Why.
        failure: Failure,
    }
}

one_way! {
    /// What the client says without being answered.
    Notice, Notice, "notice";

    /// Nothing of these revocations is used any more.
    Revoked = 1 {
        /// Their numbers.
        revokes: Vec<u64>,
    }
    /// More events of a watch may be sent.
    Credit = 2 {
        /// The watch.
        watch: u64,
        /// So many more.
        events: u32,
    }
    /// The answer to this call is not wanted any more. It is answered all the same, with `Cancelled` for what had
    /// not begun.
    Cancel = 3 {
        /// The id of the call's frame.
        call: u64,
    }
}
