//! Runs cargo and rustc isolated from the environment, which could change the measurements.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// Environment variables that configure the network and the toolchain, not the build.
const PRESERVED_VARIABLES: &[&str] = &[
    "CARGO_HOME",
    "CARGO_HTTP_",
    "CARGO_NET_",
    "CARGO_REGISTRIES_",
    "CARGO_REGISTRY_",
    "CARGO_SOURCE_",
    "RUSTUP_",
];

/// A crate's folder and its target folder.
pub struct Cargo<'a> {
    /// Working directory of cargo.
    pub folder: &'a Path,
    /// The target folder.
    pub target: &'a Path,
}

/// Output and duration of one cargo run.
pub struct BuildOutput {
    /// Duration in seconds.
    pub seconds: f64,
    messages: Vec<Message>,
}

/// A message of cargo about one build step; missing fields are empty.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Message {
    reason: String,
    package_id: String,
    target: Target,
    /// Enabled features.
    pub features: Vec<String>,
    /// The files that were built.
    pub filenames: Vec<PathBuf>,
    /// Whether the step was skipped because its output was up to date.
    pub fresh: bool,
    /// Output folder of the build script.
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
    /// Downloads missing dependencies; falls back to the local ones without a network.
    pub fn fetch(&self, host: &str) -> Result<()> {
        let arguments = ["fetch", "--target", host];
        if self.run(&arguments).is_err() {
            self.run(&[&arguments[..], &["--offline"]].concat())?;
        }
        Ok(())
    }

    /// Runs an offline build of the selection with the given cargo subcommand.
    pub fn build(&self, mode: &str, selection: &[&str]) -> Result<BuildOutput> {
        let common = [mode, "--quiet", "--offline", "--message-format=json"];
        let start = Instant::now();
        let output = self.run(&[&common[..], selection].concat())?;
        Ok(BuildOutput {
            seconds: start.elapsed().as_secs_f64(),
            messages: parse_messages(&output)?,
        })
    }

    /// Removes the build output of one package.
    pub fn clean(&self, package: &str) -> Result<()> {
        self.run(&["clean", "--quiet", "--offline", "--package", package])
            .map(drop)
    }

    /// Runs cargo and returns its standard output, or its first error.
    fn run(&self, arguments: &[&str]) -> Result<String> {
        let mut command = clean_command(&program_path("CARGO", "cargo"));
        command
            .args(arguments)
            .current_dir(self.folder)
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_TARGET_DIR", self.target)
            // Set to an empty value, which overrides flags from configuration files.
            .env("CARGO_ENCODED_RUSTFLAGS", "");
        run_command(command).with_context(|| format!("cargo {}", arguments.join(" ")))
    }
}

impl BuildOutput {
    /// Returns the message about the library of a package.
    pub fn library(&self, package: &str) -> Result<&Message> {
        self.artifacts()
            .find(|message| message.is_library(package))
            .with_context(|| format!("cargo reported no library of package `{package}`"))
    }

    /// Returns the folder of a library's sources: the output of its build script, or else its own
    /// folder.
    pub fn sources(&self, library: &Message) -> PathBuf {
        match self.script_out_dir(library) {
            Some(folder) => folder.to_owned(),
            None => library
                .target
                .src_path
                .parent()
                .map_or_else(PathBuf::new, Path::to_owned),
        }
    }

    /// Returns the output folder of the build script of the library's package, if it has one.
    pub fn script_out_dir(&self, library: &Message) -> Option<&Path> {
        self.messages
            .iter()
            .find(|message| {
                message.reason == "build-script-executed"
                    && message.package_id == library.package_id
            })
            .map(|message| message.out_dir.as_path())
    }

    /// Returns the compiled build script of the library's package, if it has one.
    pub fn script(&self, library: &Message) -> Option<&Path> {
        self.artifacts()
            .find(|message| {
                message.package_id == library.package_id && message.is_kind("custom-build")
            })
            .and_then(|message| message.filenames.first())
            .map(PathBuf::as_path)
    }

