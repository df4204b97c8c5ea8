//! Signed URLs: one object, one method, a limited time, and for a put the very bytes.

use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};

use super::S3Store;
use super::errors::failed;
use super::request::checksum_header;
use crate::{Error, ErrorKind, Op, Result, SignMethod, SignRequest, SignedUrl};

const OP: Op = Op::Sign;

pub(crate) fn sign(store: &S3Store, request: &SignRequest<'_>) -> Result<SignedUrl> {
    let life = PresigningConfig::builder()
        .start_time(request.now)
        .expires_in(request.life)
        .build();
    let life = life.map_err(|e| Error::new(ErrorKind::Invalid, OP).because(e))?;
    let (bucket, name) = (&store.bucket, store.name(request.key));
    match request.method {
        SignMethod::Get => {
            let get = store.client.get_object().bucket(bucket).key(name);
            let signed = async move { get.presigned(life).await.map_err(|e| failed(OP, e)) };
            Ok(url(
                "GET",
                &store.runtime.wait(OP, store.request_timeout, signed)?,
            ))
        }
        SignMethod::Put { size_bytes, crc32c } => {
            let size =
                i64::try_from(size_bytes).map_err(|e| Error::new(ErrorKind::Invalid, OP).because(e))?;
            let put = store
                .client
                .put_object()
                .bucket(bucket)
                .key(name)
                .if_none_match("*");
            let put = put.checksum_crc32_c(checksum_header(crc32c)).content_length(size);
            let signed = async move { put.presigned(life).await.map_err(|e| failed(OP, e)) };
            Ok(url(
                "PUT",
                &store.runtime.wait(OP, store.request_timeout, signed)?,
            ))
        }
    }
}

fn url(method: &'static str, signed: &PresignedRequest) -> SignedUrl {
    let headers = signed
        .headers()
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    SignedUrl {
        method,
        url: signed.uri().to_owned(),
        headers: headers.collect(),
    }
}
