//! Files beside each other: locks, atomic replacement, and files that only their owner can read.
//!
//! Written by hand: a file is replaced through a fixed name beside it, which a later start
//! overwrites. The random names of `tempfile` would remain after a `kill -9`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A file that is on disk under a temporary name.
pub(super) struct NewFile {
    temporary: PathBuf,
    path: PathBuf,
    file: File,
}

impl NewFile {
    /// Writes a file that shall replace `path`.
    pub(super) fn write(
        path: &Path,
        write: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
    ) -> io::Result<Self> {
        let temporary = sibling(path, ".new");
        let mut options = owner_only();
        let options = options.write(true).create(true).truncate(true);
        let file = options.open(&temporary)?;
        let mut buffer = BufWriter::new(&file);
        write(&mut buffer)?;
        buffer.flush()?;
        drop(buffer);
        file.sync_all()?;
        Ok(Self {
            temporary,
            path: path.to_owned(),
            file,
        })
    }

    /// Replaces the old file. After an error, it is unchanged.
    pub(super) fn rename(self) -> io::Result<File> {
        fs::rename(&self.temporary, &self.path)?;
        Ok(self.file)
    }
}

/// Makes renames in the folder of `path` durable. Not all systems can open folders.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    match File::open(folder.unwrap_or(Path::new("."))) {
        Ok(folder) => folder.sync_all(),
        Err(_) => Ok(()),
    }
}

/// Locks a state file for this process.
pub(super) fn lock(path: &Path) -> Result<File, String> {
    let context = |message: String| format!("{}: {message}", path.display());
    let file = owner_only()
        .write(true)
        .create(true)
        .truncate(false)
        .open(sibling(path, ".lock"))
        .map_err(|error| context(format!("failed to lock the state file: {error}")))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(_) => Err(context(
            "another emulator is using this state file".to_owned(),
        )),
    }
}

/// Returns the path with an ending appended to its name.
pub(super) fn sibling(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Opens a file; returns `None` if it does not exist.
pub(super) fn open(path: &Path) -> Result<Option<File>, String> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{}: failed to read: {error}", path.display())),
    }
}

/// Returns options that make new files readable by their owner only, since the state contains keys.
#[cfg_attr(not(unix), allow(unused_mut))]
fn owner_only() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options
}
