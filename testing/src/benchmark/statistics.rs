//! Medians, quartiles and ratios.

/// Returns the lower quartile, the median and the upper quartile.
pub fn quartiles(values: impl Iterator<Item = f64>) -> [f64; 3] {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| values[(values.len() - 1) * quarter / 4])
}

/// Returns the median.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    quartiles(values)[1]
}

/// Formats the median and the quartiles of ratios.
pub fn ratio(ratios: impl Iterator<Item = f64>) -> String {
    let [low, median, high] = quartiles(ratios);
    format!("{median:.3} ({low:.3}–{high:.3})")
}
