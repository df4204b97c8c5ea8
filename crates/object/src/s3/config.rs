//! What a client needs to know, from a URL or from a program.
//!
//! Invariant: a URL never carries credentials; they come from the SDK's chain or from the program.

use std::fmt;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Builder, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    StalledStreamProtectionConfig,
};

use super::runtime::Runtime;
use crate::{Error, ErrorKind, Key, Op, Result};

/// Time for a connection.
pub const S3_CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Time for one request without its body; bodies get a second per MiB on top.
pub const S3_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The region when neither options nor environment name one; what S3-compatible servers answer to.
const REGION_OF_CUSTOM_ENDPOINTS: &str = "us-east-1";
/// Time for the SDK to look at environment and files for its configuration.
const CONFIGURE_TIMEOUT: Duration = Duration::from_secs(30);

/// How a bucket is named in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressing {
    /// `https://endpoint/bucket/key`: what a server at an address of its own understands.
    Path,
    /// `https://bucket.endpoint/key`: what AWS wants.
    Virtual,
}

/// Credentials given by the program. `Debug` hides the secret.
#[derive(Clone)]
pub struct S3Credentials {
    /// The name of the key.
    pub access_key: String,
    /// The secret.
    pub secret_key: String,
    /// The token of a temporary key.
    pub session_token: Option<String>,
}

impl fmt::Debug for S3Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Credentials")
            .field("access_key", &self.access_key)
            .finish_non_exhaustive()
    }
}

/// Where a store is and how to reach it.
#[derive(Clone, Debug)]
pub struct S3Options {
    /// The bucket.
    pub bucket: String,
    /// The folder of the workspace in it: empty, or ends with a slash.
    pub prefix: String,
    /// The server; `None`: AWS.
    pub endpoint: Option<String>,
    /// The region; `None`: from the environment.
    pub region: Option<String>,
    /// How the bucket is named.
    pub addressing: Addressing,
    /// `None`: the SDK's chain (environment, profile, web identity, container, instance).
    pub credentials: Option<S3Credentials>,
    /// Time for a connection.
    pub connect_timeout: Duration,
    /// Time for one request without its body.
    pub request_timeout: Duration,
}

impl S3Options {
    /// Options of a bucket with the usual timeouts.
    pub fn new(bucket: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            prefix: String::new(),
            endpoint: None,
            region: None,
            addressing: Addressing::Virtual,
            credentials: None,
            connect_timeout: S3_CONNECT_TIMEOUT,
            request_timeout: S3_REQUEST_TIMEOUT,
        }
    }

    /// Reads `s3://BUCKET/PREFIX?endpoint=URL&region=NAME&addressing=path|virtual`. With an endpoint the
    /// addressing is `path` unless said otherwise.
    ///
    /// # Errors
    /// `Invalid`, naming the part that is wrong; the URL itself is not repeated, it may hold a secret.
    pub fn from_url(url: &str) -> Result<Self> {
        let rest = url
            .strip_prefix("s3://")
            .ok_or_else(|| invalid("the url does not start with s3://"))?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        let mut options = Self::new(bucket);
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
                ("addressing", _) => return Err(invalid("addressing is path or virtual")),
                _ => {
                    return Err(invalid(
                        "an s3 url takes endpoint, region and addressing; credentials never",
                    ));
                }
            }
        }
        let usual = if options.endpoint.is_some() {
            Addressing::Path
        } else {
            Addressing::Virtual
        };
        options.addressing = addressing.unwrap_or(usual);
        options.check()?;
        Ok(options)
    }

    pub(crate) fn check(&self) -> Result<()> {
        let bucket_byte = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-');
        if !(3..=63).contains(&self.bucket.len()) || !self.bucket.bytes().all(bucket_byte) {
            return Err(invalid(
                "a bucket name has 3 to 63 lower-case letters, digits, dots and dashes",
            ));
        }
        if !self.prefix.is_empty() {
            let folder = self
                .prefix
                .strip_suffix('/')
                .ok_or_else(|| invalid("the prefix ends with a slash"))?;
            Key::new(folder).map_err(|e| invalid("the prefix is not a key").because(e))?;
        }
        let endpoint = self.endpoint.as_deref().unwrap_or("https://aws");
        let host = endpoint
            .strip_prefix("https://")
            .or_else(|| endpoint.strip_prefix("http://"));
        if host.is_none_or(|host| host.is_empty() || host.contains('@')) {
            return Err(invalid(
                "an endpoint is http://HOST:PORT or https://HOST, without credentials",
            ));
        }
        if self.region.as_deref() == Some("") {
            return Err(invalid("the region is empty"));
        }
        Ok(())
    }
}

