//! Measuring one crate that lies ready in its folder.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use super::cargo::{self, Built, Cargo, Message};
use super::figures::Figures;

/// How often each kind of figure is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeats {
    /// The figures of the crate alone.
    pub alone: usize,
    /// The cold build.
    pub cold: usize,
}

/// How to make cargo build the library again, and nothing else.
#[derive(Debug)]
pub enum Renewal {
    /// Its source looks newer than it is. The build script does not run again: it does not depend
    /// on the library's sources.
    Touch(PathBuf),
    /// What was built of its package is removed.
    Clean,
}

/// A crate in its folder, ready to be measured.
#[derive(Debug)]
pub struct Bench {
    /// The temporary folder that holds the crate and its builds.
    pub home: TempDir,
    /// Where the crate lies.
    pub folder: PathBuf,
    /// The package to measure.
    pub package: &'static str,
    /// What cargo is told to build.
    pub selection: Vec<&'static str>,
    /// How to build the library again.
    pub renewal: Renewal,
}

impl Bench {
    /// Takes all figures.
    pub fn measure(&self, repeats: Repeats) -> Result<Figures> {
        let cold = repeat("cold build", repeats.cold, || {
            self.fresh_target()?;
            Ok(self.build("build")?.seconds)
        })?;
        let built = self.build("build")?;
        let library = built.library(self.package)?;
        // Cleaning will remove what these two read.
        let (lines, rlib) = (lines_below(&built.sources(library))?, library.rlib_size()?);
        let generate = self.generate(&built, library, repeats.alone)?;
        let build = self.alone("build", repeats.alone)?;
        // The dependencies have been built, not checked.
        self.build("check")?;
        let check = self.alone("check", repeats.alone)?;
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

    fn fresh_target(&self) -> Result<()> {
        let target = self.target();
        if target.exists() {
            fs::remove_dir_all(&target).with_context(|| target.display().to_string())?;
        }
        Ok(())
    }

    fn build(&self, mode: &str) -> Result<Built> {
        let target = self.target();
        self.cargo(&target).build(mode, &self.selection)
    }

    fn cargo<'a>(&'a self, target: &'a Path) -> Cargo<'a> {
        Cargo {
            folder: &self.folder,
            target,
        }
    }

    /// Seconds of building the library when its dependencies have been built.
    fn alone(&self, mode: &str, runs: usize) -> Result<f64> {
        repeat(mode, runs, || {
            self.renew()?;
            let built = self.build(mode)?;
            built.check_alone(self.package)?;
            Ok(built.seconds)
        })
    }

    fn renew(&self) -> Result<()> {
        match &self.renewal {
            Renewal::Touch(file) => File::options()
                .append(true)
                .open(file)
                .and_then(|file| file.set_modified(SystemTime::now()))
                .with_context(|| file.display().to_string()),
            Renewal::Clean => self.cargo(&self.target()).clean(self.package),
        }
    }

    /// Seconds of the build script, if there is one. Cargo would build the library after it, so it
    /// is run here as cargo runs it.
    fn generate(&self, built: &Built, library: &Message, runs: usize) -> Result<Option<f64>> {
        let (Some(script), Some(output)) = (built.script(library), built.script_output(library))
        else {
            return Ok(None);
        };
        let again = self.home.path().join("generated");
        fs::create_dir_all(&again)?;
        let seconds = repeat("build script", runs, || {
            let start = Instant::now();
            self.run_script(script, &again, &library.features)?;
            Ok(start.elapsed().as_secs_f64())
        })?;
        if lines_below(&again)? != lines_below(output)? {
            bail!("the build script wrote something else than under cargo");
        }
        Ok(Some(seconds))
    }

    fn run_script(&self, script: &Path, output: &Path, features: &[String]) -> Result<()> {
        let mut command = cargo::undisturbed(&script.into());
        command
            .current_dir(&self.folder)
            .env("CARGO_MANIFEST_DIR", &self.folder)
            .env("OUT_DIR", output);
        for feature in features {
            let name = feature.to_uppercase().replace('-', "_");
            command.env(format!("CARGO_FEATURE_{name}"), "1");
        }
        cargo::output(command).context("build script").map(drop)
    }
}

/// The median of as many measurements as were asked for.
fn repeat(what: &str, runs: usize, mut once: impl FnMut() -> Result<f64>) -> Result<f64> {
    let mut seconds = Vec::new();
    for run in 1..=runs {
        seconds.push(once()?);
        if let Some(last) = seconds.last() {
            eprintln!("  {what} {run}/{runs}: {last:.1} s");
        }
    }
    median(seconds).context("nothing was measured")
}

/// The middle value; of an even number of values, the mean of the two in the middle.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let (upper, lower) = (values.len() / 2, values.len().checked_sub(1)? / 2);
    Some(f64::midpoint(*values.get(lower)?, *values.get(upper)?))
}

/// How many lines the Rust files in a folder have, and in the folders below it.
fn lines_below(folder: &Path) -> Result<usize> {
    let mut lines = 0;
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            lines += lines_below(&path)?;
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
    fn the_median_does_not_depend_on_the_order() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 3.0, 2.0]), Some(2.5));
        assert_eq!(median(vec![7.0]), Some(7.0));
        assert_eq!(median(vec![]), None);
    }

    #[test]
    fn measuring_repeats_until_the_first_failure() {
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
    fn lines_of_rust_files_count_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        fs::create_dir(folder.path().join("below")).unwrap();
        write("lib.rs", "one\n\nthree\n");
        write("below/more.rs", "four");
        write("README.md", "not\ncounted\n");
        assert_eq!(lines_below(folder.path()).unwrap(), 4);
        assert!(lines_below(&folder.path().join("none")).is_err());
    }
}
