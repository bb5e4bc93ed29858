//! Findings as lines of JSON, exactly as they stand in their objects.

use std::{io, ops::ControlFlow};

use detect::Found;
use scan::Sink;

use crate::output;

/// How many bytes are held back, so that findings are written many at a time.
const BUFFER_BYTES: usize = 64 * 1024;

/// Where one thread's findings go.
pub(crate) struct Findings {
    lines: Vec<u8>,
    is_shown: bool,
    is_closed: bool,
}

impl Findings {
    /// To standard output, one a line, lines of all threads one after another.
    pub(crate) fn on_stdout() -> Self {
        Self { is_shown: true, ..Self::unseen() }
    }

    /// Nowhere: the report is enough.
    pub(crate) fn unseen() -> Self {
        Self { lines: Vec::new(), is_shown: false, is_closed: false }
    }

    fn write(&mut self) {
        if !self.lines.is_empty() && !self.is_closed {
            // Whoever reads may have seen enough, as `head` has: that is no error.
            self.is_closed = output::bytes(&self.lines).is_err();
        }
        self.lines.clear();
    }
}

impl Sink for Findings {
    fn found(&mut self, object: &str, found: &Found<'_>) -> ControlFlow<()> {
        if !self.is_shown {
            return ControlFlow::Continue(());
        }
        line(&mut self.lines, object, found.rule.reference(), found.record)
            .expect("memory takes all that is written");
        if self.lines.len() >= BUFFER_BYTES {
            return self.flush();
        }
        ControlFlow::Continue(())
    }

    fn flush(&mut self) -> ControlFlow<()> {
        self.write();
        if self.is_closed { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// `{"rule":{…},"record":{…},"object":"…"}`, the record as it is but for line breaks between its
/// members.
fn line(
    into: &mut Vec<u8>,
    object: &str,
    rule: &flow::RuleRef,
    record: &[u8],
) -> Result<(), io::Error> {
    into.extend_from_slice(br#"{"rule":"#);
    serde_json::to_writer(&mut *into, rule)?;
    into.extend_from_slice(br#","record":"#);
    // Inside of strings JSON has no line break as such.
    for part in record.split(|byte| matches!(byte, b'\n' | b'\r')) {
        into.extend_from_slice(part);
    }
    into.extend_from_slice(br#","object":"#);
    serde_json::to_writer(&mut *into, object)?;
    into.extend_from_slice(b"}\n");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_holds_the_record_as_it_stands() {
        let rule = flow::RuleRef {
            id: "1".to_owned(),
            title: "A \"rule\"".to_owned(),
            level: flow::Level::High,
        };
        let check = |record: &str, wanted: &str| {
            let mut text = Vec::new();
            line(&mut text, "a\nb.json", &rule, record.as_bytes()).unwrap();
            let wanted = format!(
                "{{\"rule\":{{\"id\":\"1\",\"title\":\"A \\\"rule\\\"\",\"level\":\"high\"}},\"record\":{wanted},\"object\":\"a\\nb.json\"}}\n"
            );
            assert_eq!(String::from_utf8(text).unwrap(), wanted);
        };
        check(r#"{"a" : 1.0, "a":"\u0061"}"#, r#"{"a" : 1.0, "a":"\u0061"}"#);
        check("{\r\n  \"a\": \"\\n\"\n}", "{  \"a\": \"\\n\"}");
    }
}
