//! What a build without object stores says.

use std::path::{Path, PathBuf};

use super::error::ObjectError;

/// An object of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its name in the folder.
    pub name: String,
}

/// A folder of an object store, which this build cannot open.
pub enum ObjectFolder {}

impl ObjectFolder {
    /// Says how to get a build that can.
    ///
    /// # Errors
    /// Always.
    pub fn open(url: &str) -> Result<Self, ObjectError> {
        Err(not_built(url))
    }

    /// The objects of the folder and of folders in it.
    ///
    /// # Errors
    /// Never: there is no folder.
    pub fn list(&self) -> Result<Vec<Object>, ObjectError> {
        match *self {}
    }

    /// The content of an object.
    ///
    /// # Errors
    /// Never: there is no folder.
    pub fn read(&self, _name: &str) -> Result<Option<Vec<u8>>, ObjectError> {
        match *self {}
    }

    /// Copies an object to a file.
    ///
    /// # Errors
    /// Never: there is no folder.
    pub fn download(&self, _name: &str, _to: &Path) -> Result<(), ObjectError> {
        match *self {}
    }

    /// Copies a file to an object.
    ///
    /// # Errors
    /// Never: there is no folder.
    pub fn upload(&self, _from: &Path, _name: &str) -> Result<(), ObjectError> {
        match *self {}
    }

    /// Removes an object, if it is there.
    ///
    /// # Errors
    /// Never: there is no folder.
    pub fn remove(&self, _name: &str) -> Result<(), ObjectError> {
        match *self {}
    }
}

/// Says how to get a build that reads objects.
///
/// # Errors
/// Always.
pub fn fetch(url: &str, _is_data: fn(&Path) -> bool) -> Result<Vec<PathBuf>, ObjectError> {
    Err(not_built(url))
}

fn not_built(url: &str) -> ObjectError {
    let cause = "this build knows no object stores; build it with --features cloud".into();
    ObjectError { url: url.to_owned(), cause, is_temporary: false }
}
