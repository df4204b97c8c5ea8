//! Workspaces in buckets: a real server, and every way in which one can be named or configured wrongly.

use crate::careless::Careless;
use crate::run::{Ran, Scratch, pattern, ran};
use nokv_testkit::minio::Minio;
use std::process::{Command, Stdio};

/// The server of a test, with one bucket.
fn server() -> Minio {
    let minio = Minio::start().unwrap_or_else(|why| panic!("{why}"));
    minio.create_bucket("team").unwrap();
    minio
}

struct Keys<'a> {
    access: &'a str,
    secret: &'a str,
}

impl<'a> Keys<'a> {
    fn of(minio: &'a Minio) -> Self {
        Self {
            access: minio.access_key(),
            secret: minio.secret_key(),
        }
    }
}

fn with_keys(nokv: &Scratch, keys: &Keys<'_>, arguments: &[&str]) -> Command {
    let mut command = nokv.command(arguments);
    command
        .env("AWS_ACCESS_KEY_ID", keys.access)
        .env("AWS_SECRET_ACCESS_KEY", keys.secret)
        .env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

/// Runs `init` against a URL and wants a refusal that keeps the secret.
fn refused(url: &str, keys: &Keys<'_>, exit: i32, words: &[&str]) -> Ran {
    let nokv = Scratch::bare();
    let ran = ran(with_keys(&nokv, keys, &["init", "--store", url])
        .output()
        .unwrap());
    assert_eq!(ran.exit, exit, "{url}: {}", ran.err);
    for word in words {
        assert!(ran.err.contains(word), "{url}: {word} is not in: {}", ran.err);
    }
    assert!(
        !ran.err.contains(keys.secret) && ran.out.is_empty(),
        "{}",
        ran.err
    );
    nokv.fails(&["ls"], 1);
    ran
}

const NOBODY: Keys<'static> = Keys {
    access: "nobody",
    secret: "hunter2hunter2",
};

#[test]
fn a_workspace_in_a_bucket_does_what_one_in_a_directory_does() {
    let minio = server();
    let (nokv, keys) = (Scratch::bare(), Keys::of(&minio));
    let url = format!("s3://team/ws?endpoint={}", minio.endpoint());
    let run = |arguments: &[&str], input: &[u8]| {
        let mut command = with_keys(&nokv, &keys, &[arguments, &["--store", &url]].concat());
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), input).unwrap();
        let ran = ran(child.wait_with_output().unwrap());
        assert_eq!(ran.exit, 0, "{arguments:?}: {}", ran.err);
        ran.out
    };
    run(&["init"], b"");
    run(&["put", "-", "/body"], &pattern(5 << 20));
    assert!(run(&["cat", "/body"], b"") == pattern(5 << 20));
    assert!(
        String::from_utf8(run(&["fsck"], b""))
            .unwrap()
            .starts_with("clean")
    );
    run(&["verify"], b"");
    let other = Scratch::bare();
    let second = ran(with_keys(&other, &keys, &["init", "--store", &url])
        .output()
        .unwrap());
    assert_eq!(second.exit, 1, "{}", second.err);
    assert!(
        second.err.contains("NOKV-E0017") && second.err.contains("choose another prefix"),
        "{}",
        second.err
    );
}

#[test]
fn what_is_wrong_with_a_bucket_is_said_in_its_own_words() {
    let minio = server();
    let (keys, at) = (Keys::of(&minio), minio.endpoint());
    refused(
        &format!("s3://nowhere/ws?endpoint={at}"),
        &keys,
        2,
        &[
            "NOKV-E0911",
            "s3://nowhere/ws",
            &at,
            "there is no such bucket",
            "NoSuchBucket",
        ],
    );
    let url = format!("s3://team/ws?endpoint={at}");
    refused(
        &url,
        &NOBODY,
        74,
        &["NOKV-E0910", "s3://team/ws", "AWS_ACCESS_KEY_ID"],
    );
    let wrong_secret = Keys {
        access: keys.access,
        secret: "hunter2hunter2",
    };
    refused(
        &url,
        &wrong_secret,
        74,
        &["NOKV-E0910", "s3://team/ws", "AWS_SECRET_ACCESS_KEY"],
    );
}

#[test]
fn a_server_that_is_not_there_is_named_and_may_come_back() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = free.local_addr().unwrap();
    drop(free);
    refused(
        &format!("s3://team/ws?endpoint=http://{at}"),
        &NOBODY,
        75,
        &[
            "NOKV-E0905",
            "s3://team/ws",
            &at.to_string(),
            "cannot be reached",
            "refused",
        ],
    );
}

#[test]
fn urls_that_make_no_sense_are_refused_by_their_wrong_part() {
    for (url, words) in [
        ("ftp://host/x", &["the scheme ftp is not known", "dir:PATH"][..]),
        ("s3://", &["the bucket is missing"]),
        ("s3://My_Bucket/ws", &["s3://My_Bucket/ws", "the bucket's name"]),
        (
            "s3://k:hunter2hunter2@team/ws",
            &["s3://.../ws", "never from the URL"],
        ),
        (
            "s3://team/ws?secret=hunter2hunter2",
            &["s3://team/ws?...=...", "AWS_SECRET_ACCESS_KEY"],
        ),
        (
            "s3://team/ws?endpoint=localhost:9000",
            &["the endpoint is not http://HOST:PORT"],
        ),
        (
            "s3://team/ws",
            &["s3://team/ws", "no region is named", "AWS_REGION"],
        ),
        ("dir:", &["the directory is missing"]),
        ("mem:", &["forgets everything"]),
    ] {
        refused(url, &NOBODY, 2, &[&["NOKV-E0909"], words].concat());
    }
}

#[test]
fn a_bucket_that_ignores_if_none_match_is_refused_and_left_empty() {
    let careless = Careless::start();
    refused(
        &careless.url(),
        &NOBODY,
        2,
        &[
            "NOKV-E0912",
            "If-None-Match is ignored",
            "create-only",
            "one-winner",
        ],
    );
    assert_eq!(careless.keys(), Vec::<String>::new());
}
