//! A real S3 server on loopback, for one test.
//!
//! Invariants: credentials are random, the port is free, the data lies in a directory that goes away, and the
//! server dies with the [`Minio`] that started it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use crate::http;

/// The variable that names the server's binary.
pub const MINIO_ENV: &str = "NOKV_TEST_MINIO";
/// How long a server may take to answer; a cold start on a busy machine is a few seconds.
const START_TIMEOUT: Duration = Duration::from_mins(1);
/// Pause between two looks at a server that starts.
const START_POLL: Duration = Duration::from_millis(20);
/// Another process may take the port between choosing and using it.
const START_ATTEMPTS: u32 = 3;

/// A running server.
#[derive(Debug)]
pub struct Minio {
    child: Child,
    dir: tempfile::TempDir,
    port: u16,
    access_key: String,
    secret_key: String,
}

impl Minio {
    /// Starts a server and waits until it answers.
    ///
    /// # Errors
    /// When the binary is not named, cannot be started, or does not answer; the text says what to do.
    pub fn start() -> io::Result<Self> {
        let binary = env::var_os(MINIO_ENV).map(PathBuf::from).ok_or_else(|| {
            let text = format!(
                "{MINIO_ENV} does not name a MinIO binary; `cargo xtask test` builds one and sets it"
            );
            io::Error::new(io::ErrorKind::NotFound, text)
        })?;
        let mut last = io::Error::other("no attempt");
        for _ in 0..START_ATTEMPTS {
            match Self::start_once(&binary) {
                Ok(server) => return Ok(server),
                Err(e) => last = e,
            }
        }
        Err(last)
    }

    fn start_once(binary: &Path) -> io::Result<Self> {
        let dir = tempfile::tempdir()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let (access_key, secret_key) = (random_hex(20)?, random_hex(40)?);
        let data = dir.path().join("data");
        fs::create_dir(&data)?;
        let log = File::create(dir.path().join("log"))?;
        let child = Command::new(binary)
            .args(["server", "--quiet", "--address"])
            .arg(format!("127.0.0.1:{port}"))
            .arg(&data)
            .env_clear()
            .env("HOME", dir.path())
            .env("PATH", env::var_os("PATH").unwrap_or_default())
            .env("MINIO_ROOT_USER", &access_key)
            .env("MINIO_ROOT_PASSWORD", &secret_key)
            .env("MINIO_BROWSER", "off")
            .env("MINIO_UPDATE", "off")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let mut server = Self {
            child,
            dir,
            port,
            access_key,
            secret_key,
        };
        server.wait_until_it_answers()?;
        Ok(server)
    }

    #[expect(clippy::disallowed_methods, reason = "a real server starts in real time")]
    fn wait_until_it_answers(&mut self) -> io::Result<()> {
        let start = Instant::now();
        while start.elapsed() < START_TIMEOUT {
            if let Some(status) = self.child.try_wait()? {
                return Err(io::Error::other(format!(
                    "MinIO ended at once, {status}: {}",
                    self.log()
                )));
            }
            // Its health check answers before it takes requests. This one needs a signature: 503 until the
            // server can check one, 403 from then on.
            let url = format!("{}/", self.endpoint());
            if http::request("GET", &url, &[], b"").is_ok_and(|answer| answer.status == 403) {
                return Ok(());
            }
            thread::sleep(START_POLL);
        }
        Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("MinIO does not answer: {}", self.log()),
        ))
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// Makes a bucket. A server on one directory takes every folder in it for a bucket, so no signature is
    /// needed.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn create_bucket(&self, name: &str) -> io::Result<()> {
        fs::create_dir(self.dir.path().join("data").join(name))
    }

    /// `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The port on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The name of the root key.
    pub fn access_key(&self) -> &str {
        &self.access_key
    }

    /// The secret of the root key.
    pub fn secret_key(&self) -> &str {
        &self.secret_key
    }
}

impl Drop for Minio {
    fn drop(&mut self) {
        // It may have ended already; there is nobody to tell.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn random_hex(digits: usize) -> io::Result<String> {
    let mut raw = vec![0; digits];
    File::open("/dev/urandom")?.read_exact(&mut raw)?;
    Ok(raw
        .iter()
        .map(|byte| char::from(b"0123456789abcdef"[usize::from(byte & 15)]))
        .collect())
}
