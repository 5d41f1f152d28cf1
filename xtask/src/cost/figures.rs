//! The measured figures, and their report: the table, the ratios and the targets.

use std::fmt;

use super::machine::Machine;
use super::measure::RunCounts;
use super::measured_crate::MeasuredCrate;
use super::table::Table;

const HEADER: [&str; 7] = [
    "",
    "lines",
    "generate s",
    "check s",
    "debug build s",
    "rlib MB",
    "cold build s",
];

const NOTES: &str = "\
lines: generated lines; for portkey-sdk, lines of its sources. generate: only the build script.
check, debug build: the crate without its build script, with its dependencies already built.
cold build: `cargo build` into an empty target folder, with all dependencies. No incremental builds.
Plain progenitor reads the lowered document of the admin areas, which includes names and rules for
tolerant decoding, because it cannot process the document that Portkey publishes. Its cold build does
not generate code.
";

/// Conditions of a run, needed to interpret its figures.
#[derive(Debug, Clone)]
pub struct Conditions {
    /// The machine.
    pub machine: Machine,
    /// Number of runs.
    pub runs: RunCounts,
    /// Number of operations in the crates (a) and (c).
    pub operations: usize,
}

/// Output format of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Aligned columns.
    Text,
    /// A table in Markdown.
    Markdown,
}

/// The figures of one crate; times are seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    /// Lines of generated code, or of sources where nothing was generated.
    pub lines: usize,
    /// The build script.
    pub generate: Option<f64>,
    /// `cargo check` of the crate without its dependencies.
    pub check: f64,
    /// A debug build of the crate without its dependencies.
    pub build: f64,
    /// The size of the library in bytes.
    pub rlib: u64,
    /// A debug build with all dependencies.
    pub cold: f64,
}

/// One crate in the table.
#[derive(Debug)]
pub struct Row {
    /// The letter used with `--only`.
    pub letter: char,
    /// The label in the table.
    pub title: String,
    outcome: Result<Figures, String>,
}

/// Ratios between two crates: the label of the row, and parts of the titles of the two.
const RATIOS: &[(&str, [&str; 2])] = &[
    ("(a) ÷ plain builder", ["(a)", "builder style"]),
    ("(a) ÷ plain positional", ["(a)", "positional style"]),
    ("(a) ÷ portkey-sdk", ["(a)", "(d)"]),
    ("(b) ÷ (a)", ["(b)", "(a)"]),
    ("(b) ÷ plain positional", ["(b)", "positional style"]),
    ("(b) ÷ portkey-sdk", ["(b)", "(d)"]),
];

impl fmt::Display for Conditions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RunCounts { library, cold } = self.runs;
        write!(
            out,
            "(a) and (c) have {} operations. Medians of {library} runs; cold build: {cold}. {}.",
            self.operations, self.machine
        )
    }
}

impl Row {
    /// Creates the row of a crate.
    pub fn new(krate: &MeasuredCrate, outcome: anyhow::Result<Figures>) -> Self {
        Self {
            letter: krate.letter,
            title: krate.title(),
            outcome: outcome.map_err(|error| format!("{error:#}")),
        }
    }

    /// Whether it could not be measured.
    pub fn failed(&self) -> bool {
        self.outcome.is_err()
    }

    fn cells(&self) -> Vec<String> {
        let mut cells = vec![self.title.clone()];
        match &self.outcome {
            Ok(figures) => cells.extend(figures.cells()),
            Err(_) => cells.push("not measured".to_owned()),
        }
        cells
    }
}

impl Figures {
    fn megabytes(&self) -> f64 {
        self.rlib as f64 / 1e6
    }

    /// Returns the figures in the order of the columns.
    fn values(&self) -> [Option<f64>; 6] {
        [
            Some(self.lines as f64),
            self.generate,
            Some(self.check),
            Some(self.build),
            Some(self.megabytes()),
            Some(self.cold),
        ]
    }

    fn cells(&self) -> Vec<String> {
        let tenths = |value: f64| format!("{value:.1}");
        vec![
            with_thousands_separators(self.lines),
            self.generate.map_or_else(dash, tenths),
            tenths(self.check),
            tenths(self.build),
            tenths(self.megabytes()),
            tenths(self.cold),
        ]
    }

    fn ratios(&self, other: &Self) -> Vec<String> {
        self.values()
            .into_iter()
            .zip(other.values())
            .map(|pair| match pair {
                (Some(ours), Some(theirs)) if theirs > 0.0 => format!("{:.2}", ours / theirs),
                _ => dash(),
            })
            .collect()
    }
}

/// Returns the whole output of the command.
pub fn report(rows: &[Row], conditions: &Conditions, style: Style) -> String {
    let mut table = Table::new(&HEADER);
    rows.iter().for_each(|row| table.push(row.cells()));
    for (name, pair) in RATIOS {
        if let [Some(ours), Some(theirs)] = pair.map(|name| figures_of(rows, name)) {
            let mut cells = vec![(*name).to_owned()];
            cells.extend(ours.ratios(theirs));
            table.push(cells);
        }
    }
    let table = match style {
        Style::Text => table.text(),
        Style::Markdown => table.markdown(),
    };
    format!(
        "{table}\n{}{}{NOTES}{}\n",
        failures(rows),
        targets(rows),
        conditions
    )
}

fn figures_of<'a>(rows: &'a [Row], name: &str) -> Option<&'a Figures> {
    rows.iter()
        .find(|row| row.title.contains(name))
        .and_then(|row| row.outcome.as_ref().ok())
}

/// Lists why rows have no figures.
fn failures(rows: &[Row]) -> String {
    rows.iter()
        .filter_map(|row| {
            let reason = row.outcome.as_ref().err()?;
            Some(format!("{}: not measured: {reason}\n", row.title))
        })
        .collect()
}

