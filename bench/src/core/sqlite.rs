//! SQLite beside us, with the schema that a sensible engineer would use for a namespace.

use crate::clock::Stopwatch;
use crate::workload::BATCH;
use anyhow::Result;
use rusqlite::{Connection, params};
use std::path::Path;

const SCHEMA: &str = "
    CREATE TABLE inode (ino INTEGER PRIMARY KEY, mode INTEGER, uid INTEGER, gid INTEGER, size INTEGER,
                        mtime INTEGER, ctime INTEGER, btime INTEGER);
    CREATE TABLE dentry (parent INTEGER NOT NULL, name BLOB NOT NULL, ino INTEGER NOT NULL,
                         PRIMARY KEY (parent, name)) WITHOUT ROWID;";

/// Opens a namespace in SQLite.
fn open(dir: &Path, synchronous: &str) -> Result<Connection> {
    let db = Connection::open(dir.join("namespace.db"))?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", synchronous)?;
    db.pragma_update(None, "cache_size", -800_000)?;
    db.execute_batch(SCHEMA)?;
    Ok(db)
}

/// Creates per second, one transaction per batch.
pub(crate) fn creates_per_second(dir: &Path, files: u64, synchronous: &str) -> Result<f64> {
    let mut db = open(dir, synchronous)?;
    let watch = Stopwatch::start();
    let mut made = 0;
    while made < files {
        let end = files.min(made + BATCH);
        let transaction = db.transaction()?;
        {
            let mut inode = transaction
                .prepare_cached("INSERT INTO inode VALUES (?1, 420, 1000, 1000, 0, ?2, ?2, ?2)")?;
            let mut dentry = transaction.prepare_cached("INSERT INTO dentry VALUES (?1, ?2, ?3)")?;
            for number in made..end {
                let name = format!("file-{:06}.txt", number % 1000);
                inode.execute(params![
                    (1_000_000 + number) as i64,
                    1_700_000_000_000_000_000_i64
                ])?;
                dentry.execute(params![
                    (1000 + number / 1000) as i64,
                    name.as_bytes(),
                    (1_000_000 + number) as i64
                ])?;
            }
        }
        transaction.commit()?;
        made = end;
    }
    Ok(files as f64 / watch.seconds())
}

/// Lookups per second with attributes, in what [`creates_per_second`] made.
pub(crate) fn lookups_per_second(dir: &Path, files: u64, lookups: u64) -> Result<f64> {
    let db = Connection::open(dir.join("namespace.db"))?;
    db.pragma_update(None, "cache_size", -800_000)?;
    let mut query = db.prepare(
        "SELECT i.ino, i.mode, i.size, i.mtime FROM dentry d JOIN inode i ON i.ino = d.ino WHERE d.parent = ?1 AND d.name = ?2",
    )?;
    let mut random = crate::workload::Random::new(7);
    let watch = Stopwatch::start();
    for _ in 0..lookups {
        let number = random.below(files);
        let name = format!("file-{:06}.txt", number % 1000);
        query.query_row(params![(1000 + number / 1000) as i64, name.as_bytes()], |row| {
            row.get::<_, i64>(0)
        })?;
    }
    Ok(lookups as f64 / watch.seconds())
}
