//! Copies the project to measure, so that the project itself does not change.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// File by which cargo marks its target folders.
const CACHE_TAG: &str = "CACHEDIR.TAG";

/// Copies a folder except for dot files and target folders. Symbolic links are followed.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| to.display().to_string())?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let name = entry?.file_name();
        if name.to_string_lossy().starts_with('.') {
            continue;
        }
        let (from, to) = (from.join(&name), to.join(&name));
        if from.is_dir() {
            if name != "target" && !from.join(CACHE_TAG).exists() {
                copy(&from, &to)?;
            }
        } else {
            fs::copy(&from, &to).with_context(|| from.display().to_string())?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn dot_files_and_target_folders_are_not_copied() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let write = |name: &str| {
            let path = from.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        };
        let left_out = [".git/config", "target/x", "other/CACHEDIR.TAG"];
        left_out.into_iter().for_each(write);
        write("Cargo.toml");
        write("codegen/src/lib.rs");
        copy(from.path(), to.path()).unwrap();
        let there = |name: &str| to.path().join(name).exists();
        assert!(there("Cargo.toml") && there("codegen/src/lib.rs"));
        assert!(!left_out.into_iter().any(there));
    }

    #[cfg(unix)]
    #[test]
    fn symlink_to_a_folder_becomes_a_folder() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::create_dir(from.path().join("real")).unwrap();
        fs::write(from.path().join("real/file"), "text").unwrap();
        std::os::unix::fs::symlink("real", from.path().join("link")).unwrap();
        copy(from.path(), to.path()).unwrap();
        assert_eq!(fs::read(to.path().join("link/file")).unwrap(), b"text");
        assert!(!to.path().join("link").is_symlink());
    }
}
