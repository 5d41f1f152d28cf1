//! Running cargo and rustc so that nothing in the surroundings changes what is measured.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// Variables that steer the network and the toolchain, not the build.
const KEPT: &[&str] = &[
    "CARGO_HOME",
    "CARGO_HTTP_",
    "CARGO_NET_",
    "CARGO_REGISTRIES_",
    "CARGO_REGISTRY_",
    "CARGO_SOURCE_",
    "RUSTUP_",
];

/// A crate's folder and the folder that its builds go to.
pub struct Cargo<'a> {
    /// Where cargo runs.
    pub folder: &'a Path,
    /// The target folder.
    pub target: &'a Path,
}

/// What one run of cargo built, and how long it took.
pub struct Built {
    /// From start to end.
    pub seconds: f64,
    messages: Vec<Message>,
}

/// What cargo says about one thing that it did; the members that a message lacks are empty.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Message {
    reason: String,
    package_id: String,
    target: Target,
    /// The features that it was built with.
    pub features: Vec<String>,
    /// The files that were built.
    pub filenames: Vec<PathBuf>,
    /// Whether it had been built before.
    pub fresh: bool,
    /// Where the build script wrote to.
    pub out_dir: PathBuf,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Target {
    kind: Vec<String>,
    name: String,
    src_path: PathBuf,
}

impl Cargo<'_> {
    /// Downloads what is missing; without a network, what is there has to do.
    pub fn fetch(&self, host: &str) -> Result<()> {
        let arguments = ["fetch", "--target", host];
        if self.run(&arguments).is_err() {
            self.run(&[&arguments[..], &["--offline"]].concat())?;
        }
        Ok(())
    }

    /// Runs one command that needs no network and builds, in the given mode, what is asked for.
    pub fn build(&self, mode: &str, selection: &[&str]) -> Result<Built> {
        let common = [mode, "--quiet", "--offline", "--message-format=json"];
        let start = Instant::now();
        let output = self.run(&[&common[..], selection].concat())?;
        Ok(Built {
            seconds: start.elapsed().as_secs_f64(),
            messages: messages(&output)?,
        })
    }

    /// Removes what was built of one package.
    pub fn clean(&self, package: &str) -> Result<()> {
        self.run(&["clean", "--quiet", "--offline", "--package", package])
            .map(drop)
    }

    /// Runs cargo; its standard output, or its first error.
    fn run(&self, arguments: &[&str]) -> Result<String> {
        let mut command = undisturbed(&program("CARGO", "cargo"));
        command
            .args(arguments)
            .current_dir(self.folder)
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_TARGET_DIR", self.target)
            // Empty, but set: it wins over flags from any configuration file.
            .env("CARGO_ENCODED_RUSTFLAGS", "");
        output(command).with_context(|| format!("cargo {}", arguments.join(" ")))
    }
}

impl Built {
    /// The message about the library of a package.
    pub fn library(&self, package: &str) -> Result<&Message> {
        self.artifacts()
            .find(|message| message.is_library(package))
            .with_context(|| format!("cargo did not mention the library of {package}"))
    }

    /// Where the sources of a library lie: what its build script wrote, or else its own folder.
    pub fn sources(&self, library: &Message) -> PathBuf {
        match self.script_output(library) {
            Some(folder) => folder.to_owned(),
            None => library
                .target
                .src_path
                .parent()
                .map_or_else(PathBuf::new, Path::to_owned),
        }
    }

    /// Where the build script of the library's package wrote to, if it has one.
    pub fn script_output(&self, library: &Message) -> Option<&Path> {
        self.messages
            .iter()
            .find(|message| {
                message.reason == "build-script-executed"
                    && message.package_id == library.package_id
            })
            .map(|message| message.out_dir.as_path())
    }

    /// The compiled build script of the library's package, if it has one.
    pub fn script(&self, library: &Message) -> Option<&Path> {
        self.artifacts()
            .find(|message| {
                message.package_id == library.package_id && message.is_kind("custom-build")
            })
            .and_then(|message| message.filenames.first())
            .map(PathBuf::as_path)
    }

    /// Fails unless the library of this package was built and nothing else was.
    pub fn check_alone(&self, package: &str) -> Result<()> {
        for message in self.artifacts() {
            if message.is_library(package) == message.fresh {
                let done = if message.fresh { "not built" } else { "built" };
                bail!(
                    "measuring {package} alone, {} was {done}",
                    message.target.name
                );
            }
        }
        Ok(())
    }

    fn artifacts(&self) -> impl Iterator<Item = &Message> {
        self.messages
            .iter()
            .filter(|message| message.reason == "compiler-artifact")
    }
}

impl Message {
    /// The size of the library in bytes.
    pub fn rlib_size(&self) -> Result<u64> {
        let file = self
            .filenames
            .iter()
            .find(|file| {
                file.extension()
                    .is_some_and(|extension| extension == "rlib")
            })
            .with_context(|| format!("{}: no rlib was built", self.target.name))?;
        let metadata = std::fs::metadata(file).with_context(|| file.display().to_string())?;
        Ok(metadata.len())
    }

