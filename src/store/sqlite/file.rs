//! The files of a store: who may read them, and that only one process writes.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::store::StoreError;

/// Only the owner reads: evidence names the weak spots of a plant.
const MODE: u32 = 0o600;

/// The right to write a store; ends with the process, however that ends.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "held, not used: closing it unlocks")] File);

/// Creates the file if it is not there, and makes it private. `SQLite` gives its side files the same mode.
/// Returns its size.
pub(super) fn prepare(path: &Path) -> Result<u64, StoreError> {
    let failed = |source| StoreError::File { path: path.to_owned(), source };
    let file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(MODE).open(path).map_err(failed)?;
    let found = file.metadata().map_err(failed)?;
    if found.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(path, Permissions::from_mode(MODE)).map_err(failed)?;
    }
    Ok(found.len())
}

/// Takes the lock file beside the store.
pub(super) fn lock(path: &Path) -> Result<Lock, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock_path = PathBuf::from(name);
    let failed = |source| StoreError::File { path: lock_path.clone(), source };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(MODE)
        .open(&lock_path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0).and_then(|()| write!(file, "{}", std::process::id())).map_err(failed)?;
            Ok(Lock(file))
        }
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: path.to_owned(), holder: holder(&mut file) }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    file.take(20).read_to_string(&mut text).ok();
    text.trim().parse::<u32>().map_or_else(|_| "another process".into(), |pid| format!("process {pid}"))
}
