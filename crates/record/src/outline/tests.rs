//! What a walk tells, on any processor and in any spelling.

use proptest::prelude::*;

use super::*;

/// An element as it was told: its range, the quotes of each anchor's hits, its escaped letters.
type Told = (Range<usize>, Vec<Vec<usize>>, bool);

fn anchors() -> [Anchor; 2] {
    [Anchor::of_key("eventName").unwrap(), Anchor::of_text("Type").unwrap()]
}

/// The hits that are in the element as a whole: a quote that ends its last string is none.
fn within(hits: &[usize], anchor: usize, range: &Range<usize>) -> Vec<usize> {
    let byte = |quote: &usize| quote + anchors()[anchor].length as usize;
    hits.iter().filter(|q| range.contains(q) && range.contains(&byte(q))).copied().collect()
}

fn gather(walk: impl FnOnce(&mut dyn FnMut(Element<'_>)) -> Walked) -> (Vec<Told>, End) {
    let mut told = Vec::new();
    let walked = walk(&mut |element| {
        let hits = (0..2).map(|a| within(element.hits_of(a), a, &element.range())).collect();
        told.push((element.range(), hits, element.escaped_letters));
    });
    (told, walked.end)
}

/// The same walk by every kind of lanes that this processor has.
fn walks(text: &[u8], from: usize, gap: Gap) -> Vec<(Vec<Told>, End)> {
    fn task<'a>(
        text: &'a [u8],
        from: usize,
        gap: Gap,
        each: &'a mut dyn FnMut(Element<'_>),
    ) -> Walk<'a, 2> {
        Walk { anchors: anchors(), text, from, gap, each }
    }
    let mut walks = vec![gather(|each| task(text, from, gap, each).run(portable::Portable))];
    #[cfg(target_arch = "x86_64")]
    {
        if let Some(simd) = pulp::x86::V3::try_new() {
            walks.push(gather(|each| task(text, from, gap, each).run(x86::Avx2(simd))));
        }
        if let Some(simd) = pulp::x86::V4::try_new() {
            walks.push(gather(|each| task(text, from, gap, each).run(x86::Avx512(simd))));
        }
    }
    walks.push(gather(|each| walk(text, from, gap, &anchors(), each)));
    walks
}

/// The first byte of a gap that separates nothing.
fn wrong_gap(gap: &[(usize, u8)], kind: Gap, is_first: bool, at: usize) -> Option<usize> {
    let mut commas = usize::from(kind == Gap::NextComma || kind == Gap::Comma && !is_first);
    for (index, byte) in gap {
        match byte {
            b',' if commas > 0 => commas -= 1,
            byte if is_space(*byte) => {}
            _ => return Some(*index),
        }
    }
    (commas > 0).then_some(at)
}

/// The same, a byte at a time.
fn plainly(text: &[u8], from: usize, gap: Gap) -> (Vec<Told>, End) {
    let anchors = anchors();
    let (mut told, mut depth, mut start, mut end) = (Vec::new(), 0_i64, from, from);
    let (mut inside, mut escaped, mut separators) = (false, false, Vec::new());
    let (mut hits, mut letters) = (vec![Vec::new(), Vec::new()], false);
    let mut quotes = Vec::new();
    for (at, byte) in text.iter().enumerate().skip(from) {
        let is_escaped = std::mem::take(&mut escaped);
        if *byte == b'\\' && !is_escaped {
            escaped = true;
            letters |= matches!(text.get(at + 1..at + 5), Some([b'u', b'0', b'0', b'4'..=b'7']));
        }
        let quote = *byte == b'"' && !is_escaped;
        if quote {
            for (hits, anchor) in hits.iter_mut().zip(&anchors) {
                let Some(opening) = at.checked_sub(anchor.length as usize) else { continue };
                if quotes.contains(&opening) && anchor.is(text[opening + anchor.offset as usize]) {
                    hits.push(opening);
                }
            }
            quotes.push(at);
            inside = !inside;
        }
        let outside = !inside && !quote;
        match byte {
            b'{' | b'[' if outside => {
                if depth == 0 {
                    if let Some(wrong) = wrong_gap(&separators, gap, end == from, at) {
                        return (told, End::Broken(wrong));
                    }
                    start = at;
                }
                depth += 1;
            }
            b'}' | b']' if outside => {
                depth -= 1;
                if depth == 0 {
                    end = at + 1;
                    let range = start..end;
                    let of_element = (0..2).map(|a| within(&hits[a], a, &range)).collect();
                    hits = vec![Vec::new(), Vec::new()];
                    told.push((range, of_element, std::mem::take(&mut letters)));
                    separators.clear();
                } else if depth < 0 {
                    let first = separators.iter().find(|(_, byte)| !is_space(*byte));
                    return match first {
                        Some((index, _)) => (told, End::Broken(*index)),
                        None if gap != Gap::Space && *byte == b']' => (told, End::Closed(at)),
                        None => (told, End::Broken(at)),
                    };
                }
            }
            _ if depth == 0 => separators.push((at, *byte)),
            _ => {}
        }
    }
    if depth > 0 {
        return (told, End::Within { after: end, start });
    }
    match separators.iter().find(|(_, byte)| !is_space(*byte)) {
        Some((index, byte)) if *byte != b',' || gap == Gap::Space => (told, End::Broken(*index)),
        _ => (told, End::Between(end)),
    }
}

