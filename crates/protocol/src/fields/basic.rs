//! Numbers, bytes, options, lists and ids.

use super::{Field, Input};
use nokv_types::codec::{put_bytes, put_signed, put_varint};
use nokv_types::{Ino, ObjectId, QuotaId, ReservationId, SessionId, TimelineId, UploadId, Version};

/// What lists are made of; every type but bytes, which are written as one piece.
pub(crate) trait Element: Field {}

/// What an element may take in memory beside the bytes that it holds; see `ELEMENTS_MAX`.
const ELEMENT_BYTES_MAX: usize = 256;

impl<T: Element> Field for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        put_varint(out, self.len() as u64);
        for element in self {
            element.put(out);
        }
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        const { assert!(size_of::<T>() <= ELEMENT_BYTES_MAX) };
        let mut list = Vec::new();
        for _ in 0..input.count()? {
            list.push(T::take(input)?);
        }
        Some(list)
    }
}

impl Field for Vec<u8> {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(out, self);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        input.bytes().map(<[u8]>::to_vec)
    }
}

impl Element for Vec<u8> {}

impl Field for String {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(out, self.as_bytes());
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        std::str::from_utf8(input.bytes()?).ok().map(str::to_owned)
    }
}

impl<T: Field> Field for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            None => out.push(0),
            Some(value) => {
                out.push(1);
                value.put(out);
            }
        }
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        match input.u8()? {
            0 => Some(None),
            1 => Some(Some(T::take(input)?)),
            _ => None,
        }
    }
}

impl<A: Field, B: Field> Field for (A, B) {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some((A::take(input)?, B::take(input)?))
    }
}

impl<A: Field, B: Field> Element for (A, B) {}

impl<const N: usize> Field for [u8; N] {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        input.array()
    }
}

impl Field for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        match input.u8()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Field for i64 {
    fn put(&self, out: &mut Vec<u8>) {
        put_signed(out, *self);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        input.signed()
    }
}

impl Field for u64 {
    fn put(&self, out: &mut Vec<u8>) {
        put_varint(out, *self);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        input.varint()
    }
}

impl Element for u64 {}

macro_rules! smaller_numbers {
    ($($number:ty),*) => {$(
        impl Field for $number {
            fn put(&self, out: &mut Vec<u8>) {
                put_varint(out, *self as u64);
            }

            fn take(input: &mut Input<'_>) -> Option<Self> {
                <$number>::try_from(input.varint()?).ok()
            }
        }
    )*};
}

smaller_numbers!(u16, u32, usize);

macro_rules! ids {
    ($($id:ident),*) => {$(
        impl Field for $id {
            fn put(&self, out: &mut Vec<u8>) {
                put_varint(out, self.0);
            }

            fn take(input: &mut Input<'_>) -> Option<Self> {
                input.varint().map(Self)
            }
        }
    )*};
}

ids!(Ino, QuotaId, ReservationId, TimelineId, UploadId, Version);

/// Chosen at random, so all its bytes are used.
impl Field for SessionId {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.to_le_bytes());
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        input.array().map(u64::from_le_bytes).map(Self)
    }
}

/// As in body rows.
impl Field for ObjectId {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.to_le_bytes());
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        input.array().map(u128::from_le_bytes).map(Self)
    }
}

impl Element for ObjectId {}