fn invalid(why: &'static str) -> Error {
    Error::new(ErrorKind::Invalid, Op::Open).at("s3:").because(why)
}

fn percent_decoded(text: &str) -> Result<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let escape = || invalid("a % in an s3 url is followed by two hex digits");
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
    String::from_utf8(decoded).map_err(|e| invalid("an s3 url is utf-8").because(e))
}

/// The client: no retries of its own, no checksums of its own choice.
pub(crate) fn client(options: &S3Options, runtime: &Runtime) -> Result<Client> {
    let mut builder = if let Some(given) = &options.credentials {
        let (access, secret, token) = (&given.access_key, &given.secret_key, given.session_token.clone());
        let credentials = Credentials::new(access, secret, token, None, "nokv");
        Builder::new()
            .behavior_version(behavior())
            .credentials_provider(credentials)
    } else {
        let loading = async { Ok(aws_config::defaults(behavior()).load().await) };
        Builder::from(&runtime.wait(Op::Open, CONFIGURE_TIMEOUT, loading)?)
    };
    let region = options.region.clone().map(Region::new);
    let fallback = options
        .endpoint
        .as_ref()
        .map(|_| Region::new(REGION_OF_CUSTOM_ENDPOINTS));
    if let Some(region) = region.or(fallback) {
        builder = builder.region(region);
    }
    if let Some(endpoint) = &options.endpoint {
        builder = builder.endpoint_url(endpoint);
    }
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(options.connect_timeout)
        .build();
    let config = builder
        .force_path_style(options.addressing == Addressing::Path)
        .timeout_config(timeouts)
        .retry_config(RetryConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .build();
    Ok(Client::from_conf(config))
}

/// Fixed, so that an upgrade of the SDK does not change what is sent.
fn behavior() -> BehaviorVersion {
    BehaviorVersion::v2026_01_12()
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn urls_that_are_wrong_or_carry_secrets_are_refused_and_not_repeated() {
        for url in [
            "s3://AKIA:hunter2@bucket/p",
            "s3://bucket/p?secret_key=hunter2",
            "s3://bucket/p?endpoint=http://AKIA:hunter2@host",
            "s3://bucket/p?endpoint=hunter2",
            "s3://bucket/p?addressing=hunter2",
            "s3://bucket/p?region=%hunter2",
            "s3://bucket/p?region=",
            "s3://bucket/../hunter2",
            "s3://b/hunter2",
            "s3://",
        ] {
            let error = S3Options::from_url(url).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Invalid, "{url}");
            assert!(
                !format!("{error:?}").contains("hunter2") || url.contains("../"),
                "{error:?}"
            );
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let credentials = S3Credentials {
            access_key: "name".to_owned(),
            secret_key: "hunter2".to_owned(),
            session_token: Some("hunter3".to_owned()),
        };
        let options = S3Options {
            credentials: Some(credentials),
            ..S3Options::new("bucket")
        };
        let shown = format!(
            "{options:?}{:?}",
            crate::s3::S3Store::new(options.clone()).unwrap()
        );
        assert!(!shown.contains("hunter") && shown.contains("bucket"), "{shown}");
    }
}