    /// Fails unless the library of this package, and only that, was built.
    pub fn check_only_library_was_built(&self, package: &str) -> Result<()> {
        for message in self.artifacts() {
            if message.is_library(package) == message.fresh {
                let state = if message.fresh { "not built" } else { "built" };
                bail!(
                    "only the library of `{package}` should be rebuilt, but {} was {state}",
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
    /// Returns the size of the library in bytes.
    pub fn rlib_size(&self) -> Result<u64> {
        let file = self
            .filenames
            .iter()
            .find(|file| {
                file.extension()
                    .is_some_and(|extension| extension == "rlib")
            })
            .with_context(|| format!("{}: cargo built no rlib", self.target.name))?;
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

/// Returns the output of `rustc -vV`.
pub fn rustc_version() -> Result<String> {
    let mut command = clean_command(&program_path("RUSTC", "rustc"));
    command.arg("-vV");
    run_command(command).context("rustc -vV")
}

/// Creates a command without the environment variables that could change the build.
pub fn clean_command(program: &OsString) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if affects_builds(&name.to_string_lossy()) {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// Runs the command and returns its standard output, or the first error that it printed.
pub fn run_command(mut command: Command) -> Result<String> {
    let output = command.output()?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        // The table shows only one line of the error.
        eprint!("{text}");
        bail!("{}", first_error(&text).unwrap_or("failed"));
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Returns the program that cargo set in `variable`, or `default`.
fn program_path(variable: &str, default: &str) -> OsString {
    std::env::var_os(variable).unwrap_or_else(|| default.into())
}

fn affects_builds(name: &str) -> bool {
    let is_cargo_variable =
        name.starts_with("CARGO") || name.starts_with("RUST") || name == "OUT_DIR";
    is_cargo_variable
        && !PRESERVED_VARIABLES
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

fn first_error(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("error: "))
}

fn parse_messages(output: &str) -> Result<Vec<Message>> {
    output
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).context("cannot parse a message of cargo"))
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

    fn built(output: &str) -> BuildOutput {
        BuildOutput {
            seconds: 1.0,
            messages: parse_messages(output).unwrap(),
        }
    }

    #[test]
    fn library_script_and_sources_are_found() {
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
    fn missing_library_is_named_in_the_error() {
        let error = built(OUTPUT).library("third").err().unwrap().to_string();
        assert!(error.ends_with("library of package `third`"), "{error}");
    }

    #[test]
    fn rebuild_of_anything_but_the_library_is_an_error() {
        built(OUTPUT)
            .check_only_library_was_built("ours-too")
            .unwrap();
        let all = built(&OUTPUT.replace("\"fresh\":true", "\"fresh\":false"));
        let error = all
            .check_only_library_was_built("ours-too")
            .unwrap_err()
            .to_string();
        assert!(error.ends_with("build-script-build was built"), "{error}");
        let none = built(&OUTPUT.replace("\"fresh\":false", "\"fresh\":true"));
        let error = none
            .check_only_library_was_built("ours-too")
            .unwrap_err()
            .to_string();
        assert!(error.ends_with("ours_too was not built"), "{error}");
    }

    #[test]
    fn variables_that_affect_builds_are_removed() {
        let removed = [
            "RUSTFLAGS",
            "RUSTC_WRAPPER",
            "CARGO_TARGET_DIR",
            "CARGO_INCREMENTAL",
            "CARGO_PROFILE_DEV_DEBUG",
            "CARGO_BUILD_JOBS",
            "CARGO_MANIFEST_DIR",
        ];
        assert!(removed.iter().all(|name| affects_builds(name)));
        let kept = ["CARGO_HOME", "CARGO_HTTP_PROXY", "RUSTUP_TOOLCHAIN", "PATH"];
        assert!(!kept.iter().any(|name| affects_builds(name)));
    }

    #[test]
    fn first_error_is_extracted() {
        let text = "warning: this\nerror: no such crate\n\nerror: and more\n";
        assert_eq!(first_error(text), Some("no such crate"));
        assert_eq!(first_error("killed"), None);
    }
}
