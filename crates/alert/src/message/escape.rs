//! Making characters visible that would otherwise act on the reader's screen.

use std::fmt::Write;

/// Whether `c` moves the cursor, turns text around, or cannot be seen.
pub(crate) fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' // zero width, left-to-right and right-to-left marks
            | '\u{2028}'..='\u{202e}' // line separators, bidi embeddings and overrides
            | '\u{2060}'..='\u{206f}' // invisible operators, bidi isolates
            | '\u{fe00}'..='\u{fe0f}' // variation selectors
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}' // tags
        )
}

/// `text` on one line, with every acting character spelled out, such as `\n` or `\u{202e}`.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if acts(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

/// `text` as printable ASCII, at most `max` characters; others become `?`.
pub(crate) fn ascii(text: &str, max: usize) -> String {
    text.chars().map(|c| if matches!(c, ' '..='~') { c } else { '?' }).take(max).collect()
}

/// JSON that means the same, with every acting character inside its strings spelled out.
pub(crate) fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if !acts(c) {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            write!(out, "\\u{unit:04x}").expect("a String takes all");
        }
    }
    out
}
