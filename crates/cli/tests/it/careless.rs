//! An S3 server that takes everything and heeds no condition: `If-None-Match` means nothing to it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

type Objects = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// A running server; its thread ends with the test's process.
pub(crate) struct Careless {
    port: u16,
    objects: Objects,
}

impl Careless {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let objects = Objects::default();
        let shared = Arc::clone(&objects);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || answer(client, &shared));
            }
        });
        Self { port, objects }
    }

    pub(crate) fn url(&self) -> String {
        format!("s3://bucket/ws?endpoint=http://127.0.0.1:{}", self.port)
    }

    /// What is stored now.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.objects.lock().unwrap().keys().cloned().collect()
    }
}

struct Request {
    method: String,
    path: String,
    query: String,
    range: Option<(usize, usize)>,
    body: Vec<u8>,
}

fn read(client: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(client);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (mut length, mut range) = (0, None);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(": ") else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "range" => {
                let (from, to) = value.strip_prefix("bytes=")?.split_once('-')?;
                range = Some((from.parse().ok()?, to.parse().ok()?));
            }
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    Some(Request {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        range,
        body,
    })
}

fn answer(mut client: TcpStream, objects: &Objects) {
    let Some(request) = read(&client) else { return };
    let mut objects = objects.lock().unwrap();
    let (status, headers, body) = match request.method.as_str() {
        "PUT" => {
            objects.insert(request.path, request.body);
            ("200 OK", String::new(), Vec::new())
        }
        "POST" => {
            let text = String::from_utf8_lossy(&request.body).into_owned();
            let keys = text
                .split("<Key>")
                .skip(1)
                .filter_map(|rest| rest.split("</Key>").next());
            for key in keys {
                objects.remove(&format!("/bucket/{key}"));
            }
            let body = b"<DeleteResult></DeleteResult>".to_vec();
            ("200 OK", String::new(), body)
        }
        _ if request.query.contains("list-type") => {
            let body = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>".to_vec();
            ("200 OK", String::new(), body)
        }
        _ => match (objects.get(&request.path), request.range) {
            (None, _) => {
                let body = b"<Error><Code>NoSuchKey</Code><Message>none</Message></Error>".to_vec();
                ("404 Not Found", String::new(), body)
            }
            (Some(body), None) => ("200 OK", String::new(), body.clone()),
            (Some(body), Some((from, to))) => {
                let headers = format!("content-range: bytes {from}-{to}/{}\r\n", body.len());
                ("206 Partial Content", headers, body[from..=to].to_vec())
            }
        },
    };
    let mut head = format!("HTTP/1.1 {status}\r\nconnection: close\r\netag: \"tag\"\r\n{headers}");
    write!(head, "content-length: {}\r\n\r\n", body.len()).unwrap();
    let sent = if request.method == "HEAD" { &[][..] } else { &body };
    // A client that went away is of no interest.
    let _gone = client.write_all(&[head.as_bytes(), sent].concat());
}
