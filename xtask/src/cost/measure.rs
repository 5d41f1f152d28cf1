//! Measures one prepared crate.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use super::cargo::{self, BuildOutput, Cargo, Message};
use super::figures::Figures;

/// Number of runs for each kind of figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunCounts {
    /// Runs for the figures of the crate without its dependencies.
    pub library: usize,
    /// Runs of the cold build.
    pub cold: usize,
}

/// How to make cargo rebuild the library and nothing else.
#[derive(Debug)]
pub enum RebuildTrigger {
    /// Updates the modification time of a source file. The build script does not run again because
    /// it does not depend on the library's sources.
    Touch(PathBuf),
    /// Removes the build output of the package.
    Clean,
}

/// A crate in its own folder, ready to be measured.
#[derive(Debug)]
pub struct PreparedCrate {
    /// Temporary folder of the crate and its builds.
    pub home: TempDir,
    /// Folder of the crate.
    pub folder: PathBuf,
    /// The package to measure.
    pub package: &'static str,
    /// Arguments that select what cargo builds.
    pub selection: Vec<&'static str>,
    /// How to make cargo rebuild the library.
    pub rebuild_trigger: RebuildTrigger,
}

impl PreparedCrate {
    /// Measures all figures.
    pub fn measure(&self, runs: RunCounts) -> Result<Figures> {
        let cold = repeat("cold build", runs.cold, || {
            self.remove_target()?;
            Ok(self.build("build")?.seconds)
        })?;
        let built = self.build("build")?;
        let library = built.library(self.package)?;
        // Must be read before a clean removes the files.
        let (lines, rlib) = (
            rust_lines_in(&built.sources(library))?,
            library.rlib_size()?,
        );
        let generate = self.generate(&built, library, runs.library)?;
        let build = self.build_library("build", runs.library)?;
        // The dependencies have been built, but not checked.
        self.build("check")?;
        let check = self.build_library("check", runs.library)?;
        Ok(Figures {
            lines,
            generate,
            check,
            build,
            rlib,
            cold,
        })
    }

    fn target(&self) -> PathBuf {
        self.home.path().join("target")
    }

    fn remove_target(&self) -> Result<()> {
        let target = self.target();
        if target.exists() {
            fs::remove_dir_all(&target).with_context(|| target.display().to_string())?;
        }
        Ok(())
    }

    fn build(&self, mode: &str) -> Result<BuildOutput> {
        let target = self.target();
        self.cargo(&target).build(mode, &self.selection)
    }

    fn cargo<'a>(&'a self, target: &'a Path) -> Cargo<'a> {
        Cargo {
            folder: &self.folder,
            target,
        }
    }

    /// Measures a build of the library with its dependencies already built, in seconds.
    fn build_library(&self, mode: &str, runs: usize) -> Result<f64> {
        repeat(mode, runs, || {
            self.force_rebuild()?;
            let built = self.build(mode)?;
            built.check_only_library_was_built(self.package)?;
            Ok(built.seconds)
        })
    }

    fn force_rebuild(&self) -> Result<()> {
        match &self.rebuild_trigger {
            RebuildTrigger::Touch(file) => File::options()
                .append(true)
                .open(file)
                .and_then(|file| file.set_modified(SystemTime::now()))
                .with_context(|| file.display().to_string()),
            RebuildTrigger::Clean => self.cargo(&self.target()).clean(self.package),
        }
    }

    /// Measures the build script, if there is one, in seconds. Cargo would build the library after
    /// it, so it is run directly, with the environment that cargo sets.
    fn generate(&self, built: &BuildOutput, library: &Message, runs: usize) -> Result<Option<f64>> {
        let (Some(script), Some(output)) = (built.script(library), built.script_out_dir(library))
        else {
            return Ok(None);
        };
        let out_dir = self.home.path().join("generated");
        fs::create_dir_all(&out_dir)?;
        let seconds = repeat("build script", runs, || {
            let start = Instant::now();
            self.run_script(script, &out_dir, &library.features)?;
            Ok(start.elapsed().as_secs_f64())
        })?;
        if rust_lines_in(&out_dir)? != rust_lines_in(output)? {
            bail!("the build script wrote other output than when cargo ran it");
        }
        Ok(Some(seconds))
    }

    fn run_script(&self, script: &Path, output: &Path, features: &[String]) -> Result<()> {
        let mut command = cargo::clean_command(&script.into());
        command
            .current_dir(&self.folder)
            .env("CARGO_MANIFEST_DIR", &self.folder)
            .env("OUT_DIR", output);
        for feature in features {
            let name = feature.to_uppercase().replace('-', "_");
            command.env(format!("CARGO_FEATURE_{name}"), "1");
        }
        cargo::run_command(command)
            .context("build script")
            .map(drop)
    }
}

/// Measures `runs` times and returns the median.
fn repeat(what: &str, runs: usize, mut measure_once: impl FnMut() -> Result<f64>) -> Result<f64> {
    let mut seconds = Vec::new();
    for run in 1..=runs {
        seconds.push(measure_once()?);
        if let Some(last) = seconds.last() {
            eprintln!("  {what} {run}/{runs}: {last:.1} s");
        }
    }
    median(seconds).context("nothing was measured")
}

/// Returns the middle value, or the mean of the two middle values.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let (upper, lower) = (values.len() / 2, values.len().checked_sub(1)? / 2);
    Some(f64::midpoint(*values.get(lower)?, *values.get(upper)?))
}

/// Counts the lines of the Rust files in a folder and its subfolders.
fn rust_lines_in(folder: &Path) -> Result<usize> {
    let mut lines = 0;
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            lines += rust_lines_in(&path)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            lines += text.lines().count();
        }
    }
    Ok(lines)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn median_does_not_depend_on_the_order() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 3.0, 2.0]), Some(2.5));
        assert_eq!(median(vec![7.0]), Some(7.0));
        assert_eq!(median(vec![]), None);
    }

    #[test]
    fn measuring_stops_at_the_first_failure() {
        let mut values = [3.0, 1.0, 2.0].into_iter();
        let seconds = repeat("test", 3, || Ok(values.next().unwrap())).unwrap();
        assert!((seconds - 2.0).abs() < f64::EPSILON);
        let mut runs = 0;
        let failed = repeat("test", 3, || {
            runs += 1;
            bail!("broken")
        });
        assert_eq!(failed.unwrap_err().to_string(), "broken");
        assert_eq!(runs, 1);
    }

    #[test]
    fn only_lines_of_rust_files_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        fs::create_dir(folder.path().join("below")).unwrap();
        write("lib.rs", "one\n\nthree\n");
        write("below/more.rs", "four");
        write("README.md", "not\ncounted\n");
        assert_eq!(rust_lines_in(folder.path()).unwrap(), 4);
        assert!(rust_lines_in(&folder.path().join("none")).is_err());
    }
}
