//! Replaces several files so that either all or none of them change.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use tempfile::{Builder, NamedTempFile};

/// A file to write and its content.
pub type Replacement<'a> = (&'a Path, &'a str);

/// A file to write with its content, or to remove if there is none.
pub type Change<'a> = (&'a Path, Option<&'a str>);

/// Writes every file, or none.
///
/// All contents are on disk, beside their targets, before the first target is replaced. If a rename
/// fails after that, the targets already replaced get their old content back.
pub fn replace_all(files: &[Replacement<'_>]) -> Result<()> {
    let changes: Vec<Change<'_>> = files
        .iter()
        .map(|(target, content)| (*target, Some(*content)))
        .collect();
    change_all(&changes)
}

/// Writes and removes every file, or none, in the same way.
pub fn change_all(files: &[Change<'_>]) -> Result<()> {
    let staged = files
        .iter()
        .map(|(target, content)| Staged::new(target, content.map(str::as_bytes)))
        .collect::<Result<Vec<_>>>()?;
    commit_all(staged)
}

fn commit_all(staged: Vec<Staged<'_>>) -> Result<()> {
    let mut done = Vec::new();
    for file in staged {
        match file.commit() {
            Ok(undo) => done.push(undo),
            Err(error) => {
                return match done.into_iter().rev().try_for_each(Undo::run) {
                    Ok(()) => Err(error),
                    Err(undo) => {
                        Err(error.context(format!("cannot undo an earlier replacement: {undo:#}")))
                    }
                };
            }
        }
    }
    Ok(())
}

/// New content in a temporary file beside its target; removed on drop.
struct Staged<'a> {
    target: &'a Path,
    /// Absent if the target is to be removed.
    new: Option<NamedTempFile>,
    old: Option<NamedTempFile>,
}

/// Undoes one replacement.
struct Undo<'a> {
    target: &'a Path,
    old: Option<NamedTempFile>,
}

impl<'a> Staged<'a> {
    fn new(target: &'a Path, content: Option<&[u8]>) -> Result<Self> {
        let old = match std::fs::read(target) {
            Ok(old) => Some(write_beside(target, &old)?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(|| target.display().to_string()),
        };
        let new = content
            .map(|content| write_beside(target, content))
            .transpose()?;
        Ok(Self { target, new, old })
    }

    fn commit(self) -> Result<Undo<'a>> {
        match self.new {
            Some(new) => rename_onto(new, self.target)?,
            None => std::fs::remove_file(self.target)
                .with_context(|| self.target.display().to_string())?,
        }
        Ok(Undo {
            target: self.target,
            old: self.old,
        })
    }
}

impl Undo<'_> {
    fn run(self) -> Result<()> {
        match self.old {
            Some(old) => rename_onto(old, self.target),
            None => {
                std::fs::remove_file(self.target).with_context(|| self.target.display().to_string())
            }
        }
    }
}

fn write_beside(target: &Path, content: &[u8]) -> Result<NamedTempFile> {
    let write = || -> std::io::Result<NamedTempFile> {
        let mut file = temp_file_builder().tempfile_in(folder_of(target))?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    write().with_context(|| target.display().to_string())
}

fn rename_onto(file: NamedTempFile, target: &Path) -> Result<()> {
    file.persist(target)
        .with_context(|| target.display().to_string())?;
    // A rename is durable once its folder is synced. Not every system can open a folder, and the
    // files are in place either way.
    if let Ok(folder) = File::open(folder_of(target)) {
        let _ = folder.sync_all();
    }
    Ok(())
}

fn folder_of(target: &Path) -> &Path {
    match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Creates files with ordinary permissions; temporary files are private by default.
fn temp_file_builder() -> Builder<'static, 'static> {
    let mut builder = Builder::new();
    builder.prefix(".sync-").suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn all_files_are_written_and_no_temporary_file_remains() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        std::fs::write(&a, "old").unwrap();
        replace_all(&[(&a, "new a"), (&b, "new b")]).unwrap();
        assert_eq!(std::fs::read_to_string(&a).unwrap(), "new a");
        assert_eq!(std::fs::read_to_string(&b).unwrap(), "new b");
        assert_eq!(names(folder.path()), ["a", "b"]);
    }

    #[test]
    fn file_without_content_is_removed_or_restored() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["a", "b", "c"].map(|name| folder.path().join(name));
        std::fs::write(&paths[0], "old").unwrap();
        std::fs::write(&paths[1], "old").unwrap();
        let [a, b, c] = paths.each_ref().map(|path| path.as_path());
        change_all(&[(b, Some("new")), (a, None)]).unwrap();
        assert_eq!(names(folder.path()), ["b"]);
        // Nothing can be removed where nothing is.
        change_all(&[(b, None), (c, None)]).unwrap_err();
        assert_eq!(std::fs::read_to_string(b).unwrap(), "new");
        assert_eq!(names(folder.path()), ["b"]);
    }

    #[test]
    fn missing_folder_leaves_the_other_file_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("none/b"));
        std::fs::write(&a, "old").unwrap();
        let error = replace_all(&[(&a, "new"), (&b, "new")]).unwrap_err();
        assert!(format!("{error:#}").contains("none"), "{error:#}");
        assert_eq!(std::fs::read_to_string(&a).unwrap(), "old");
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[test]
    fn folder_instead_of_a_file_leaves_the_other_file_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        std::fs::write(&a, "old").unwrap();
        std::fs::create_dir(&b).unwrap();
        replace_all(&[(&a, "new"), (&b, "new")]).unwrap_err();
        assert_eq!(std::fs::read_to_string(&a).unwrap(), "old");
        assert_eq!(names(folder.path()), ["a", "b"]);
    }

    #[test]
    fn failed_rename_undoes_the_renames_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["a", "b", "c"].map(|name| folder.path().join(name));
        std::fs::write(&paths[0], "old").unwrap();
        let staged = paths
            .each_ref()
            .map(|path| Staged::new(path, Some(b"new")).unwrap());
        // Makes the last rename fail.
        std::fs::create_dir(&paths[2]).unwrap();
        commit_all(staged.into()).unwrap_err();
        assert_eq!(std::fs::read_to_string(&paths[0]).unwrap(), "old");
        assert_eq!(names(folder.path()), ["a", "c"]);
    }

    #[cfg(unix)]
    #[test]
    fn written_files_have_ordinary_permissions() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (ours, plain) = (folder.path().join("ours"), folder.path().join("plain"));
        replace_all(&[(&ours, "")]).unwrap();
        std::fs::write(&plain, "").unwrap();
        let mode = |path| std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }
}
