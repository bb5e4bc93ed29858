//! What people and scripts read: the one place that writes to the terminal.

/// One line on standard output. A reader that went away is no error.
pub(crate) fn line(text: &str) {
    use std::io::Write;
    let mut out = anstream::stdout().lock();
    // `trailhound … | head` closes the pipe: what is not read need not be written.
    if writeln!(out, "{text}").and_then(|()| out.flush()).is_err() {
        tracing::debug!("Nobody reads standard output");
    }
}

/// Lines on standard output as they are, all together. An error where nobody reads them.
pub(crate) fn bytes(lines: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    out.write_all(lines)?;
    out.flush()
}

/// One JSON object a line on standard output.
pub(crate) fn json<T: serde::Serialize>(value: &T) {
    line(&serde_json::to_string(value).expect("output is made of plain structures"));
}

/// An error on standard error.
pub(crate) fn error(text: &str) {
    anstream::eprintln!("trailhound: {text}");
}

/// Text of records, made safe for a terminal: control characters and direction marks are shown as
/// escapes, so that no record can move the cursor, hide text or forge lines.
pub(crate) fn safe(text: &str) -> String {
    let hostile = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if hostile(c) {
            safe.extend(c.escape_unicode());
        } else {
            safe.push(c);
        }
    }
    safe
}

/// Bold on a terminal, plain elsewhere.
pub(crate) fn bold(text: &str) -> String {
    format!("\x1b[1m{text}\x1b[0m")
}

/// Dim on a terminal, plain elsewhere.
pub(crate) fn dim(text: &str) -> String {
    format!("\x1b[2m{text}\x1b[0m")
}

/// Green on a terminal, plain elsewhere.
pub(crate) fn good(text: &str) -> String {
    format!("\x1b[32m{text}\x1b[0m")
}

/// Rows in columns, the head first; the last column is not padded.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(head.get(column).map(|cell| cell.chars().count())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let row = |cells: Vec<&str>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    line(&bold(&row(head.to_vec())));
    for cells in rows {
        line(&row(cells.iter().map(String::as_str).collect()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_records_cannot_command_the_terminal() {
        assert_eq!(safe("a\x1b[31mb\nc\u{202e}d"), "a\\u{1b}[31mb\\u{a}c\\u{202e}d");
        assert_eq!(safe("plain ünïcode"), "plain ünïcode");
    }
}
