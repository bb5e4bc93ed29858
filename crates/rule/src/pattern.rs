//! Text with wildcards, matched as Sigma means it.

use std::fmt;

/// A piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// This text.
    Text(String),
    /// `?`: one character.
    One,
    /// `*`: any number of characters.
    Many,
}

/// What a whole text must look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    marks: Vec<Mark>,
    cased: bool,
    /// As its author wrote it, for people.
    written: String,
    /// The same where it is ASCII with wildcards at its ends only, as nearly all are.
    simple: Option<Simple>,
}

/// An ASCII text, in lower case unless it is cased, and whether more may stand around it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Simple {
    text: Vec<u8>,
    before: bool,
    behind: bool,
}

/// A text that several patterns are tried on.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'t> {
    text: &'t str,
    is_ascii: bool,
}

impl<'t> Subject<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, is_ascii: text.is_ascii() }
    }

    /// Whether the whole of it fits `pattern`.
    pub(crate) fn fits(self, pattern: &Pattern) -> bool {
        // Folding takes no character of ASCII out of ASCII, so bytes can be compared.
        match &pattern.simple {
            Some(simple) if self.is_ascii => simple.fits(self.text.as_bytes(), pattern.cased),
            _ => pattern.fits_step_by_step(self.text),
        }
    }
}

impl Simple {
    fn of(marks: &[Mark]) -> Option<Self> {
        let (before, marks) = match marks {
            [Mark::Many, marks @ ..] => (true, marks),
            marks => (false, marks),
        };
        let (behind, marks) = match marks {
            [marks @ .., Mark::Many] => (true, marks),
            marks => (false, marks),
        };
        let byte = |mark: &Mark| match mark {
            Mark::Char(c) if c.is_ascii() => u8::try_from(*c).ok(),
            _ => None,
        };
        let text = marks.iter().map(byte).collect::<Option<Vec<u8>>>()?;
        Some(Self { text, before, behind })
    }

    /// Whether the text stands somewhere in `text`.
    fn is_in(&self, text: &[u8], same: impl Fn(&[u8]) -> bool) -> bool {
        let Some(first) = self.text.first() else { return true };
        let length = self.text.len();
        // Looking for the first letter alone is fast, and leaves few places.
        memchr::memchr2_iter(first.to_ascii_lowercase(), first.to_ascii_uppercase(), text)
            .any(|at| text.get(at..at + length).is_some_and(&same))
    }

    /// Whether an ASCII text fits.
    fn fits(&self, text: &[u8], cased: bool) -> bool {
        let same = |part: &[u8]| {
            if cased { part == self.text } else { part.eq_ignore_ascii_case(&self.text) }
        };
        let length = self.text.len();
        let start = || text.get(..length).is_some_and(same);
        let end = || text.len().checked_sub(length).and_then(|at| text.get(at..)).is_some_and(same);
        match (self.before, self.behind) {
            (false, false) => text.len() == length && same(text),
            (false, true) => start(),
            (true, false) => end(),
            (true, true) => self.is_in(text, same),
        }
    }
}

/// One step of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Char(char),
    One,
    Many,
}

impl Pattern {
    /// A pattern of these pieces; without `cased`, upper and lower case are the same.
    pub(crate) fn new(pieces: impl IntoIterator<Item = Piece>, cased: bool) -> Self {
        let mut marks = Vec::new();
        let mut written = String::new();
        for piece in pieces {
            match &piece {
                Piece::Text(text) => written.push_str(&escaped(text)),
                Piece::One => written.push('?'),
                Piece::Many => written.push('*'),
            }
            match piece {
                Piece::Text(text) => marks.extend(folded(&text, cased).map(Mark::Char)),
                Piece::One => marks.push(Mark::One),
                // Two in a row say no more than one.
                Piece::Many if marks.last() == Some(&Mark::Many) => {}
                Piece::Many => marks.push(Mark::Many),
            }
        }
        let simple = Simple::of(&marks);
        Self { marks, cased, written, simple }
    }

