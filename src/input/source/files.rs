use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{SourceError, SourceParams};
use crate::files::{bytes_hash, content_hash};
use crate::objects::{fetch, is_object_url};

/// How the files of a source are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileFormat {
    /// Apache Parquet.
    Parquet,
    /// Delimited text with a header, plain or compressed (`.gz`, `.zst`).
    Csv,
}

/// The format that a file ending stands for; `None` when it is not one of ours.
pub fn format_of(path: &Path) -> Option<FileFormat> {
    let name = path.file_name()?.to_str()?.to_lowercase();
    let stem = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(&name);
    if stem.ends_with(".csv") || stem.ends_with(".tsv") || stem.ends_with(".txt") {
        Some(FileFormat::Csv)
    } else if name.ends_with(".parquet") || name.ends_with(".pq") {
        Some(FileFormat::Parquet)
    } else {
        None
    }
}

/// Whether a source is surely of Parquet files, by what the config says of it.
pub fn is_parquet(source: &SourceParams) -> bool {
    let of_ending = || {
        let paths = source.path.as_slice();
        !paths.is_empty()
            && paths.iter().all(|it| format_of(Path::new(it)) == Some(FileFormat::Parquet))
    };
    source.format.map_or_else(of_ending, |format| format == FileFormat::Parquet)
}

/// All files of a source, sorted, and their common format. A folder stands for
/// the data files directly in it; anything with `*`, `?` or `[` is a glob. Objects of a
/// store are copied to this machine first.
///
/// # Errors
/// When a path matches nothing, or the format is unknown or mixed.
pub fn expand_paths(source: &SourceParams) -> Result<(Vec<PathBuf>, FileFormat), SourceError> {
    let source_name = source.label().to_owned();
    let mut files = Vec::new();
    for path in source.path.as_slice() {
        let found = match is_object_url(path) {
            true => fetch(path, |file| format_of(file).is_some()).map_err(|error| {
                let source_name = source_name.clone();
                SourceError::Object { source_name, error }
            })?,
            false => files_at(path),
        };
        if found.is_empty() {
            let folder = std::env::current_dir().unwrap_or_default().display().to_string();
            return Err(SourceError::NoFile { source_name, path: path.clone(), folder });
        }
        files.extend(found);
    }
    files.sort();
    files.dedup();
    let mut format = source.format;
    for file in &files {
        let Some(this) = source.format.or_else(|| format_of(file)) else {
            return Err(SourceError::UnknownFormat { source_name, file: file.clone() });
        };
        if *format.get_or_insert(this) != this {
            return Err(SourceError::MixedFormats { source_name });
        }
    }
    match format {
        Some(format) if !files.is_empty() => Ok((files, format)),
        _ => Err(SourceError::NoFile {
            source_name,
            path: "(empty list)".into(),
            folder: String::new(),
        }),
    }
}

/// A hash of the contents of all files, source by source; what the files are called does
/// not matter.
///
/// # Errors
/// When a path matches nothing, or a file cannot be read.
pub fn input_hash(sources: &[SourceParams]) -> Result<String, SourceError> {
    let mut hashes = Vec::new();
    for source in sources {
        let (files, _) = expand_paths(source)?;
        let hash = |file: &PathBuf| {
            let unread = |error| SourceError::Reading {
                source_name: source.label().to_owned(),
                cause: format!("can't read {} ({error})", file.display()),
            };
            content_hash(file).map(|(hash, _)| hash).map_err(unread)
        };
        let mut of_source = files.iter().map(hash).collect::<Result<Vec<_>, _>>()?;
        of_source.sort_unstable();
        hashes.push(of_source.join(" "));
    }
    Ok(bytes_hash(hashes.join("\n").as_bytes()))
}

/// Whether a file is among a source's files, or would be once it is written.
pub fn is_read_by(source: &SourceParams, file: &Path) -> bool {
    let whole = |path: &Path| path.canonicalize().or_else(|_| std::path::absolute(path));
    let folder_and_name = |path: &Path| {
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        let folder = whole(folder.unwrap_or(Path::new("."))).ok()?;
        Some(folder.join(path.file_name()?))
    };
    let (Ok(itself), Some(place)) = (whole(file), folder_and_name(file)) else { return false };
    source.path.as_slice().iter().any(|path| {
        let is_there = files_at(path).iter().any(|of| whole(of).is_ok_and(|of| of == itself));
        let comes_to_folder = || {
            let folder = Path::new(path);
            folder.is_dir()
                && whole(folder).ok().as_deref() == place.parent()
                && format_of(file).is_some()
        };
        let comes_to_glob = || {
            let pattern = folder_and_name(Path::new(path)).unwrap_or_else(|| path.into());
            glob::Pattern::new(&pattern.to_string_lossy())
                .is_ok_and(|pattern| !Path::new(path).exists() && pattern.matches_path(&place))
        };
        is_there || !is_hidden(file) && (comes_to_folder() || comes_to_glob())
    })
}

fn files_at(path: &str) -> Vec<PathBuf> {
    let as_path = PathBuf::from(path);
    if as_path.is_file() {
        return vec![as_path];
    }
    if as_path.is_dir() {
        let entries = std::fs::read_dir(&as_path).into_iter().flatten().flatten();
        return entries
            .map(|entry| entry.path())
            .filter(|file| file.is_file() && !is_hidden(file) && format_of(file).is_some())
            .collect();
    }
    let found = glob::glob(path).into_iter().flatten().flatten();
    found.filter(|file| file.is_file() && !is_hidden(file)).collect()
}

/// Lock files, partial files and the like are not data.
fn is_hidden(file: &Path) -> bool {
    file.file_name().is_some_and(|name| name.to_string_lossy().starts_with(['.', '_']))
}

/// True for a text file that has to be decoded from its start.
pub(super) fn is_compressed(file: &Path) -> bool {
    let name = file.to_string_lossy().to_lowercase();
    name.ends_with(".gz") || name.ends_with(".zst")
}

/// Opens a text file, decompressing by its ending.
///
/// # Errors
/// [`SourceError::Unreadable`] with the system's reason.
pub fn open_text(file: &Path) -> Result<Box<dyn Read + Send>, SourceError> {
    let unreadable = |error: std::io::Error| SourceError::Unreadable {
        file: file.to_owned(),
        cause: error.to_string(),
    };
    let raw = File::open(file).map_err(unreadable)?;
    let name = file.to_string_lossy().to_lowercase();
    Ok(if name.ends_with(".gz") {
        Box::new(flate2::read::MultiGzDecoder::new(raw))
    } else if name.ends_with(".zst") {
        Box::new(zstd::Decoder::new(raw).map_err(unreadable)?)
    } else {
        Box::new(raw)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_follow_the_ending() {
        let format = |name: &str| format_of(Path::new(name));
        assert_eq!(format("a/orders.csv.gz"), Some(FileFormat::Csv));
        assert_eq!(format("订单.CSV"), Some(FileFormat::Csv));
        assert_eq!(format("part-0.parquet"), Some(FileFormat::Parquet));
        assert_eq!(format("notes.md"), None);
    }
}
