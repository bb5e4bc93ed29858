//! What a benchmark prints: the one place that writes to the terminal.
#![expect(clippy::print_stdout, reason = "this is the way out")]

use serde_json::Value;

/// One line.
pub fn say(text: &str) {
    println!("{text}");
}

/// One JSON object on a line.
pub fn print_json(value: &Value) {
    println!("{value}");
}

/// Milliseconds as a cell; a dash where nothing was measured.
pub fn millis(value: f64) -> String {
    if value.is_nan() { "-".to_owned() } else { format!("{value:.1}") }
}

/// Rows in columns, the head first; the first column to the left, the others to the right.
pub fn print_table(head: &[&str], rows: &[Vec<String>]) {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(head.get(column).map(|cell| cell.chars().count())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let print = |cells: Vec<&str>| {
        let padded: Vec<String> = cells
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(column, (cell, width))| match column {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            })
            .collect();
        println!("{}", padded.join("  ").trim_end());
    };
    print(head.to_vec());
    for row in rows {
        print(row.iter().map(String::as_str).collect());
    }
}
