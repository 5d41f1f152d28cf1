//! `cargo xtask cost`: what the crate costs those who build it, beside its alternatives.
//!
//! Every crate is built in a temporary folder, so that neither the project nor its target folder
//! changes. Progress goes to standard error, the table to standard output.

mod cargo;
mod copy;
mod figures;
mod machine;
mod measure;
mod plain;
mod subject;
mod table;

use std::path::Path;

use anyhow::{Context, Result, bail};
use lexopt::prelude::{Long, Short, ValueExt};

use figures::{Conditions, Row, Style};
use machine::Machine;
use measure::Repeats;
use subject::{SUBJECTS, Workshop};

const HELP: &str = "\
Usage: cargo xtask cost [--only LIST] [--runs N] [--cold-runs N] [--markdown]

Measures generated lines, seconds of `cargo check` and of a debug build of the crate alone, the size
of its rlib, and the seconds of a cold debug build with its dependencies, for
  a  this crate with default features
  b  this crate with one area
  c  what progenitor alone makes of the same document, in builder and in positional style
  d  portkey-sdk
Takes about a quarter of an hour. Close everything else first.

Options:
  --only LIST    Measure these alone (`a,c`)
  --runs N       Measure each figure of the crate alone N times and print the median (default: 3)
  --cold-runs N  The same for the cold build (default: 1)
  --markdown     Print the table as Markdown, as in the README
  -h, --help     Print this
";

/// What the maintainer asked for.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    only: Vec<char>,
    repeats: Repeats,
    style: Style,
}

/// Runs the command with what stands behind its name.
pub fn run(root: &Path, arguments: lexopt::Parser) -> Result<()> {
    let Some(options) = options(arguments)? else {
        print!("{HELP}");
        return Ok(());
    };
    let machine = Machine::here()?;
    let workshop = Workshop::new(root, &machine.host)?;
    let conditions = Conditions {
        machine,
        repeats: options.repeats,
        operations: workshop.operations()?,
    };
    let rows = rows(&workshop, &options);
    print!("{}", figures::report(&rows, &conditions, options.style));
    complain(&rows)
}

/// The options, or nothing where help was asked for.
fn options(mut arguments: lexopt::Parser) -> Result<Option<Options>> {
    let mut options = Options {
        only: letters().collect(),
        repeats: Repeats { alone: 3, cold: 1 },
        style: Style::Text,
    };
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("only") => options.only = only(&arguments.value()?.string()?)?,
            Long("runs") => options.repeats.alone = repeats("--runs", &mut arguments)?,
            Long("cold-runs") => options.repeats.cold = repeats("--cold-runs", &mut arguments)?,
            Long("markdown") => options.style = Style::Markdown,
            Short('h') | Long("help") => return Ok(None),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Some(options))
}

fn letters() -> impl Iterator<Item = char> {
    SUBJECTS.iter().map(|subject| subject.letter)
}

fn only(list: &str) -> Result<Vec<char>> {
    list.split(',')
        .map(|name| {
            letters()
                .find(|letter| name == letter.to_string())
                .with_context(|| format!("--only: `{name}` is none of a, b, c, d"))
        })
        .collect()
}

fn repeats(option: &str, arguments: &mut lexopt::Parser) -> Result<usize> {
    let text = arguments.value()?.string()?;
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => bail!("{option}: `{text}` is not a number of runs"),
    }
}

/// Measures what was asked for. What cannot be measured says so in its row; the others go on.
fn rows(workshop: &Workshop, options: &Options) -> Vec<Row> {
    SUBJECTS
        .iter()
        .filter(|subject| options.only.contains(&subject.letter))
        .map(|subject| {
            eprintln!("{}", subject.title());
            let outcome = workshop
                .prepare(subject)
                .and_then(|bench| bench.measure(options.repeats));
            Row::new(subject, outcome)
        })
        .collect()
}

/// Fails where a crate of ours could not be measured. The one from the registry may be out of
/// reach; its row says so.
fn complain(rows: &[Row]) -> Result<()> {
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
        options(lexopt::Parser::from_args(arguments))
    }

    fn problem(arguments: &[&str]) -> String {
        parse(arguments).unwrap_err().to_string()
    }

    #[test]
    fn by_default_everything_is_measured() {
        let options = parse(&[]).unwrap().unwrap();
        assert!(
            ['a', 'b', 'c', 'd']
                .iter()
                .all(|letter| options.only.contains(letter))
        );
        assert_eq!(options.repeats, Repeats { alone: 3, cold: 1 });
        assert_eq!(options.style, Style::Text);
    }

    #[test]
    fn every_option_is_read() {
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
            repeats: Repeats { alone: 5, cold: 2 },
            style: Style::Markdown,
        };
        assert_eq!(options.unwrap(), Some(expected));
    }

    #[test]
    fn help_wins_over_what_follows() {
        assert_eq!(parse(&["--help", "--nonsense"]).unwrap(), None);
        assert_eq!(parse(&["-h"]).unwrap(), None);
    }

    #[test]
    fn bad_options_are_named() {
        assert_eq!(
            problem(&["--only", "a,e"]),
            "--only: `e` is none of a, b, c, d"
        );
        assert_eq!(problem(&["--only", ""]), "--only: `` is none of a, b, c, d");
        assert_eq!(
            problem(&["--runs", "0"]),
            "--runs: `0` is not a number of runs"
        );
        assert_eq!(
            problem(&["--cold-runs", "two"]),
            "--cold-runs: `two` is not a number of runs"
        );
        assert!(problem(&["--fast"]).contains("--fast"));
    }

    #[test]
    fn only_a_crate_of_ours_that_was_not_measured_is_a_failure() {
        let failed = |letter| {
            let subject = SUBJECTS
                .iter()
                .find(|subject| subject.letter == letter)
                .unwrap();
            [Row::new(subject, Err(anyhow::anyhow!("no network")))]
        };
        assert!(complain(&failed('d')).is_ok());
        let error = complain(&failed('b')).unwrap_err().to_string();
        assert!(error.ends_with("one area: not measured"), "{error}");
    }
}
