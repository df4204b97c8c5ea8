//! Servers, proxies and fixtures for tests. A dev-dependency only: nothing that ships may use it.
//!
//! Owns: a real S3 server ([`minio`]), a proxy that breaks its conversations ([`s3_proxy`]), and one HTTP
//! request without any library ([`http`]), a process that is killed ([`child`]), a disk whose power is cut
//! ([`loop_disk`]), rows that are changed behind their owner's back ([`rows`]), inputs that are mutated until a
//! decoder breaks ([`fuzz`]), and the line that says what a ring did ([`evidence`]). Everything listens on loopback, on free ports, and ends with the value that started it.

pub mod child;
pub mod evidence;
pub mod fuzz;
pub mod http;
pub mod loop_disk;
pub mod minio;
pub mod rows;
pub mod s3_proxy;
