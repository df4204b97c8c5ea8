//! A bucket as a user names it: a URL, and credentials from the environment.

use std::process::Command;

use nokv_object::{ErrorKind, PutOutcome, layout, open};
use nokv_testkit::minio::Minio;

use crate::minio::{BUCKET, start};

/// Tells a test that it is the child of itself, and which store it opens.
const CHILD_ENV: &str = "NOKV_TEST_CHILD_URL";

fn url(minio: &Minio) -> String {
    format!("s3://{BUCKET}/team/run?endpoint={}", minio.endpoint())
}

/// Runs a test of this program again with nothing of this environment but what is given.
fn again(test: &str, url: &str, variables: &[(&str, &str)]) {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env_clear()
        .env(CHILD_ENV, url)
        // No question to a cloud's metadata service, and no file of the user.
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("HOME", "/nonexistent")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&child.stdout).into_owned() + &String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success() && told.contains("1 passed"), "{told}");
}

#[test]
fn credentials_come_from_the_environment() {
    let Ok(child) = std::env::var(CHILD_ENV) else {
        let minio = start();
        let keys = [
            ("AWS_ACCESS_KEY_ID", minio.access_key()),
            ("AWS_SECRET_ACCESS_KEY", minio.secret_key()),
        ];
        return again(
            "chain::credentials_come_from_the_environment",
            &url(&minio),
            &keys,
        );
    };
    let store = open(&child).unwrap();
    let key = layout::identity();
    assert_eq!(
        store.put_if_absent(&key, b"x", crc32c::crc32c(b"x")).unwrap(),
        PutOutcome::Created
    );
    assert_eq!(store.get(&key).unwrap().bytes, b"x");
}

#[test]
fn without_credentials_every_call_is_denied_and_says_why() {
    let Ok(child) = std::env::var(CHILD_ENV) else {
        let minio = start();
        return again(
            "chain::without_credentials_every_call_is_denied_and_says_why",
            &url(&minio),
            &[],
        );
    };
    let error = open(&child).unwrap().get(&layout::identity()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied, "{error:?}");
    assert!(format!("{error:?}").contains("redential"), "{error:?}");
}
