//! Lists by pages.

use flow::{Request, Tree};

/// Items of a page where nobody says, and at most.
const ITEMS_DEFAULT: usize = 100;
const ITEMS_MAX: i64 = 1000;

/// The page that is asked for of `items`, which stand in the order of their keys, as `member`.
pub(super) fn page(request: &Request, member: &str, items: Vec<(String, Tree)>) -> Tree {
    let most = request.input.int("MaxItems").map_or(ITEMS_DEFAULT, |most| {
        usize::try_from(most.clamp(1, ITEMS_MAX)).unwrap_or(ITEMS_DEFAULT)
    });
    let after = request.input.text("Marker");
    let mut left = items
        .into_iter()
        .skip_while(|(key, _)| after.is_some_and(|after| key.as_str() <= after))
        .peekable();
    let (mut shown, mut last) = (Vec::new(), None);
    while shown.len() < most
        && let Some((key, tree)) = left.next()
    {
        shown.push(tree);
        last = Some(key);
    }
    let more = left.peek().is_some();
    Tree::map([
        (member, Tree::List(shown)),
        ("IsTruncated", Tree::Bool(more)),
        ("Marker", Tree::from(last.filter(|_| more))),
    ])
}
