//! `docs/rules.md` says what is shipped: its text is made here, from the rules alone.

use std::fmt::Write;

use flow::Level;
use rule::{Rule, RuleSet};

const HEAD: &str = "\
# The rules that come with Trailhound

Sigma rules for CloudTrail, written for Trailhound from public facts, compiled into the executable and used wherever no
`--rules` are given. Each stands in [`rules/`](../rules) with a description, references, notes on false positives, and a
file of records that it must and must not match. `trailhound rules export DIR` writes them to a folder, to be changed
there and used in place of these. `trailhound rules test` tries them on their records.

The levels say what to do with a finding: **critical** is worth waking somebody, **high** a prompt look, **medium** a look,
**low** is for reading, **informational** tells of something together with other events.

A test makes this page from the rules. When it fails, its message names the new text, to be copied here.
";

/// The levels, the gravest first, as headings.
const LEVELS: [(Level, &str); 5] = [
    (Level::Critical, "Critical"),
    (Level::High, "High"),
    (Level::Medium, "Medium"),
    (Level::Low, "Low"),
    (Level::Informational, "Informational"),
];

#[test]
fn the_catalogue_lists_what_is_shipped() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/rules.md");
    let made = concat!(env!("CARGO_TARGET_TMPDIR"), "/rules.md");
    let text = catalogue(&RuleSet::shipped());
    if std::fs::read_to_string(page).is_ok_and(|there| there == text) {
        return;
    }
    std::fs::write(made, text).unwrap();
    panic!("docs/rules.md does not list the shipped rules as they are: cp {made} docs/rules.md");
}

fn catalogue(rules: &RuleSet) -> String {
    let mut text = HEAD.to_owned();
    for (level, heading) in LEVELS {
        let mut rows: Vec<&Rule> = rules.rules().filter(|rule| rule.level() == level).collect();
        rows.sort_by_key(|rule| rule.title());
        let (count, noun) = (rows.len(), if rows.len() == 1 { "rule" } else { "rules" });
        write!(text, "\n## {heading}: {count} {noun}\n\n").unwrap();
        text.push_str("| rule | tactics | techniques | file |\n|---|---|---|---|\n");
        for rule in rows {
            let (techniques, tactics): (Vec<&str>, Vec<&str>) = rule
                .tags()
                .iter()
                .filter_map(|tag| tag.strip_prefix("attack."))
                .partition(|tag| tag.strip_prefix('t').is_some_and(is_number));
            let techniques: Vec<String> = techniques.into_iter().map(technique).collect();
            writeln!(
                text,
                "| {} | {} | {} | [`{file}`](../rules/{file}) |",
                rule.title(),
                tactics.join(", "),
                techniques.join(", "),
                file = rule.file(),
            )
            .unwrap();
        }
    }
    text
}

fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

/// A technique of ATT&CK as a link to its page.
fn technique(tag: &str) -> String {
    let id = tag.to_uppercase();
    format!("[{id}](https://attack.mitre.org/techniques/{}/)", id.replace('.', "/"))
}
