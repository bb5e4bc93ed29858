//! Text with `*` for any characters; `\*` and `\\` stand for themselves.

/// Stars in one pattern (SNS's limit).
const STARS_MAX: usize = 3;

/// The texts between the stars; always at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wildcard(Vec<String>);

impl Wildcard {
    /// Reads a pattern; an error says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (mut parts, mut part) = (Vec::new(), String::new());
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '*' if part.is_empty() && !parts.is_empty() => {
                    return Err("Consecutive wildcard characters are not allowed".to_owned());
                }
                '*' => parts.push(std::mem::take(&mut part)),
                '\\' => match letters.next() {
                    Some(escaped @ ('*' | '\\')) => part.push(escaped),
                    _ => return Err("Invalid escape character in a wildcard pattern".to_owned()),
                },
                plain => part.push(plain),
            }
        }
        parts.push(part);
        if parts.len() > STARS_MAX + 1 {
            return Err(format!("A pattern has at most {STARS_MAX} wildcards"));
        }
        Ok(Self(parts))
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        let Some((first, rest)) = self.0.split_first() else { return false };
        let Some((last, between)) = rest.split_last() else { return text == first };
        let Some(mut left) = text.strip_prefix(first.as_str()) else { return false };
        for part in between {
            // The first place is as good as any later one.
            match left.split_once(part.as_str()) {
                Some((_, after)) => left = after,
                None => return false,
            }
        }
        left.ends_with(last.as_str())
    }
}
