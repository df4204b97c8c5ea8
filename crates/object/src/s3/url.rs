//! URLs of S3 stores: reading them, and showing them without what may be a secret.
//!
//! Invariant: a URL never carries credentials, and one that does is not repeated: whatever stands where
//! credentials would, or in a parameter that is wrong or unknown, is shown as `...`.

use super::config::{Addressing, S3Options};
use crate::Key;

/// What a part is shown as when it may be a secret.
const HIDDEN: &str = "...";
/// Shortest and longest name of a bucket, in bytes.
const BUCKET_BYTES: std::ops::RangeInclusive<usize> = 3..=63;

/// Reads a URL; the error says which part is wrong and what to write instead.
pub(super) fn read(url: &str) -> Result<S3Options, String> {
    let rest = url
        .strip_prefix("s3://")
        .ok_or("the scheme is not s3://; write s3://BUCKET/PREFIX")?;
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    let mut options = S3Options::new(bucket);
    let prefix = prefix.trim_end_matches('/');
    options.prefix = if prefix.is_empty() {
        String::new()
    } else {
        format!("{prefix}/")
    };
    let mut addressing = None;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match (name, percent_decoded(value)?) {
            ("endpoint", value) => options.endpoint = Some(value),
            ("region", value) => options.region = Some(value),
            ("addressing", value) if value == "path" => addressing = Some(Addressing::Path),
            ("addressing", value) if value == "virtual" => addressing = Some(Addressing::Virtual),
            ("addressing", _) => return Err("the addressing is neither path nor virtual".to_owned()),
            _ => return Err(unknown_parameter()),
        }
    }
    let usual = if options.endpoint.is_some() {
        Addressing::Path
    } else {
        Addressing::Virtual
    };
    options.addressing = addressing.unwrap_or(usual);
    check(&options)?;
    Ok(options)
}

fn unknown_parameter() -> String {
    "a parameter is not one of endpoint, region and addressing; credentials come from AWS_ACCESS_KEY_ID and \
     AWS_SECRET_ACCESS_KEY, or from a profile, never from the URL"
        .to_owned()
}

/// Checks options wherever they come from.
pub(super) fn check(options: &S3Options) -> Result<(), String> {
    bucket_is_named(&options.bucket)?;
    if !options.prefix.is_empty() {
        let folder = options
            .prefix
            .strip_suffix('/')
            .ok_or("the prefix does not end with a slash")?;
        Key::new(folder).map_err(|why| {
            let rule = why
                .source
                .as_ref()
                .map_or_else(String::new, |rule| format!(": {rule}"));
            format!("the prefix behind the bucket cannot be the start of object names{rule}")
        })?;
    }
    if let Some(endpoint) = &options.endpoint {
        let host = endpoint
            .strip_prefix("https://")
            .or_else(|| endpoint.strip_prefix("http://"));
        if host.is_none_or(str::is_empty) {
            return Err("the endpoint is not http://HOST:PORT or https://HOST".to_owned());
        }
        if endpoint.contains('@') {
            return Err("the endpoint has credentials in it; set AWS_ACCESS_KEY_ID and \
                        AWS_SECRET_ACCESS_KEY instead"
                .to_owned());
        }
    }
    if options.region.as_deref() == Some("") {
        return Err("the region is empty; write region=NAME, or leave it out".to_owned());
    }
    Ok(())
}

fn bucket_is_named(bucket: &str) -> Result<(), String> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-');
    if bucket.is_empty() {
        return Err("the bucket is missing; write s3://BUCKET/PREFIX".to_owned());
    }
    if bucket.contains(['@', ':']) {
        return Err(
            "what stands before the prefix is no bucket; credentials come from AWS_ACCESS_KEY_ID and \
                    AWS_SECRET_ACCESS_KEY, never from the URL"
                .to_owned(),
        );
    }
    if !BUCKET_BYTES.contains(&bucket.len()) || !bucket.bytes().all(allowed) {
        return Err(
            "the bucket's name is not 3 to 63 lower-case letters, digits, dots and dashes".to_owned(),
        );
    }
    Ok(())
}