fn check(text: &[u8], from: usize, gap: Gap) -> (Vec<Told>, End) {
    let expected = plainly(text, from, gap);
    for told in walks(text, from, gap) {
        assert_eq!(told, expected, "{}", String::from_utf8_lossy(text));
    }
    expected
}

#[test]
fn elements_are_told_with_the_keys_in_them() {
    let text = br#"[{"eventName":"A","x":{"type":"\"}{"}} , {"eventName":"B"},[1]]"#;
    let (told, end) = check(text, 1, Gap::Comma);
    let ranges: Vec<_> = told.iter().map(|(range, ..)| range.clone()).collect();
    assert_eq!(ranges, [1..38, 41..58, 59..62]);
    assert_eq!(told[0].1, [vec![2], vec![23]]);
    assert_eq!(end, End::Closed(62));
}

#[test]
fn lines_are_elements_too() {
    let (told, end) = check(b"{\"a\":1}\n{\"b\":[]}\r\n\n", 0, Gap::Space);
    assert_eq!(told.len(), 2);
    assert_eq!(end, End::Between(17 - 1));
}

#[test]
fn a_text_that_breaks_off_says_in_which_element() {
    assert_eq!(check(br#"{"a":1},{"b":"}"#, 0, Gap::Comma).1, End::Within { after: 7, start: 8 });
    assert_eq!(check(br#"{"a":1},"#, 0, Gap::Comma).1, End::Between(7));
}

#[test]
fn what_is_no_separator_is_told() {
    assert_eq!(check(br#"{"a":1}{"b":1}"#, 0, Gap::Comma).1, End::Broken(7));
    assert_eq!(check(br#"{"a":1},1,{"b":1}"#, 0, Gap::Comma).1, End::Broken(8));
    assert_eq!(check(br#"{"a":1},{"b":1}"#, 0, Gap::Space).1, End::Broken(7));
    assert_eq!(check(br#"{"a":1} x"#, 0, Gap::Space).1, End::Broken(8));
    assert_eq!(check(br#"{"a":1}}"#, 0, Gap::Comma).1, End::Broken(7));
}

#[test]
fn letters_written_as_escapes_are_told() {
    let letters = |text: &str| check(text.as_bytes(), 0, Gap::Comma).0[0].2;
    assert!(letters(r#"{"\u0065ventName":"x"}"#));
    assert!(!letters(r#"{"a":"\u003d \u2028 \\u0065"}"#));
}

#[test]
fn anchors_stand_on_bytes_that_are_seldom() {
    assert_eq!(
        Anchor::of_key("eventName"),
        Some(Anchor { length: 10, offset: 6, byte: b'N', blind: 0 })
    );
    assert_eq!(Anchor::of_key("type"), Some(Anchor { length: 5, offset: 2, byte: b'y', blind: 0 }));
    assert_eq!(Anchor::of_key(""), None);
    let root = Anchor::of_text("Root").unwrap();
    assert_eq!(root, Anchor { length: 5, offset: 4, byte: b't', blind: 0x20 });
    assert!(root.is(b'T') && root.is(b't') && !root.is(b'U'));
    assert_eq!((Anchor::of_text(""), Anchor::of_text("x1")), (None, None));
    assert_eq!(Anchor::of_key(&"x".repeat(60)), None);
}

/// Texts of what matters to a walk, so long that they cross chunks.
fn texts() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        " ",
        "\n",
        "\"",
        "\\",
        "\\\"",
        "\\\\",
        "\\u0065",
        "\\u00e9",
        "1",
        "{\"eventName\":\"CreateTopic\"}",
        "\"eventName\"",
        "\"tyPe\":",
        "}},{",
        "é",
        "\"a\":{}",
        "{\"a\":\"a longer text, as records hold many, with a } and a { in it and \\\" too\"}",
    ]);
    prop::collection::vec(pieces, 0..400).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #[test]
    fn every_walk_tells_what_a_plain_one_does(text in texts(), from in 0_usize..3) {
        let from = from.min(text.len());
        check(&text, from, Gap::Comma);
        check(&text, from, Gap::NextComma);
        let is_ascii = walk(&text, from, Gap::Space, &[], &mut |_| {}).is_ascii;
        let passed = text.get(from..).unwrap_or_default();
        prop_assert!(is_ascii || !passed.is_ascii());
        check(&text, from, Gap::Space);
    }

    #[test]
    fn lists_of_objects_are_told_whole(
        items in prop::collection::vec("[ -~é]{0,80}", 0..60),
        spaces in prop::collection::vec("[ \n]{0,3}", 60),
    ) {
        let items: Vec<_> =
            items.iter().map(|text| serde_json::json!({"type": text, "eventName": {}})).collect();
        let mut text = "[".to_owned();
        for (index, item) in items.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            text.push_str(&format!("{comma}{}{item}", spaces[index]));
        }
        text.push(']');
        let (told, end) = check(text.as_bytes(), 1, Gap::Comma);
        prop_assert_eq!(end, End::Closed(text.len() - 1));
        let read: Vec<serde_json::Value> = told
            .iter()
            .map(|(range, ..)| serde_json::from_slice(&text.as_bytes()[range.clone()]).unwrap())
            .collect();
        prop_assert_eq!(read, items);
    }
}
