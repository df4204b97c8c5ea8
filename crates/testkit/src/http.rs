//! One HTTP/1.1 request over plain TCP: what a client with a signed URL and no library sends.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long a peer on loopback may be silent.
pub const SILENCE_MAX: Duration = Duration::from_mins(1);

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body, chunks joined.
    pub body: Vec<u8>,
}

/// Sends one request to `http://ADDRESS:PORT/...` on a connection of its own and reads the answer to its end.
///
/// # Errors
/// When the URL is not a plain one, the peer cannot be reached, or it does not speak HTTP.
pub fn request(method: &str, url: &str, headers: &[(String, String)], body: &[u8]) -> io::Result<Answer> {
    let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, what.to_owned());
    let rest = url
        .strip_prefix("http://")
        .ok_or_else(|| bad("not a plain http url"))?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let address: SocketAddr = host
        .parse()
        .map_err(|_| bad("the host is not an address with a port"))?;
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(SILENCE_MAX))?;
    let given = |name: &str| headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name));
    let mut lines = vec![
        format!("{method} /{path} HTTP/1.1"),
        "connection: close".to_owned(),
    ];
    if !given("host") {
        lines.push(format!("host: {host}"));
    }
    if !given("content-length") {
        lines.push(format!("content-length: {}", body.len()));
    }
    lines.extend(headers.iter().map(|(name, value)| format!("{name}: {value}")));
    let head = lines.join("\r\n") + "\r\n\r\n";
    stream.write_all(head.as_bytes())?;
    // A server that refuses by the headers may close before it has read the body; its answer still counts.
    let sent = stream.write_all(body);
    let mut raw = Vec::new();
    match stream.read_to_end(&mut raw) {
        Err(e) if raw.is_empty() => return Err(sent.err().unwrap_or(e)),
        _ => {}
    }
    parse(&raw).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not an http answer"))
}

/// Where the head of a message ends, its empty line included.
pub(crate) fn head_end(raw: &[u8]) -> Option<usize> {
    raw.windows(4)
        .position(|four| four == b"\r\n\r\n")
        .map(|at| at + 4)
}

fn parse(raw: &[u8]) -> Option<Answer> {
    let (head, body) = raw.split_at(head_end(raw)?);
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let status: u16 = head.split(' ').nth(1)?.parse().ok()?;
    if status == 100 {
        return parse(body);
    }
    let chunked = head.contains("\r\ntransfer-encoding: chunked");
    let body = if chunked { joined(body)? } else { body.to_vec() };
    Some(Answer { status, body })
}

fn joined(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|two| two == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).ok()?.trim(), 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(line + 2..line + 2 + size)?);
        rest = rest.get(line + 4 + size..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_plain_chunked_and_after_an_interim_one() {
        let plain = parse(b"HTTP/1.1 200 OK\r\nX: y\r\n\r\nbody").unwrap();
        assert_eq!((plain.status, plain.body.as_slice()), (200, &b"body"[..]));
        let chunked = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 206 P\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        let chunked = parse(chunked).unwrap();
        assert_eq!((chunked.status, chunked.body.as_slice()), (206, &b"abcde"[..]));
        assert_eq!(parse(b"nonsense"), None);
    }
}
