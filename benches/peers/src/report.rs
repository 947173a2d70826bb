//! Prints the figures as a Markdown table.

use std::fmt::Write;

use crate::measure::Spread;

/// One operation: ours in nanoseconds, then a cell for each of the others.
pub(crate) struct Row {
    pub(crate) operation: String,
    pub(crate) ours: Spread,
    pub(crate) others: Vec<Cell>,
}

/// The ratio of ours to another; the target is its upper limit.
pub(crate) enum Cell {
    NotOffered,
    Ratio {
        ratio: Spread,
        target: Option<f64>,
        /// Why the two are hard to compare.
        remark: Option<&'static str>,
    },
}

impl Cell {
    fn text(&self) -> String {
        let Self::Ratio { ratio: Spread { median, low, high }, target, remark } = self else {
            return "not offered".to_owned();
        };
        let mut text = format!("{median:.3} ({low:.3}–{high:.3})");
        // Writing to a string cannot fail.
        if let Some(target) = target {
            let met = if median <= target { '✓' } else { '✗' };
            let _ = write!(text, " ≤{target:.2} {met}");
        }
        if let Some(remark) = remark {
            let _ = write!(text, " {remark}");
        }
        text
    }
}

/// A row for each operation, a column for each contender.
pub(crate) fn table(ours: &str, others: &[&str], rows: &[Row]) -> String {
    let mut lines = vec![[&["operation".to_owned(), format!("{ours}, µs")], &names(others)[..]].concat()];
    lines.extend(rows.iter().map(|row| {
        let microseconds = format!("{:.2}", row.ours.median / 1e3);
        let cells = row.others.iter().map(Cell::text);
        [row.operation.clone(), microseconds].into_iter().chain(cells).collect()
    }));
    aligned(&lines)
}

fn names(others: &[&str]) -> Vec<String> {
    others.iter().map(|name| format!("÷ {name}")).collect()
}

/// The first line is the head.
fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column| {
        lines
            .iter()
            .filter_map(|line| line.get(column))
            .map(|cell: &String| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        for (cell, width) in line.iter().zip(&widths) {
            // Writing to a string cannot fail.
            let _ = write!(text, "| {cell:width$} ");
        }
        text.push_str("|\n");
        if index == 0 {
            for width in &widths {
                let _ = write!(text, "| {} ", "-".repeat(*width));
            }
            text.push_str("|\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_stands_beside_its_figure() {
        let ratio = Spread { median: 1.019, low: 1.0, high: 1.0456 };
        let text = |target, remark| Cell::Ratio { ratio, target, remark }.text();
        assert_eq!(text(None, None), "1.019 (1.000–1.046)");
        assert_eq!(text(Some(1.02), None), "1.019 (1.000–1.046) ≤1.02 ✓");
        assert_eq!(text(Some(1.0), Some("unblinded")), "1.019 (1.000–1.046) ≤1.00 ✗ unblinded");
        assert_eq!(Cell::NotOffered.text(), "not offered");
    }

    #[test]
    fn columns_line_up() {
        let ours = Spread { median: 1500.0, low: 0.0, high: 0.0 };
        let row = Row { operation: "sign ES512".to_owned(), ours, others: vec![Cell::NotOffered] };
        let expected = "| operation  | us, µs | ÷ them      |\n\
                        | ---------- | ------ | ----------- |\n\
                        | sign ES512 | 1.50   | not offered |\n";
        assert_eq!(table("us", &["them"], &[row]), expected);
    }
}
