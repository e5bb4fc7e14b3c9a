/// Why an object could not be had or put.
#[derive(Debug, thiserror::Error)]
#[error("{url}: {cause}")]
pub struct ObjectError {
    /// Where.
    pub url: String,
    /// What the store said, and what to do.
    pub cause: String,
    /// Whether the same may succeed later.
    pub is_temporary: bool,
}
