//! Opening an archive: what it is, and unpacking on a thread of its own.

use super::{FORMS, Form, bad};
use crate::failure::{Failure, Outcome};
use crate::progress::Progress;
use crate::waiting::Waiting;
use liblzma::read::XzDecoder;
use nokv_types::show_bytes;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes that are unpacked at a time.
const CHUNK_BYTES: u64 = 1 << 20;
/// Chunks that wait for the reader.
const CHUNKS_AHEAD: usize = 4;
/// Bytes that tell what an archive is: the first header of a tar.
const MAGIC_BYTES: u64 = 512;

/// An archive that is being read.
pub(crate) struct Opened {
    pub(crate) reader: Box<dyn Read>,
    /// What the operating system said when the file itself could not be read.
    io_error: Arc<Mutex<Option<io::Error>>>,
    name: String,
}

impl Opened {
    /// What a failed read means: the disk's fault, or the archive's.
    pub(crate) fn failure(&self, entry: &str, error: &io::Error) -> Failure {
        let held = self
            .io_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        // It may quote bytes of what is no text.
        let error = show_bytes(error.to_string().as_bytes());
        match held {
            Some(source) => Failure::local("read", self.name.clone(), source),
            None if entry.is_empty() => bad(self.name.clone(), format!("is damaged or cut short: {error}")),
            None => bad(
                entry,
                format!("{} is damaged or cut short here: {error}", self.name),
            ),
        }
    }
}

/// Opens an archive by its content: tar, or tar in xz or zstd. `-` = standard input.
pub(crate) fn open_archive(source: &OsStr, progress: &Progress, stop: Arc<AtomicBool>) -> Outcome<Opened> {
    let name = source.to_string_lossy().into_owned();
    let wrong = |error| Failure::local("read", name.clone(), error);
    let raw = if source == "-" {
        Waiting::stdin(stop)
    } else {
        File::open(source).map(|file| Waiting::new(file, stop))
    };
    let raw = raw.map_err(wrong)?;
    let io_error = Arc::new(Mutex::new(None));
    let mut watched = Watched {
        from: progress.reading(raw),
        error: Arc::clone(&io_error),
    };
    let mut magic = Vec::new();
    watched
        .by_ref()
        .take(MAGIC_BYTES)
        .read_to_end(&mut magic)
        .map_err(wrong)?;
    let packed = packing(&magic, &name)?;
    let whole = io::Cursor::new(magic).chain(watched);
    let reader: Box<dyn Read> = match packed {
        Form::Plain => Box::new(io::BufReader::with_capacity(CHUNK_BYTES as usize, whole)),
        Form::Xz => Box::new(Piped::start(XzDecoder::new_multi_decoder(whole)).map_err(wrong)?),
        Form::Zstd => {
            let unpacked = zstd::stream::read::Decoder::new(whole).map_err(wrong)?;
            Box::new(Piped::start(unpacked).map_err(wrong)?)
        }
    };
    Ok(Opened {
        reader,
        io_error,
        name,
    })
}

fn packing(magic: &[u8], name: &str) -> Outcome<Form> {
    let other = match magic {
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => return Ok(Form::Xz),
        [0x1f, 0x8b, ..] => "gzip -dc",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => return Ok(Form::Zstd),
        [b'B', b'Z', b'h', ..] => "bzip2 -dc",
        [b'P', b'K', 3, 4, ..] => {
            return Err(bad(name, format!("is a zip archive; import takes {FORMS}")));
        }
        [] => return Err(bad(name, "is empty, not an archive")),
        _ if is_tar(magic) => return Ok(Form::Plain),
        _ => {
            return Err(bad(
                name,
                format!("is no archive; import takes a folder or {FORMS}, and `nokv put` one file"),
            ));
        }
    };
    Err(bad(
        name,
        format!("is packed otherwise; try: {other} {name} | nokv import - PATH"),
    ))
}

/// Whether this begins as a tar does: by its mark, by a sum that is right (as of old, without a mark), or empty.
fn is_tar(head: &[u8]) -> bool {
    if head.get(257..262) == Some(b"ustar") || head.iter().all(|byte| *byte == 0) {
        return true;
    }
    let Some(written) = head.get(148..156) else {
        return false;
    };
    let written = String::from_utf8_lossy(written);
    let written = written.trim_matches([' ', '\0']);
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    // The sum counts its own field as eight spaces.
    let right = sum(&head[..148]) + 8 * u32::from(b' ') + sum(&head[156..]);
    head.len() as u64 == MAGIC_BYTES && u32::from_str_radix(written, 8) == Ok(right)
}

/// Remembers what the operating system said.
struct Watched<R> {
    from: R,
    error: Arc<Mutex<Option<io::Error>>>,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.from.read(buffer).inspect_err(|error| {
            if let Some(number) = error.raw_os_error() {
                let mut held = self.error.lock().unwrap_or_else(PoisonError::into_inner);
                *held = Some(io::Error::from_raw_os_error(number));
            }
        })
    }
}

/// A reader on another thread.
struct Piped {
    chunks: Receiver<io::Result<Vec<u8>>>,
    chunk: io::Cursor<Vec<u8>>,
    over: bool,
}

impl Piped {
    fn start(mut from: impl Read + Send + 'static) -> io::Result<Self> {
        let (sender, chunks) = sync_channel(CHUNKS_AHEAD);
        std::thread::Builder::new()
            .name("nokv-unpack".into())
            .spawn(move || {
                loop {
                    let mut chunk = Vec::with_capacity(CHUNK_BYTES as usize);
                    let read = from.by_ref().take(CHUNK_BYTES).read_to_end(&mut chunk);
                    let last = !matches!(read, Ok(1..));
                    if sender.send(read.map(|_| chunk)).is_err() || last {
                        return;
                    }
                }
            })?;
        Ok(Self {
            chunks,
            chunk: io::Cursor::default(),
            over: false,
        })
    }
}

impl Read for Piped {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let got = self.chunk.read(buffer)?;
            if got > 0 || self.over || buffer.is_empty() {
                return Ok(got);
            }
            match self.chunks.recv() {
                Ok(Ok(chunk)) => {
                    self.over = chunk.is_empty();
                    self.chunk = io::Cursor::new(chunk);
                }
                Ok(Err(error)) => return Err(error),
                Err(_) => return Err(io::Error::other("the unpacking thread ended")),
            }
        }
    }
}