/// Lists which targets were met, as far as the measured rows allow.
fn targets(rows: &[Row]) -> String {
    let mut lines = String::new();
    let mut add = |target: &str, met: bool| {
        let result = if met { "met" } else { "missed" };
        lines += &format!("{result}: {target}\n");
    };
    let ours = figures_of(rows, "(a)");
    if let (Some(ours), Some(plain)) = (ours, figures_of(rows, "positional style")) {
        // The build script is left out because plain generation has none.
        let no_worse = [
            ours.lines <= plain.lines,
            ours.check <= plain.check,
            ours.build <= plain.build,
            ours.rlib <= plain.rlib,
            ours.cold <= plain.cold,
        ];
        add(
            "(a) no worse than plain positional in every figure",
            no_worse == [true; 5],
        );
    }
    if let (Some(all), Some(one)) = (ours, figures_of(rows, "(b)")) {
        add(
            "check of (b) at most a quarter of (a)'s",
            one.check * 4.0 <= all.check,
        );
    }
    if let (Some(ours), Some(peer)) = (ours, figures_of(rows, "(d)")) {
        add(
            "cold build of (a) at most 1.5 times (d)'s",
            ours.cold <= peer.cold * 1.5,
        );
    }
    lines
}

fn dash() -> String {
    "–".to_owned()
}

/// Formats `12345` as `12,345`.
fn with_thousands_separators(number: usize) -> String {
    let digits = number.to_string();
    let mut with_thousands_separators = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            with_thousands_separators.push(',');
        }
        with_thousands_separators.push(digit);
    }
    with_thousands_separators
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::measured_crate::MEASURED_CRATES;
    use super::*;

    fn figures(scale: f64) -> Figures {
        Figures {
            lines: (1000.0 * scale) as usize,
            generate: None,
            check: 2.0 * scale,
            build: 3.0 * scale,
            rlib: (4e6 * scale) as u64,
            cold: 10.0 * scale,
        }
    }

    /// Returns one row for each crate, with multiples of `figures(1.0)`.
    fn rows(scales: [f64; 5]) -> Vec<Row> {
        MEASURED_CRATES
            .iter()
            .zip(scales)
            .map(|(krate, scale)| Row::new(krate, Ok(figures(scale))))
            .collect()
    }

    fn conditions() -> Conditions {
        Conditions {
            machine: Machine {
                cores: 2,
                rustc: "rustc 1.95.0".into(),
                host: "somewhere".into(),
                load: None,
            },
            runs: RunCounts {
                library: 3,
                cold: 1,
            },
            operations: 160,
        }
    }

    #[test]
    fn thousands_are_separated_by_commas() {
        let cases = [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1234567, "1,234,567"),
        ];
        for (number, text) in cases {
            assert_eq!(with_thousands_separators(number), text);
        }
    }

    #[test]
    fn cells_are_in_the_order_of_the_columns() {
        let mut figures = figures(12.5);
        figures.generate = Some(0.44);
        let row = Row::new(&MEASURED_CRATES[0], Ok(figures));
        let expected = [
            "(a) portkey-admin, default features",
            "12,500",
            "0.4",
            "25.0",
            "37.5",
            "50.0",
            "125.0",
        ];
        assert_eq!(row.cells(), expected);
        assert_eq!(expected.len(), HEADER.len());
    }

    #[test]
    fn ratio_needs_the_figure_of_both_crates() {
        let expected = ["0.50", "–", "0.50", "0.50", "0.50", "0.50"];
        assert_eq!(figures(1.0).ratios(&figures(2.0)), expected);
    }

    #[test]
    fn every_ratio_is_reported_if_everything_was_measured() {
        let report = report(&rows([1.0; 5]), &conditions(), Style::Text);
        for (name, _) in RATIOS {
            assert!(report.contains(name), "{name}: {report}");
        }
        assert!(report.ends_with(
            "(a) and (c) have 160 operations. Medians of 3 runs; cold build: 1. \
             2 cores, rustc 1.95.0, somewhere.\n"
        ));
    }

    #[test]
    fn row_without_figures_has_a_reason_and_no_ratios() {
        let mut rows = rows([1.0; 5]);
        rows[4] = Row::new(
            &MEASURED_CRATES[4],
            Err(anyhow::anyhow!("cannot be resolved")),
        );
        let report = report(&rows, &conditions(), Style::Markdown);
        assert!(
            report.contains("| (d) portkey-sdk 0.2.0 | not measured |"),
            "{report}"
        );
        assert!(report.contains("(d) portkey-sdk 0.2.0: not measured: cannot be resolved"));
        assert!(!report.contains("÷ portkey-sdk"), "{report}");
        assert!(!report.contains("times (d)"), "{report}");
    }

    #[test]
    fn target_is_met_at_its_exact_bound() {
        let all_met = "met: (a) no worse than plain positional in every figure\n\
                       met: check of (b) at most a quarter of (a)'s\n\
                       met: cold build of (a) at most 1.5 times (d)'s\n";
        assert_eq!(targets(&rows([1.5, 0.375, 9.0, 1.5, 1.0])), all_met);
        let missed = targets(&rows([1.5, 0.376, 9.0, 1.49, 0.99]));
        assert_eq!(missed, all_met.replace("met:", "missed:"));
        assert_eq!(targets(&[]), "");
    }

    #[test]
    fn one_worse_figure_misses_the_target() {
        let mut rows = rows([1.0; 5]);
        let worse = Figures {
            rlib: 4_000_001,
            ..figures(1.0)
        };
        rows[0] = Row::new(&MEASURED_CRATES[0], Ok(worse));
        assert!(targets(&rows).starts_with("missed: (a) no worse"));
    }
}
