//! As much of HTTP/1.1 as a proxy needs that closes after every answer.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};

use crate::http::{SILENCE_MAX, head_end};

/// Longest head and body that is taken; tests send no more.
const REQUEST_BYTES_MAX: usize = 64 << 20;
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// A whole request, as it is sent on.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) raw: Vec<u8>,
}

/// Reads one request; `None` when the client closes without one.
pub(crate) fn read_request(client: &mut TcpStream) -> io::Result<Option<Request>> {
    client.set_read_timeout(Some(SILENCE_MAX))?;
    let mut raw = Vec::new();
    let end = loop {
        if let Some(end) = head_end(&raw) {
            break end;
        }
        if !read_some(client, &mut raw)? {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&raw[..end]).into_owned();
    let length = header(&head, "content-length")
        .and_then(|text| text.parse::<usize>().ok())
        .unwrap_or(0);
    if header(&head, "expect").is_some() {
        client.write_all(CONTINUE)?;
    }
    while raw.len() < end + length {
        if !read_some(client, &mut raw)? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let method = head.split(' ').next().unwrap_or_default().to_owned();
    // `connection` is never signed, so it may be added.
    let first_line = head.find("\r\n").map_or(0, |at| at + 2);
    raw.splice(first_line..first_line, b"connection: close\r\n".iter().copied());
    Ok(Some(Request { method, raw }))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (given, value) = line.split_once(':')?;
        given.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn read_some(client: &mut TcpStream, raw: &mut Vec<u8>) -> io::Result<bool> {
    let mut part = [0; 16 << 10];
    let count = client.read(&mut part)?;
    raw.extend_from_slice(&part[..count]);
    if raw.len() > REQUEST_BYTES_MAX {
        return Err(io::Error::other("the request is too long for this proxy"));
    }
    Ok(count > 0)
}

/// Sends the whole request, unless the server refuses it before it has read the body and closes: then what it
/// has answered by that time is still to be read.
pub(crate) fn forward(mut server: TcpStream, request: &Request) -> io::Result<TcpStream> {
    server.set_read_timeout(Some(SILENCE_MAX))?;
    match server.write_all(&request.raw) {
        Err(e)
            if !matches!(
                e.kind(),
                io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
            ) =>
        {
            Err(e)
        }
        _ => Ok(server),
    }
}

/// Reads the answer to its end, without interim ones.
pub(crate) fn read_answer(mut server: TcpStream) -> io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    let ended = server.read_to_end(&mut answer);
    let _ = server.shutdown(Shutdown::Both);
    if answer.is_empty() {
        ended?;
    }
    while answer.starts_with(b"HTTP/1.1 100 ") {
        let end = head_end(&answer).ok_or(io::ErrorKind::UnexpectedEof)?;
        answer.drain(..end);
    }
    Ok(answer)
}

/// An answer that refuses.
pub(crate) fn refusal(status: &str, code: &str) -> Vec<u8> {
    let body =
        format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>injected</Message></Error>");
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/xml\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head, body].concat().into_bytes()
}
