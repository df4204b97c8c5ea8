//! What a client needs to know, and the client made of it.
//!
//! Invariant: credentials come from the SDK's chain or from the program, never from a URL.

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
use super::url;
use crate::{Error, ErrorKind, Op, Result};

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
    /// `Invalid`, naming the URL without what may be a secret, the part that is wrong, and what to write.
    pub fn from_url(url: &str) -> Result<Self> {
        url::read(url).map_err(|why| {
            Error::new(ErrorKind::Invalid, Op::Open)
                .at(url::shown(url))
                .advise(why)
        })
    }

    /// What the options are called in messages: the URL without credentials.
    pub(crate) fn shown(&self) -> String {
        let at = self
            .endpoint
            .as_ref()
            .map_or_else(String::new, |endpoint| format!(" at {endpoint}"));
        format!("s3://{}/{}{at}", self.bucket, self.prefix.trim_end_matches('/'))
    }

    pub(crate) fn check(&self) -> Result<()> {
        url::check(self).map_err(|why| Error::new(ErrorKind::Invalid, Op::Open).at("s3:").advise(why))
    }
}

/// The client: no retries of its own, no checksums of its own choice.
pub(crate) fn client(options: &S3Options, runtime: &Runtime) -> Result<Client> {
    let mut from_chain = None;
    let mut builder = if let Some(given) = &options.credentials {
        let (access, secret, token) = (&given.access_key, &given.secret_key, given.session_token.clone());
        let credentials = Credentials::new(access, secret, token, None, "nokv");
        Builder::new()
            .behavior_version(behavior())
            .credentials_provider(credentials)
    } else {
        let loading = async { Ok(aws_config::defaults(behavior()).load().await) };
        let chain = runtime.wait(Op::Open, CONFIGURE_TIMEOUT, loading)?;
        from_chain = chain.region().cloned();
        Builder::from(&chain)
    };
    let fallback = || Some(Region::new(REGION_OF_CUSTOM_ENDPOINTS)).filter(|_| options.endpoint.is_some());
    match options.region.clone().map(Region::new).or_else(fallback) {
        Some(region) => builder = builder.region(region),
        None if from_chain.is_some() => {}
        None => return Err(no_region(options)),
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

fn no_region(options: &S3Options) -> Error {
    Error::new(ErrorKind::Invalid, Op::Open)
        .at(options.shown())
        .advise("no region is named; add ?region=NAME to the URL, or set AWS_REGION")
}

/// Fixed, so that an upgrade of the SDK does not change what is sent.
fn behavior() -> BehaviorVersion {
    BehaviorVersion::v2026_01_12()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let credentials = S3Credentials {
            access_key: "name".to_owned(),
            secret_key: "hunter2".to_owned(),
            session_token: Some("hunter3".to_owned()),
        };
        let options = S3Options {
            credentials: Some(credentials),
            region: Some("eu-1".to_owned()),
            ..S3Options::new("bucket")
        };
        let shown = format!(
            "{options:?}{:?}",
            crate::s3::S3Store::new(options.clone()).unwrap()
        );
        assert!(!shown.contains("hunter") && shown.contains("bucket"), "{shown}");
    }
}
