//! Objects as files: copied once, and again when they have changed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use glob::{MatchOptions, Pattern};

use super::error::ObjectError;
use super::folder::{Object, ObjectFolder};
use crate::files::write_atomically;

/// What a run has fetched: the same files for all of it, whatever is put there meanwhile.
static FETCHED: Mutex<Option<HashMap<String, Vec<PathBuf>>>> = Mutex::new(None);

/// The files that a URL stands for, copied to this machine: an object, the data files
/// directly in a folder, or those that match a glob. They lie in `$LAYERCAKE_CACHE`, by
/// default `~/.cache/layercake`, under their own names. Those that were copied before and
/// have not changed are not copied again; those that are gone from the store go here too.
///
/// # Errors
/// When the store refuses or does not answer, or a file cannot be written.
pub fn fetch(url: &str, is_data: fn(&Path) -> bool) -> Result<Vec<PathBuf>, ObjectError> {
    let mut fetched = FETCHED.lock().expect("nothing panics while it holds the lock");
    let fetched = fetched.get_or_insert_default();
    if let Some(files) = fetched.get(url) {
        return Ok(files.clone());
    }
    let files = fetch_now(url, is_data)?;
    if files.is_empty() {
        let cause = "no data file is there".into();
        return Err(ObjectError { url: url.to_owned(), cause, is_temporary: false });
    }
    fetched.insert(url.to_owned(), files.clone());
    Ok(files)
}

/// A wildcard does not reach into folders.
const ALONE: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

fn fetch_now(url: &str, is_data: fn(&Path) -> bool) -> Result<Vec<PathBuf>, ObjectError> {
    let is_wild = |part: &str| part.contains(['*', '?', '[']);
    let trimmed = url.trim_end_matches('/');
    // The part of the URL before any wildcard, and the rest; of a single object its folder.
    let parts: Vec<&str> = trimmed.split('/').collect();
    let n_fixed = parts.iter().take_while(|part| !is_wild(part)).count();
    if n_fixed < parts.len() {
        let pattern = parts[n_fixed..].join("/");
        let pattern = Pattern::new(&pattern).map_err(|error| ObjectError {
            url: url.to_owned(),
            cause: format!("not a pattern ({error})"),
            is_temporary: false,
        })?;
        let wanted = |name: &str| pattern.matches_with(name, ALONE) && !is_hidden(name);
        return fetch_folder(&parts[..n_fixed].join("/"), wanted);
    }
    let (folder, name) = trimmed.rsplit_once('/').unwrap_or((trimmed, ""));
    // A bucket alone has no object of its name.
    if parts.len() > 3 {
        let opened = ObjectFolder::open(folder)?;
        if let Some(object) = opened.find(name)? {
            return Ok(vec![copy(&opened, &object, &place(folder))?]);
        }
    }
    let wanted = |name: &str| !name.contains('/') && !is_hidden(name) && is_data(Path::new(name));
    fetch_folder(trimmed, wanted)
}

fn fetch_folder(url: &str, wanted: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, ObjectError> {
    let (opened, place) = (ObjectFolder::open(url)?, place(url));
    let mut objects = opened.list()?;
    objects.retain(|object| wanted(&object.name));
    let files =
        objects.iter().map(|it| copy(&opened, it, &place)).collect::<Result<Vec<_>, _>>()?;
    forget_others(&place, &place, &wanted, &files);
    Ok(files)
}

/// Where the copies of a folder lie.
fn place(url: &str) -> PathBuf {
    let variable =
        |name: &str| std::env::var_os(name).filter(|it| !it.is_empty()).map(PathBuf::from);
    let cache = variable("LAYERCAKE_CACHE")
        .or_else(|| Some(variable("XDG_CACHE_HOME")?.join("layercake")))
        .or_else(|| Some(variable("HOME")?.join(".cache/layercake")))
        .unwrap_or_else(|| std::env::temp_dir().join("layercake"));
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    cache.join("objects").join(scheme).join(rest.trim_matches('/'))
}

fn copy(folder: &ObjectFolder, object: &Object, place: &Path) -> Result<PathBuf, ObjectError> {
    let file = place.join(&object.name);
    let version = version_of(&file);
    let is_same = std::fs::read_to_string(&version).is_ok_and(|it| it == object.version);
    if !is_same || !file.is_file() {
        folder.download(&object.name, &file)?;
        // Without it, the file is copied again next time.
        let _ = write_atomically(&version, |file| {
            std::io::Write::write_all(file, object.version.as_bytes())
        });
    }
    Ok(file)
}

/// The file beside a copy that says of which version it is.
fn version_of(file: &Path) -> PathBuf {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!(".{name}.version"))
}

/// Removes copies of objects that are gone.
fn forget_others(root: &Path, folder: &Path, wanted: &impl Fn(&str) -> bool, files: &[PathBuf]) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            forget_others(root, &path, wanted, files);
            continue;
        }
        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        if wanted(&name) && !files.contains(&path) {
            let _ = std::fs::remove_file(version_of(&path));
            let _ = std::fs::remove_file(&path);
        }
    }
}

/// Lock files, partial files and the like are not data.
fn is_hidden(name: &str) -> bool {
    name.rsplit('/').next().is_some_and(|name| name.starts_with(['.', '_']))
}