    /// The text that it is in any case, in lower case, where that is ASCII letters only.
    pub(crate) fn letters(&self) -> Option<String> {
        let simple = self.simple.as_ref()?;
        let is_letters = simple.text.iter().all(u8::is_ascii_lowercase);
        (!self.cased && !simple.before && !simple.behind && is_letters)
            .then(|| String::from_utf8(simple.text.clone()).ok())?
    }

    /// Whether the whole of `text` fits.
    ///
    /// Each `*` takes as little as it can, and only the last one met is ever tried again: a longer
    /// bite of an earlier one could not help. So the time is at most pattern times text.
    pub(crate) fn fits(&self, text: &str) -> bool {
        Subject::new(text).fits(self)
    }

    fn fits_step_by_step(&self, text: &str) -> bool {
        let text: Vec<char> = folded(text, self.cased).collect();
        let (mut at, mut read) = (0, 0);
        // Where to go on when the last `*` has to take one character more.
        let mut again: Option<(usize, usize)> = None;
        loop {
            let step = match (self.marks.get(at), text.get(read)) {
                (None, None) => return true,
                (Some(Mark::Many), _) => {
                    again = Some((at + 1, read));
                    at += 1;
                    continue;
                }
                (Some(Mark::One), Some(_)) => true,
                (Some(Mark::Char(wanted)), Some(found)) => wanted == found,
                _ => false,
            };
            if step {
                (at, read) = (at + 1, read + 1);
            } else {
                match again {
                    Some((after, from)) if from < text.len() => {
                        again = Some((after, from + 1));
                        (at, read) = (after, from + 1);
                    }
                    _ => return false,
                }
            }
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An empty text would not be seen.
        f.write_str(if self.written.is_empty() { "''" } else { &self.written })
    }
}

/// A text in which no character is a wildcard.
fn escaped(text: &str) -> String {
    text.replace('*', "\\*").replace('?', "\\?")
}

/// The characters to compare: as they are, or each folded, whatever stands around it.
pub(crate) fn folded(text: &str, cased: bool) -> impl Iterator<Item = char> {
    text.chars().map(move |c| if cased { c } else { fold(c) })
}

/// Whether two texts are the same but for upper and lower case.
pub(crate) fn same_folded(a: &str, b: &str) -> bool {
    folded(a, false).eq(folded(b, false))
}

/// What capitals do not tell: the Turkish `ı`, whose capital is `I`, is yet no `i`, and three characters
/// have no single capital but a twin.
const EXCEPTIONS: [(char, char); 4] = [
    ('\u{131}', '\u{131}'),
    ('\u{1fd3}', '\u{390}'),
    ('\u{1fe3}', '\u{3b0}'),
    ('\u{fb05}', '\u{fb06}'),
];

/// The character that stands for all that differ from it by case alone: Unicode's simple case
/// folding, one character for one, so that no text changes its count of characters.
///
/// `Σ`, `σ` and `ς` are the same, as are `K` and the Kelvin sign, `S` and the long `ſ`, `ẞ` and `ß`.
/// `ß` is not `ss`, and the dotted `İ` is neither `i` nor `I`: these fold to several characters, or
/// in Turkish only.
pub(crate) fn fold(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    if let Some((_, folded)) = EXCEPTIONS.iter().find(|(exception, _)| *exception == c) {
        return *folded;
    }
    // Upper case first: `ς` and `σ` are both small, and have one capital. A character whose other
    // case is several has none here.
    let only = |cases: &mut dyn Iterator<Item = char>, c: char| match (cases.next(), cases.next()) {
        (Some(one), None) => one,
        _ => c,
    };
    let upper = only(&mut c.to_uppercase(), c);
    only(&mut upper.to_lowercase(), upper)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn check(pieces: &[Piece], cased: bool, fit: &[&str], unfit: &[&str]) {
        let pattern = Pattern::new(pieces.to_vec(), cased);
        for text in fit {
            assert!(pattern.fits(text), "{pieces:?} fits {text}");
        }
        for text in unfit {
            assert!(!pattern.fits(text), "{pieces:?} does not fit {text}");
        }
    }

    fn text(text: &str) -> Piece {
        Piece::Text(text.to_owned())
    }

    #[test]
    fn a_plain_pattern_is_the_whole_text_in_any_case() {
        check(&[text("Root")], false, &["root", "ROOT"], &["", "roo", "roots"]);
        check(&[text("Root")], true, &["Root"], &["root"]);
        check(&[], false, &[""], &["a"]);
        check(&[text("ÄÖ")], false, &["äö", "Äö"], &["ao"]);
    }

    #[test]
    fn wildcards_take_what_they_need() {
        use Piece::{Many, One};
        check(&[Many, text("b"), One, Many, text("d")], false, &["abcd", "bbxbyd", "bxd"], &["bd"]);
        check(&[Many], false, &["", "x"], &[]);
        check(&[One], false, &["x", "é"], &["", "xy"]);
        check(&[text("a"), Many, text("ab")], false, &["aab", "a-aab"], &["ab", "aabb"]);
    }

    #[test]
    fn a_long_text_of_near_misses_ends_soon() {
        let pieces: Vec<_> = std::iter::repeat_n([Piece::Many, text("a")], 30).flatten().collect();
        let pattern = Pattern::new(pieces.into_iter().chain([text("b")]), false);
        assert!(!pattern.fits(&"a".repeat(5000)));
    }

    #[test]
    fn case_folds_one_character_to_one() {
        for (a, b, same) in [
            ("ΣΑΣ", "σας", true),
            ("\u{212a}ms", "kms", true),
            ("\u{17f}3", "S3", true),
            ("STRA\u{1e9e}E", "straße", true),
            ("straße", "strasse", false),
            ("\u{130}", "i", false),
            ("\u{130}", "\u{131}", false),
            ("\u{131}", "I", false),
            ("\u{b5}", "\u{3bc}", true),
            ("\u{fb01}", "fi", false),
        ] {
            assert_eq!(same_folded(a, b), same, "{a} {b}");
        }
    }

    /// The regular expressions' library folds by Unicode's table; ours is worked out.
    #[test]
    fn case_folds_as_unicodes_simple_table_says() {
        let has_case = |c: &char| {
            !c.to_lowercase().eq(std::iter::once(*c)) || !c.to_uppercase().eq(std::iter::once(*c))
        };
        // The standard library may know characters of a newer Unicode.
        let known = regex::Regex::new(r"\P{Cn}").unwrap();
        let known = |c: &char| known.is_match(c.encode_utf8(&mut [0; 4]));
        let cased: Vec<char> = (char::MIN..=char::MAX).filter(has_case).filter(known).collect();
        let text: String = cased.iter().collect();
        let mut ours: BTreeMap<char, String> = BTreeMap::new();
        for c in &cased {
            ours.entry(fold(*c)).or_default().push(*c);
        }
        assert!(ours.len() > 1_000, "{}", ours.len());
        for (folded, alike) in ours {
            // A character that folds to one without case is alike to that one alone.
            let pattern = format!("(?i){}", regex::escape(&folded.to_string()));
            let regex = regex::Regex::new(&pattern).unwrap();
            let theirs: String = regex.find_iter(&text).map(|found| found.as_str()).collect();
            assert_eq!(alike, theirs, "{folded:?} {:x}", u32::from(folded));
        }
    }

    proptest::proptest! {
        #[test]
        fn the_short_way_is_the_long_way(
            text in "[abAB]{0,6}",
            pattern in "[*]?[abAB]{0,3}[*]?",
            cased in proptest::prelude::any::<bool>(),
        ) {
            let inner = pattern.trim_matches('*');
            let pieces = [
                pattern.starts_with('*').then_some(Piece::Many),
                Some(self::text(inner)),
                (pattern.len() > 1 && pattern.ends_with('*')).then_some(Piece::Many),
            ];
            let pattern = Pattern::new(pieces.into_iter().flatten(), cased);
            proptest::prop_assert!(pattern.simple.is_some());
            proptest::prop_assert_eq!(pattern.fits(&text), pattern.fits_step_by_step(&text));
        }

        #[test]
        fn contains_is_what_the_standard_library_says(hay in "[ab]{0,12}", needle in "[ab]{0,4}") {
            let pattern = Pattern::new([Piece::Many, text(&needle), Piece::Many], true);
            proptest::prop_assert_eq!(pattern.fits(&hay), hay.contains(&needle));
        }
    }
}
