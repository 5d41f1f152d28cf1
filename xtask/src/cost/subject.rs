//! What is measured, and how each crate comes into its folder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use super::cargo::Cargo;
use super::copy;
use super::measure::{Bench, Renewal};
use super::plain::{self, Interface};

const OURS: &str = "portkey-admin";
const PEER: &str = "portkey-sdk";
const PEER_VERSION: &str = "0.2.0";

/// One crate to measure.
#[derive(Debug)]
pub struct Subject {
    /// The letter by which `--only` asks for it.
    pub letter: char,
    /// What it is.
    pub label: &'static str,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Ours(&'static [&'static str]),
    Plain(Interface),
    Peer,
}

/// Everything that can be measured, in the order of the table.
pub const SUBJECTS: &[Subject] = &[
    Subject {
        letter: 'a',
        label: "portkey-admin, default features",
        kind: Kind::Ours(&[]),
    },
    Subject {
        letter: 'b',
        label: "portkey-admin, one area",
        kind: Kind::Ours(&["--no-default-features", "--features", "api_keys,rustls"]),
    },
    Subject {
        letter: 'c',
        label: "plain progenitor, builder style",
        kind: Kind::Plain(Interface::Builder),
    },
    Subject {
        letter: 'c',
        label: "plain progenitor, positional style",
        kind: Kind::Plain(Interface::Positional),
    },
    Subject {
        letter: 'd',
        label: "portkey-sdk 0.2.0",
        kind: Kind::Peer,
    },
];

impl Subject {
    /// Its line in the table.
    pub fn title(&self) -> String {
        format!("({}) {}", self.letter, self.label)
    }
}

/// The temporary folder that everything is built in, removed at the end.
pub struct Workshop {
    project: PathBuf,
    host: String,
    folder: TempDir,
}

impl Workshop {
    /// A new folder, with a copy of the project at `root` as it is now: whatever is edited while
    /// this runs, all crates are made of the same sources.
    pub fn new(root: &Path, host: &str) -> Result<Self> {
        let manifest = root.join("Cargo.toml");
        if !manifest.is_file() {
            bail!("{}: no such file", manifest.display());
        }
        let folder = tempfile::Builder::new()
            .prefix("portkey-admin-cost-")
            .tempdir()
            .context("the temporary folder")?;
        // Whoever interrupts this has to remove it.
        eprintln!("building in {}", folder.path().display());
        let project = folder.path().join("project");
        copy::copy(root, &project)?;
        Ok(Self {
            project,
            host: host.to_owned(),
            folder,
        })
    }

    /// How many operations the crates (a) and (c) have.
    pub fn operations(&self) -> Result<usize> {
        plain::operations(&self.project)
    }

    /// Writes the crate and downloads its dependencies.
    pub fn prepare(&self, subject: &Subject) -> Result<Bench> {
        let home = tempfile::tempdir_in(self.folder.path())?;
        let folder = home.path().join("crate");
        fs::create_dir(&folder)?;
        self.write(subject.kind, &folder)?;
        let bench = bench(subject.kind, home, folder);
        let cargo = Cargo {
            folder: &bench.folder,
            target: bench.home.path(),
        };
        cargo.fetch(&self.host)?;
        Ok(bench)
    }

    fn write(&self, kind: Kind, folder: &Path) -> Result<()> {
        match kind {
            Kind::Ours(_) => return copy::copy(&self.project, folder),
            Kind::Plain(interface) => plain::write(&self.project, interface, folder)?,
            Kind::Peer => write_user_of_peer(folder)?,
        }
        self.share_versions(folder)
    }

    /// All crates build with the versions of dependencies that the project has, where they share
    /// any. Cargo drops from the file what is not needed.
    fn share_versions(&self, folder: &Path) -> Result<()> {
        const LOCK: &str = "Cargo.lock";
        fs::copy(self.project.join(LOCK), folder.join(LOCK)).context(LOCK)?;
        Ok(())
    }
}

fn bench(kind: Kind, home: TempDir, folder: PathBuf) -> Bench {
    let touch = Renewal::Touch(folder.join("src/lib.rs"));
    let (package, features, renewal) = match kind {
        Kind::Ours(features) => (OURS, features, touch),
        Kind::Plain(_) => (plain::PACKAGE, &[][..], touch),
        // Cargo takes files from the registry to be unchanging.
        Kind::Peer => (PEER, &[][..], Renewal::Clean),
    };
    let selection = ["--package", package].into_iter();
    Bench {
        home,
        folder,
        package,
        selection: selection.chain(features.iter().copied()).collect(),
        renewal,
    }
}

fn write_user_of_peer(folder: &Path) -> Result<()> {
    let manifest = format!(
        "[package]\n\
         name = \"user-of-peer\"\n\
         version = \"0.0.0\"\n\
         edition = \"2024\"\n\n\
         [workspace]\n\n\
         [dependencies]\n\
         {PEER} = \"={PEER_VERSION}\"\n"
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
    fn every_label_is_its_own() {
        let labels: std::collections::BTreeSet<_> =
            SUBJECTS.iter().map(|subject| subject.label).collect();
        assert_eq!(labels.len(), SUBJECTS.len());
        assert!(labels.contains(format!("{PEER} {PEER_VERSION}").as_str()));
    }

    #[test]
    fn a_folder_without_a_project_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = Workshop::new(folder.path(), "host").err().unwrap();
        assert!(error.to_string().ends_with("Cargo.toml: no such file"));
    }

    #[test]
    fn one_area_leaves_the_default_features_out() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().to_owned();
        let bench = bench(SUBJECTS[1].kind, home, folder);
        assert_eq!(
            bench.selection.join(" "),
            "--package portkey-admin --no-default-features --features api_keys,rustls"
        );
    }
}
