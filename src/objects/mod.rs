//! Files in object stores: `s3://`, `gs://`, `az://` and `abfss://`.
//!
//! What is read is copied to a folder of this machine first, so that all else sees files;
//! what has not changed since is not copied again.

mod error;
#[cfg(feature = "cloud")]
mod folder;
#[cfg(feature = "cloud")]
mod input;
#[cfg(not(feature = "cloud"))]
mod none;

pub use error::ObjectError;
#[cfg(feature = "cloud")]
pub use folder::{Object, ObjectFolder};
#[cfg(feature = "cloud")]
pub use input::fetch;
#[cfg(not(feature = "cloud"))]
pub use none::{Object, ObjectFolder, fetch};

const SCHEMES: [&str; 8] = ["s3", "s3a", "gs", "az", "azure", "adl", "abfs", "abfss"];

/// Whether a path is a URL of an object store.
pub fn is_object_url(path: &str) -> bool {
    path.split_once("://").is_some_and(|(scheme, _)| SCHEMES.contains(&scheme))
}
