//! Text with wildcards, matched as Sigma means it.

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
        for piece in pieces {
            match piece {
                Piece::Text(text) => marks.extend(folded(&text, cased).map(Mark::Char)),
                Piece::One => marks.push(Mark::One),
                // Two in a row say no more than one.
                Piece::Many if marks.last() == Some(&Mark::Many) => {}
                Piece::Many => marks.push(Mark::Many),
            }
        }
        Self { marks, cased }
    }

    /// Whether the whole of `text` fits.
    ///
    /// Each `*` takes as little as it can, and only the last one met is ever tried again: a longer
    /// bite of an earlier one could not help. So the time is at most pattern times text.
    pub(crate) fn fits(&self, text: &str) -> bool {
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

/// The characters to compare: as they are, or each in lower case, whatever stands around it.
pub(crate) fn folded(text: &str, cased: bool) -> impl Iterator<Item = char> {
    text.chars().flat_map(move |c| {
        let lower = (!cased).then(|| c.to_lowercase());
        let same = cased.then_some(c);
        lower.into_iter().flatten().chain(same)
    })
}

#[cfg(test)]
mod tests {
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

    proptest::proptest! {
        #[test]
        fn contains_is_what_the_standard_library_says(hay in "[ab]{0,12}", needle in "[ab]{0,4}") {
            let pattern = Pattern::new([Piece::Many, text(&needle), Piece::Many], true);
            proptest::prop_assert_eq!(pattern.fits(&hay), hay.contains(&needle));
        }
    }
}
