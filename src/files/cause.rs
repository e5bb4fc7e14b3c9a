use std::error::Error;
use std::io;

/// An error of a library as one of the system, where the system is its cause: a full disk
/// stays a full disk, whoever noticed it.
pub fn io_error(error: impl Error + Send + Sync + 'static) -> io::Error {
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(it) = cause {
        if let Some(of_system) = it.downcast_ref::<io::Error>()
            && let Some(code) = of_system.raw_os_error()
        {
            return io::Error::from_raw_os_error(code);
        }
        cause = it.source();
    }
    io::Error::other(error)
}

#[cfg(test)]
mod tests {
    use parquet::errors::ParquetError;

    use super::*;

    #[test]
    fn a_full_disk_stays_a_full_disk() {
        let full = io::Error::from_raw_os_error(28);
        let wrapped = ParquetError::External(Box::new(full));
        assert_eq!(io_error(wrapped).kind(), io::ErrorKind::StorageFull);
        let other = io_error(ParquetError::General("no page".into()));
        assert!(other.to_string().contains("no page"));
    }
}
