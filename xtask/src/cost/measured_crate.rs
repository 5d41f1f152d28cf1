//! The crates to measure, and their preparation.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use super::cargo::Cargo;
use super::copy;
use super::measure::{PreparedCrate, RebuildTrigger};
use super::plain_progenitor::{self, Interface};

const OUR_PACKAGE: &str = "portkey-admin";
const SDK: &str = "portkey-sdk";
const SDK_VERSION: &str = "0.2.0";

/// A crate to measure.
#[derive(Debug)]
pub struct MeasuredCrate {
    /// The letter used with `--only`.
    pub letter: char,
    /// The label in the table.
    pub label: &'static str,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Ours(&'static [&'static str]),
    PlainProgenitor(Interface),
    PortkeySdk,
}

/// All crates that can be measured, in the order of the table.
pub const MEASURED_CRATES: &[MeasuredCrate] = &[
    MeasuredCrate {
        letter: 'a',
        label: "portkey-admin, default features",
        kind: Kind::Ours(&[]),
    },
    MeasuredCrate {
        letter: 'b',
        label: "portkey-admin, one area",
        kind: Kind::Ours(&["--no-default-features", "--features", "api_keys,rustls"]),
    },
    MeasuredCrate {
        letter: 'c',
        label: "plain progenitor, builder style",
        kind: Kind::PlainProgenitor(Interface::Builder),
    },
    MeasuredCrate {
        letter: 'c',
        label: "plain progenitor, positional style",
        kind: Kind::PlainProgenitor(Interface::Positional),
    },
    MeasuredCrate {
        letter: 'd',
        label: "portkey-sdk 0.2.0",
        kind: Kind::PortkeySdk,
    },
];

impl MeasuredCrate {
    /// Returns the title of the row.
    pub fn title(&self) -> String {
        format!("({}) {}", self.letter, self.label)
    }
}

/// Temporary folder with a copy of the project, in which all crates are built. Removed on drop.
pub struct TempCheckout {
    project: PathBuf,
    host: String,
    folder: TempDir,
}

impl TempCheckout {
    /// Copies the project at `root` into a new folder, so that all crates are built from the same
    /// sources even if the project changes meanwhile.
    pub fn new(root: &Path, host: &str) -> Result<Self> {
        let manifest = root.join("Cargo.toml");
        if !manifest.is_file() {
            bail!("{}: not found", manifest.display());
        }
        let folder = tempfile::Builder::new()
            .prefix("portkey-admin-cost-")
            .tempdir()
            .context("cannot create a temporary folder")?;
        // An interrupted run leaves this folder behind.
        eprintln!("building in {}", folder.path().display());
        let project = folder.path().join("project");
        copy::copy(root, &project)?;
        Ok(Self {
            project,
            host: host.to_owned(),
            folder,
        })
    }

    /// Returns the number of operations in the crates (a) and (c).
    pub fn operations(&self) -> Result<usize> {
        plain_progenitor::operations(&self.project)
    }

    /// Writes the crate and downloads its dependencies.
    pub fn prepare(&self, krate: &MeasuredCrate) -> Result<PreparedCrate> {
        let home = tempfile::tempdir_in(self.folder.path())?;
        let folder = home.path().join("crate");
        fs::create_dir(&folder)?;
        self.write(krate.kind, &folder)?;
        let prepared = prepared_crate(krate.kind, home, folder);
        let cargo = Cargo {
            folder: &prepared.folder,
            target: prepared.home.path(),
        };
        cargo.fetch(&self.host)?;
        Ok(prepared)
    }

    fn write(&self, kind: Kind, folder: &Path) -> Result<()> {
        match kind {
            Kind::Ours(_) => return copy::copy(&self.project, folder),
            Kind::PlainProgenitor(interface) => {
                plain_progenitor::write(&self.project, interface, folder)?
            }
            Kind::PortkeySdk => write_crate_using_sdk(folder)?,
        }
        self.copy_lock_file(folder)
    }

    /// Builds all crates with the project's versions of shared dependencies. Cargo removes unused
    /// entries from the file.
    fn copy_lock_file(&self, folder: &Path) -> Result<()> {
        const LOCK: &str = "Cargo.lock";
        fs::copy(self.project.join(LOCK), folder.join(LOCK)).context(LOCK)?;
        Ok(())
    }
}

fn prepared_crate(kind: Kind, home: TempDir, folder: PathBuf) -> PreparedCrate {
    let touch = RebuildTrigger::Touch(folder.join("src/lib.rs"));
    let (package, features, rebuild_trigger) = match kind {
        Kind::Ours(features) => (OUR_PACKAGE, features, touch),
        Kind::PlainProgenitor(_) => (plain_progenitor::PACKAGE, &[][..], touch),
        // Cargo never rebuilds files from the registry because of their modification time.
        Kind::PortkeySdk => (SDK, &[][..], RebuildTrigger::Clean),
    };
    let selection = ["--package", package].into_iter();
    PreparedCrate {
        home,
        folder,
        package,
        selection: selection.chain(features.iter().copied()).collect(),
        rebuild_trigger,
    }
}

fn write_crate_using_sdk(folder: &Path) -> Result<()> {
    let manifest = format!(
        "[package]\n\
         name = \"crate-using-sdk\"\n\
         version = \"0.0.0\"\n\
         edition = \"2024\"\n\n\
         [workspace]\n\n\
         [dependencies]\n\
         {SDK} = \"={SDK_VERSION}\"\n"
    );
    fs::write(folder.join("Cargo.toml"), manifest)?;
    fs::create_dir(folder.join("src"))?;
    fs::write(folder.join("src/lib.rs"), "")?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_unique() {
        let labels: std::collections::BTreeSet<_> =
            MEASURED_CRATES.iter().map(|krate| krate.label).collect();
        assert_eq!(labels.len(), MEASURED_CRATES.len());
        assert!(labels.contains(format!("{SDK} {SDK_VERSION}").as_str()));
    }

    #[test]
    fn missing_project_is_named_in_the_error() {
        let folder = tempfile::tempdir().unwrap();
        let error = TempCheckout::new(folder.path(), "host").err().unwrap();
        assert!(error.to_string().ends_with("Cargo.toml: not found"));
    }

    #[test]
    fn one_area_disables_default_features() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().to_owned();
        let prepared = prepared_crate(MEASURED_CRATES[1].kind, home, folder);
        assert_eq!(
            prepared.selection.join(" "),
            "--package portkey-admin --no-default-features --features api_keys,rustls"
        );
    }
}
