//! `cargo xtask cost`: measures the build cost of the crate and of its alternatives.
//!
//! Every crate is built in a temporary folder, so that neither the project nor its target folder
//! changes. Progress goes to standard error, the table to standard output.

mod cargo;
mod copy;
mod figures;
mod machine;
mod measure;
mod measured_crate;
mod plain_progenitor;
mod table;

use std::path::Path;

use anyhow::{Context, Result, bail};
use lexopt::prelude::{Long, Short, ValueExt};

use figures::{Conditions, Row, Style};
use machine::Machine;
use measure::RunCounts;
use measured_crate::{MEASURED_CRATES, TempCheckout};

const HELP: &str = "\
Usage: cargo xtask cost [--only LIST] [--runs N] [--cold-runs N] [--markdown]

Measures the number of generated lines, the duration of `cargo check` and of a debug build of the
crate without its dependencies, the size of its rlib, and the duration of a cold debug build with all
dependencies, for
  a  this crate with default features
  b  this crate with one area
  c  the code that progenitor alone generates from the same document, in builder and positional style
  d  portkey-sdk
Takes about 15 minutes. Close all other programs first.

Options:
  --only LIST    Measure only these (`a,c`)
  --runs N       Measure each figure except the cold build N times and print the median (default: 3)
  --cold-runs N  Measure the cold build N times and print the median (default: 1)
  --markdown     Print the table as Markdown, as in the README
  -h, --help     Print this help
";

/// Command-line options.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    only: Vec<char>,
    runs: RunCounts,
    style: Style,
}

/// Runs the command with its arguments.
pub fn run(root: &Path, arguments: lexopt::Parser) -> Result<()> {
    let Some(options) = parse_options(arguments)? else {
        print!("{HELP}");
        return Ok(());
    };
    let machine = Machine::detect()?;
    let checkout = TempCheckout::new(root, &machine.host)?;
    let conditions = Conditions {
        machine,
        runs: options.runs,
        operations: checkout.operations()?,
    };
    let rows = rows(&checkout, &options);
    print!("{}", figures::report(&rows, &conditions, options.style));
    fail_if_unmeasured(&rows)
}

/// Parses the options; `None` if help was requested.
fn parse_options(mut arguments: lexopt::Parser) -> Result<Option<Options>> {
    let mut options = Options {
        only: letters().collect(),
        runs: RunCounts {
            library: 3,
            cold: 1,
        },
        style: Style::Text,
    };
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("only") => options.only = only(&arguments.value()?.string()?)?,
            Long("runs") => options.runs.library = run_count("--runs", &mut arguments)?,
            Long("cold-runs") => options.runs.cold = run_count("--cold-runs", &mut arguments)?,
            Long("markdown") => options.style = Style::Markdown,
            Short('h') | Long("help") => return Ok(None),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Some(options))
}

fn letters() -> impl Iterator<Item = char> {
    MEASURED_CRATES.iter().map(|krate| krate.letter)
}

fn only(list: &str) -> Result<Vec<char>> {
    list.split(',')
        .map(|name| {
            letters()
                .find(|letter| name == letter.to_string())
                .with_context(|| format!("--only: expected a, b, c or d, found `{name}`"))
        })
        .collect()
}

fn run_count(option: &str, arguments: &mut lexopt::Parser) -> Result<usize> {
    let text = arguments.value()?.string()?;
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => bail!("{option}: expected a positive integer, found `{text}`"),
    }
}

/// Measures the selected crates. If one cannot be measured, its row contains the reason and the
/// others are still measured.
fn rows(checkout: &TempCheckout, options: &Options) -> Vec<Row> {
    MEASURED_CRATES
        .iter()
        .filter(|krate| options.only.contains(&krate.letter))
        .map(|krate| {
            eprintln!("{}", krate.title());
            let outcome = checkout
                .prepare(krate)
                .and_then(|prepared| prepared.measure(options.runs));
            Row::new(krate, outcome)
        })
        .collect()
}

/// Fails if a crate built from this project could not be measured. The one from the registry may be
/// unavailable; its row contains the reason.
fn fail_if_unmeasured(rows: &[Row]) -> Result<()> {
    match rows.iter().find(|row| row.failed() && row.letter != 'd') {
        Some(row) => bail!("{}: not measured", row.title),
        None => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Option<Options>> {
        parse_options(lexopt::Parser::from_args(arguments))
    }

    fn problem(arguments: &[&str]) -> String {
        parse(arguments).unwrap_err().to_string()
    }

    #[test]
    fn everything_is_measured_by_default() {
        let options = parse(&[]).unwrap().unwrap();
        assert!(
            ['a', 'b', 'c', 'd']
                .iter()
                .all(|letter| options.only.contains(letter))
        );
        assert_eq!(
            options.runs,
            RunCounts {
                library: 3,
                cold: 1
            }
        );
        assert_eq!(options.style, Style::Text);
    }

    #[test]
    fn every_option_is_parsed() {
        let options = parse(&[
            "--only",
            "a,c",
            "--runs=5",
            "--cold-runs",
            "2",
            "--markdown",
        ]);
        let expected = Options {
            only: vec!['a', 'c'],
            runs: RunCounts {
                library: 5,
                cold: 2,
            },
            style: Style::Markdown,
        };
        assert_eq!(options.unwrap(), Some(expected));
    }

    #[test]
    fn help_ignores_the_options_after_it() {
        assert_eq!(parse(&["--help", "--nonsense"]).unwrap(), None);
        assert_eq!(parse(&["-h"]).unwrap(), None);
    }

    #[test]
    fn invalid_option_is_named_in_the_error() {
        assert_eq!(
            problem(&["--only", "a,e"]),
            "--only: expected a, b, c or d, found `e`"
        );
        assert_eq!(
            problem(&["--only", ""]),
            "--only: expected a, b, c or d, found ``"
        );
        assert_eq!(
            problem(&["--runs", "0"]),
            "--runs: expected a positive integer, found `0`"
        );
        assert_eq!(
            problem(&["--cold-runs", "two"]),
            "--cold-runs: expected a positive integer, found `two`"
        );
        assert!(problem(&["--fast"]).contains("--fast"));
    }

    #[test]
    fn only_unmeasured_crates_of_this_project_are_failures() {
        let failed = |letter| {
            let krate = MEASURED_CRATES
                .iter()
                .find(|krate| krate.letter == letter)
                .unwrap();
            [Row::new(krate, Err(anyhow::anyhow!("no network")))]
        };
        assert!(fail_if_unmeasured(&failed('d')).is_ok());
        let error = fail_if_unmeasured(&failed('b')).unwrap_err().to_string();
        assert!(error.ends_with("one area: not measured"), "{error}");
    }
}