/// The URL as it may be printed.
pub(super) fn shown(url: &str) -> String {
    let rest = url.strip_prefix("s3://").unwrap_or(url);
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    let bucket = if bucket.contains(['@', ':']) {
        HIDDEN
    } else {
        bucket
    };
    let mut text = format!("s3://{bucket}");
    if !prefix.is_empty() {
        let prefix = if prefix.contains(['@', ':']) {
            HIDDEN
        } else {
            prefix
        };
        text = format!("{text}/{prefix}");
    }
    for (index, pair) in query.split('&').filter(|pair| !pair.is_empty()).enumerate() {
        let (name, value) = pair.split_once('=').unwrap_or((HIDDEN, ""));
        let joint = if index == 0 { '?' } else { '&' };
        let value = if is_harmless(name, value) { value } else { HIDDEN };
        let name = if ["endpoint", "region", "addressing"].contains(&name) {
            name
        } else {
            HIDDEN
        };
        text = format!("{text}{joint}{name}={value}");
    }
    text
}

/// Whether the value of a parameter is of the form that belongs there.
fn is_harmless(name: &str, value: &str) -> bool {
    match (name, percent_decoded(value)) {
        ("endpoint", Ok(value)) => value.starts_with("http") && value.contains("://") && !value.contains('@'),
        ("region", Ok(value)) => value.len() <= 32,
        ("addressing", Ok(value)) => value == "path" || value == "virtual",
        _ => false,
    }
}

fn percent_decoded(text: &str) -> Result<String, String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let escape = || "a % is not followed by two hex digits".to_owned();
        decoded.push(match byte {
            b'%' => {
                let mut digit = || {
                    rest.next()
                        .and_then(|b| char::from(b).to_digit(16))
                        .ok_or_else(escape)
                };
                (digit()? * 16 + digit()?) as u8
            }
            byte => byte,
        });
    }
    String::from_utf8(decoded).map_err(|_| "a parameter is not UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn a_url_names_bucket_prefix_server_and_region() {
        let url = "s3://my-bucket/team/ws?endpoint=http%3A%2F%2F127.0.0.1:9000&region=eu-1";
        let options = S3Options::from_url(url).unwrap();
        assert_eq!(
            (options.bucket.as_str(), options.prefix.as_str()),
            ("my-bucket", "team/ws/")
        );
        assert_eq!(options.endpoint.as_deref(), Some("http://127.0.0.1:9000"));
        assert_eq!(
            (options.region.as_deref(), options.addressing),
            (Some("eu-1"), Addressing::Path)
        );
        let plain = S3Options::from_url("s3://my-bucket").unwrap();
        assert_eq!(
            (plain.prefix.as_str(), plain.addressing),
            ("", Addressing::Virtual)
        );
    }

    #[test]
    fn a_wrong_url_is_refused_by_its_wrong_part_and_without_what_may_be_a_secret() {
        for (url, shown, why) in [
            ("s3://", "s3://", "the bucket is missing"),
            ("s3:///p", "s3:///p", "the bucket is missing"),
            (
                "s3://AKIA:hunter2@bucket/p",
                "s3://.../p",
                "no bucket; credentials come from",
            ),
            ("s3://My_Bucket/p", "s3://My_Bucket/p", "the bucket's name is not"),
            ("s3://b/p", "s3://b/p", "the bucket's name is not 3 to 63"),
            (
                "s3://bucket/../p",
                "s3://bucket/../p",
                "the prefix behind the bucket",
            ),
            (
                "s3://bucket/p?secret_key=hunter2",
                "s3://bucket/p?...=...",
                "a parameter is not one of",
            ),
            (
                "s3://bucket/p?hunter2",
                "s3://bucket/p?...=...",
                "a parameter is not one of",
            ),
            (
                "s3://bucket/p?endpoint=http://AKIA:hunter2@host",
                "?endpoint=...",
                "the endpoint has credentials",
            ),
            (
                "s3://bucket/p?endpoint=hunter2",
                "?endpoint=...",
                "the endpoint is not http://HOST:PORT",
            ),
            (
                "s3://bucket/p?addressing=hunter2",
                "?addressing=...",
                "neither path nor virtual",
            ),
            (
                "s3://bucket/p?region=%hunter2",
                "?region=...",
                "not followed by two hex digits",
            ),
            ("s3://bucket/p?region=", "?region=", "the region is empty"),
        ] {
            let error = S3Options::from_url(url).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Invalid, "{url}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
            let told = error.to_string();
            assert!(told.contains(shown) && told.contains(why), "{url}: {told}");
        }
    }
}