    fn is_library(&self, package: &str) -> bool {
        self.is_kind("lib") && self.target.name.replace('-', "_") == package.replace('-', "_")
    }

    fn is_kind(&self, kind: &str) -> bool {
        self.target.kind.iter().any(|other| other == kind)
    }
}

/// What `rustc` says about itself.
pub fn about_rustc() -> Result<String> {
    let mut command = undisturbed(&program("RUSTC", "rustc"));
    command.arg("-vV");
    output(command).context("rustc -vV")
}

/// A command that inherits no variable that could change what is built or how.
pub fn undisturbed(program: &OsString) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if steers_builds(&name.to_string_lossy()) {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// Runs the command; its standard output, or what it wrote about its failure.
pub fn output(mut command: Command) -> Result<String> {
    let output = command.output()?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        // The table has room for a line; whoever wants to mend it needs the rest.
        eprint!("{text}");
        bail!("{}", first_error(&text).unwrap_or("failed"));
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Cargo tells the commands that it runs which cargo it is.
fn program(variable: &str, otherwise: &str) -> OsString {
    std::env::var_os(variable).unwrap_or_else(|| otherwise.into())
}

fn steers_builds(name: &str) -> bool {
    let ours = name.starts_with("CARGO") || name.starts_with("RUST") || name == "OUT_DIR";
    ours && !KEPT.iter().any(|kept| name.starts_with(kept))
}

fn first_error(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("error: "))
}

fn messages(output: &str) -> Result<Vec<Message>> {
    output
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).context("cargo wrote a message that cannot be read"))
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const OUTPUT: &str = r#"
{"reason":"compiler-artifact","package_id":"ours#0.1.0","target":{"kind":["custom-build"],"name":"build-script-build","src_path":"/c/build.rs"},"features":[],"filenames":["/t/script"],"fresh":true}
{"reason":"build-script-executed","package_id":"ours#0.1.0","out_dir":"/t/out"}
{"reason":"compiler-artifact","package_id":"other#1.0.0","target":{"kind":["lib"],"name":"other","src_path":"/o/src/lib.rs"},"features":[],"filenames":["/t/libother.rlib"],"fresh":true}
{"reason":"compiler-artifact","package_id":"ours#0.1.0","target":{"kind":["lib"],"name":"ours_too","src_path":"/c/src/lib.rs"},"features":["api_keys"],"filenames":["/t/libours.rlib"],"fresh":false}
{"reason":"build-finished","success":true}
"#;

    fn built(output: &str) -> Built {
        Built {
            seconds: 1.0,
            messages: messages(output).unwrap(),
        }
    }

    #[test]
    fn the_library_its_script_and_its_sources_are_found() {
        let built = built(OUTPUT);
        let ours = built.library("ours-too").unwrap();
        assert_eq!(ours.features, ["api_keys"]);
        assert_eq!(built.script(ours), Some(Path::new("/t/script")));
        assert_eq!(built.sources(ours), Path::new("/t/out"));
        let other = built.library("other").unwrap();
        assert_eq!(built.script(other), None);
        assert_eq!(built.sources(other), Path::new("/o/src"));
    }

    #[test]
    fn a_library_that_was_not_built_is_named() {
        let error = built(OUTPUT).library("third").err().unwrap().to_string();
        assert!(error.ends_with("library of third"), "{error}");
    }

    #[test]
    fn only_the_library_may_have_been_built() {
        built(OUTPUT).check_alone("ours-too").unwrap();
        let all = built(&OUTPUT.replace("\"fresh\":true", "\"fresh\":false"));
        let error = all.check_alone("ours-too").unwrap_err().to_string();
        assert!(error.ends_with("build-script-build was built"), "{error}");
        let none = built(&OUTPUT.replace("\"fresh\":false", "\"fresh\":true"));
        let error = none.check_alone("ours-too").unwrap_err().to_string();
        assert!(error.ends_with("ours_too was not built"), "{error}");
    }

    #[test]
    fn variables_that_steer_builds_are_left_behind() {
        let steering = [
            "RUSTFLAGS",
            "RUSTC_WRAPPER",
            "CARGO_TARGET_DIR",
            "CARGO_INCREMENTAL",
            "CARGO_PROFILE_DEV_DEBUG",
            "CARGO_BUILD_JOBS",
            "CARGO_MANIFEST_DIR",
        ];
        assert!(steering.iter().all(|name| steers_builds(name)));
        let harmless = ["CARGO_HOME", "CARGO_HTTP_PROXY", "RUSTUP_TOOLCHAIN", "PATH"];
        assert!(!harmless.iter().any(|name| steers_builds(name)));
    }

    #[test]
    fn the_first_error_is_what_counts() {
        let text = "warning: this\nerror: no such crate\n\nerror: and more\n";
        assert_eq!(first_error(text), Some("no such crate"));
        assert_eq!(first_error("killed"), None);
    }
}
