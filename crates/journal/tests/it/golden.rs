//! The bytes of every durable format, as they are stored for ever.

#[test]
fn placeholder() {}
