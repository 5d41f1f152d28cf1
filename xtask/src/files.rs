//! Reads and writes files of the project. Errors name the file.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::{Builder, NamedTempFile};

/// Returns the text of a file, if it exists.
pub fn read_if_exists(file: &Path) -> Result<Option<String>> {
    match fs::read(file) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| file.display().to_string()),
    }
}

/// Writes a generated file, and creates its folder.
pub fn write(file: &Path, text: &str) -> Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    fs::write(file, text).with_context(|| file.display().to_string())
}

/// A file to write with its content, or to remove if there is none.
pub type Change = (PathBuf, Option<String>);

/// Writes and removes every file, or none.
///
/// All contents are on disk, beside their targets, before the first target changes. If a change
/// fails after that, the targets that have changed get their old content back.
pub fn change_all(changes: &[Change]) -> Result<()> {
    let mut staged = Vec::new();
    for (target, new) in changes {
        let old = match fs::read(target) {
            Ok(old) => Some(write_beside(target, &old)?),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(|| target.display().to_string()),
        };
        let new = new.as_ref().map(|new| write_beside(target, new.as_bytes()));
        staged.push(Staged {
            target,
            new: new.transpose()?,
            old,
        });
    }
    commit(staged)
}

/// The new and the old content of a file, in temporary files beside it.
struct Staged<'a> {
    target: &'a Path,
    new: Option<NamedTempFile>,
    old: Option<NamedTempFile>,
}

fn commit(staged: Vec<Staged<'_>>) -> Result<()> {
    let mut done = Vec::new();
    for file in staged {
        if let Err(error) = put(file.target, file.new) {
            let mut undone = done.into_iter().rev();
            return match undone.try_for_each(|(target, old)| put(target, old)) {
                Ok(()) => Err(error),
                Err(undo) => Err(error.context(format!("cannot undo an earlier change: {undo:#}"))),
            };
        }
        done.push((file.target, file.old));
    }
    Ok(())
}

/// Moves a temporary file to its target, or removes the target.
fn put(target: &Path, file: Option<NamedTempFile>) -> Result<()> {
    let moved = match file {
        Some(file) => file.persist(target).map(drop).map_err(|error| error.error),
        None => fs::remove_file(target),
    };
    moved.with_context(|| target.display().to_string())
}

fn write_beside(target: &Path, content: &[u8]) -> Result<NamedTempFile> {
    let folder = target.parent().unwrap_or(target);
    let mut builder = Builder::new();
    builder.prefix(".sync-").suffix(".tmp");
    // Temporary files are private by default.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let write = || -> std::io::Result<NamedTempFile> {
        let mut file = builder.tempfile_in(folder)?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    write().with_context(|| target.display().to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn change(file: &Path, text: &str) -> Change {
        (file.to_owned(), Some(text.to_owned()))
    }

    /// Creates a folder with these files, which contain `old`.
    fn folder_with(files: &[&str]) -> (tempfile::TempDir, [PathBuf; 3]) {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["a", "b", "c"].map(|name| folder.path().join(name));
        for file in files {
            fs::write(folder.path().join(file), "old").unwrap();
        }
        (folder, paths)
    }

    /// Asserts that the folder has these files and nothing else.
    fn assert_files(folder: &tempfile::TempDir, expected: &[(&str, &str)]) {
        let mut found: Vec<(String, String)> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| {
                let text = fs::read_to_string(entry.path()).unwrap_or("folder".to_owned());
                (entry.file_name().into_string().unwrap(), text)
            })
            .collect();
        found.sort();
        let expected: Vec<_> = expected
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn files_are_written_and_removed_and_no_temporary_file_remains() {
        let (folder, [a, b, _]) = folder_with(&["a"]);
        change_all(&[change(&a, "new a"), change(&b, "new b")]).unwrap();
        assert_files(&folder, &[("a", "new a"), ("b", "new b")]);
        change_all(&[change(&b, "newer"), (a, None)]).unwrap();
        assert_files(&folder, &[("b", "newer")]);
    }

    #[test]
    fn failed_removal_restores_a_removed_file() {
        let (folder, [_, b, c]) = folder_with(&["b"]);
        change_all(&[(b, None), (c, None)]).unwrap_err();
        assert_files(&folder, &[("b", "old")]);
    }

    #[test]
    fn target_that_cannot_be_written_leaves_the_other_file_unchanged() {
        let (folder, [a, b, _]) = folder_with(&["a"]);
        let missing = folder.path().join("none/b");
        let error = change_all(&[change(&a, "new"), change(&missing, "new")]).unwrap_err();
        assert!(format!("{error:#}").contains("none"), "{error:#}");
        fs::create_dir(&b).unwrap();
        change_all(&[change(&a, "new"), change(&b, "new")]).unwrap_err();
        assert_files(&folder, &[("a", "old"), ("b", "folder")]);
    }

    #[test]
    fn failed_rename_undoes_the_renames_before_it() {
        let (folder, paths) = folder_with(&["a"]);
        let staged = paths.each_ref().map(|target| Staged {
            target,
            new: Some(write_beside(target, b"new").unwrap()),
            old: (target.exists()).then(|| write_beside(target, b"old").unwrap()),
        });
        // Makes the last rename fail.
        fs::create_dir(&paths[2]).unwrap();
        commit(staged.into()).unwrap_err();
        assert_files(&folder, &[("a", "old"), ("c", "folder")]);
    }

    #[cfg(unix)]
    #[test]
    fn written_files_have_ordinary_permissions() {
        use std::os::unix::fs::PermissionsExt;
        let (_folder, [ours, plain, _]) = folder_with(&["b"]);
        change_all(&[change(&ours, "")]).unwrap();
        let mode = |path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }
}
