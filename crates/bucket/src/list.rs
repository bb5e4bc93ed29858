//! `ListObjects`, first and second version.

mod versions;

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use s3s::dto::{
    CommonPrefix, ETag, EncodingType, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input,
    ListObjectsV2Output, Object as Listed, ObjectStorageClass, Owner,
};

use crate::{
    index::{self, object::Object},
    moment,
    refusal::Refusal,
    room::{Call, Room},
};

/// Keys and common prefixes of one answer (S3's limit).
pub(crate) const KEYS_MAX: u32 = 1_000;

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    pub(crate) prefix: String,
    /// Empty where nothing is rolled up.
    pub(crate) delimiter: String,
    /// The answer begins after this.
    pub(crate) after: String,
    pub(crate) keys_max: u32,
}

/// One answer's worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) common_prefixes: Vec<String>,
    /// The last key or common prefix, where there is more behind it.
    pub(crate) next: Option<String>,
}

/// Collects a page. `fetch` gives items from a key on (not that key itself where the flag is
/// set), in the order of their keys, at most so many.
pub(crate) fn page<T, E>(
    query: &Query,
    key_of: impl Fn(&T) -> &str,
    mut fetch: impl FnMut(&str, bool, u32) -> Result<Vec<T>, E>,
) -> Result<Page<T>, E> {
    let mut page = Page { items: Vec::new(), common_prefixes: Vec::new(), next: None };
    if query.keys_max == 0 {
        return Ok(page);
    }
    // The keys with the prefix begin at the prefix.
    let (mut from, mut past) = (query.prefix.clone(), false);
    if query.after >= from {
        (from, past) = (query.after.clone(), true);
    }
    let mut last = String::new();
    let mut room = query.keys_max;
    loop {
        let items = fetch(&from, past, room + 1)?;
        let fetched = items.len();
        let mut rolled = None;
        for item in items {
            let key = key_of(&item);
            let Some(rest) = key.strip_prefix(query.prefix.as_str()) else { return Ok(page) };
            let common = common_prefix(query, rest);
            if common.as_ref().is_some_and(|common| *common <= query.after) {
                rolled = common;
                break;
            }
            if room == 0 {
                page.next = Some(last);
                return Ok(page);
            }
            room -= 1;
            if let Some(common) = common {
                last.clone_from(&common);
                page.common_prefixes.push(common.clone());
                rolled = Some(common);
                break;
            }
            last = key.to_owned();
            page.items.push(item);
        }
        match rolled {
            // All keys below a common prefix are told of by it: go on behind them.
            Some(common) => match after_all_with(&common) {
                Some(next) => (from, past) = (next, false),
                None => return Ok(page),
            },
            None if fetched == 0 => return Ok(page),
            None => (from, past) = (last.clone(), true),
        }
    }
}

fn common_prefix(query: &Query, rest: &str) -> Option<String> {
    let delimiter = query.delimiter.as_str();
    if delimiter.is_empty() {
        return None;
    }
    let (head, _) = rest.split_once(delimiter)?;
    Some(format!("{}{head}{delimiter}", query.prefix))
}

/// The least text that is greater than every text with this prefix.
fn after_all_with(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        // UTF-8 keeps the order of characters; the surrogates are none.
        let next = match last {
            '\u{d7ff}' => Some('\u{e000}'),
            last => char::from_u32(u32::from(last) + 1),
        };
        if let Some(next) = next {
            text.push(next);
            return Some(text);
        }
    }
    None
}

/// A continuation token that stands for a key.
pub(crate) fn token_of(key: &str) -> String {
    BASE64.encode(key)
}

/// The key that a continuation token stands for.
pub(crate) fn token_value(token: &str) -> Result<String, Refusal> {
    let key = BASE64.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    key.filter(|key| !key.is_empty()).ok_or_else(|| {
        let message = "The continuation token provided is incorrect";
        Refusal::invalid_argument(message, "continuation-token", token)
    })
}

/// How keys are written in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spelling {
    url: bool,
}

impl Spelling {
    pub(crate) fn of(encoding: Option<&EncodingType>) -> Result<Self, Refusal> {
        match encoding.map(EncodingType::as_str) {
            None => Ok(Self { url: false }),
            Some("url") => Ok(Self { url: true }),
            Some(other) => Err(Refusal::invalid_argument(
                "Invalid Encoding Method specified in Request",
                "encoding-type",
                other,
            )),
        }
    }

    pub(crate) fn of_key(self, key: &str) -> String {
        if !self.url {
            return key.to_owned();
        }
        let mut text = String::with_capacity(key.len());
        for byte in key.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                    text.push(char::from(byte));
                }
                _ => text.push_str(&format!("%{byte:02X}")),
            }
        }
        text
    }

    pub(crate) fn of_option(self, key: Option<String>) -> Option<String> {
        key.map(|key| self.of_key(&key))
    }
}

/// How many items an answer may hold, given what is asked for under `name`.
pub(crate) fn limit(name: &'static str, asked: Option<i32>) -> Result<u32, Refusal> {
    match asked.map(u32::try_from) {
        None => Ok(KEYS_MAX),
        Some(Ok(asked)) => Ok(asked.min(KEYS_MAX)),
        Some(Err(_)) => Err(Refusal::invalid_argument(
            format!("Argument {name} must be an integer between 0 and 2147483647"),
            name,
            asked.unwrap_or_default().to_string(),
        )),
    }
}

pub(crate) fn common(prefixes: Vec<String>, spelling: Spelling) -> Option<Vec<CommonPrefix>> {
    let prefixes: Vec<_> = prefixes
        .into_iter()
        .map(|prefix| CommonPrefix { prefix: Some(spelling.of_key(&prefix)) })
        .collect();
    (!prefixes.is_empty()).then_some(prefixes)
}

impl Room {
    async fn page_of(&self, bucket: &str, query: Query) -> Result<Page<Object>, Refusal> {
        self.bucket(bucket).await?;
        let bucket = bucket.to_owned();
        self.read(move |index| {
            page(
                &query,
                |object: &Object| &object.key,
                |from, past, limit| index::object::list(index, &bucket, (from, past), limit),
            )
        })
        .await
    }

    fn listed(&self, object: Object, spelling: Spelling, owner: bool) -> Listed {
        let owner = owner.then(|| Owner { id: Some(self.owner_id()), ..Owner::default() });
        Listed {
            key: Some(spelling.of_key(&object.key)),
            last_modified: Some(moment::to_s3(object.modified)),
            e_tag: Some(ETag::Strong(object.e_tag)),
            size: Some(index::int(object.size)),
            storage_class: Some(ObjectStorageClass::from_static("STANDARD")),
            checksum_algorithm: object.checksum.as_ref().map(|checksum| {
                vec![s3s::dto::ChecksumAlgorithm::from_static(checksum.algorithm.name())]
            }),
            checksum_type: crate::checksum::Checksum::s3_kind(object.checksum.as_ref()),
            owner,
            ..Listed::default()
        }
    }

    pub(crate) async fn list_objects(
        self: &Arc<Self>,
        _call: Call,
        input: ListObjectsInput,
    ) -> Result<ListObjectsOutput, Refusal> {
        let spelling = Spelling::of(input.encoding_type.as_ref())?;
        let keys_max = limit("max-keys", input.max_keys)?;
        let query = Query {
            prefix: input.prefix.clone().unwrap_or_default(),
            delimiter: input.delimiter.clone().unwrap_or_default(),
            after: input.marker.clone().unwrap_or_default(),
            keys_max,
        };
        let page = self.page_of(&input.bucket, query).await?;
        // The first version names the next marker only where a delimiter was given.
        let next = page.next.clone().filter(|_| input.delimiter.is_some());
        let contents = page.items.into_iter().map(|object| self.listed(object, spelling, true));
        Ok(ListObjectsOutput {
            name: Some(input.bucket),
            prefix: Some(spelling.of_key(&input.prefix.unwrap_or_default())),
            marker: Some(spelling.of_key(&input.marker.unwrap_or_default())),
            max_keys: i32::try_from(keys_max).ok(),
            is_truncated: Some(page.next.is_some()),
            contents: Some(contents.collect()),
            common_prefixes: common(page.common_prefixes, spelling),
            delimiter: spelling.of_option(input.delimiter.filter(|text| !text.is_empty())),
            next_marker: spelling.of_option(next),
            encoding_type: input.encoding_type,
            ..ListObjectsOutput::default()
        })
    }

    pub(crate) async fn list_objects_v2(
        self: &Arc<Self>,
        _call: Call,
        input: ListObjectsV2Input,
    ) -> Result<ListObjectsV2Output, Refusal> {
        let spelling = Spelling::of(input.encoding_type.as_ref())?;
        let keys_max = limit("max-keys", input.max_keys)?;
        let after = match input.continuation_token.as_deref() {
            Some(token) => token_value(token)?,
            None => input.start_after.clone().unwrap_or_default(),
        };
        let query = Query {
            prefix: input.prefix.clone().unwrap_or_default(),
            delimiter: input.delimiter.clone().unwrap_or_default(),
            after,
            keys_max,
        };
        let page = self.page_of(&input.bucket, query).await?;
        // A token takes the place of what the first page began after.
        let start_after = input.start_after.filter(|_| input.continuation_token.is_none());
        let owner = input.fetch_owner.unwrap_or(false);
        let count = page.items.len() + page.common_prefixes.len();
        let contents = page.items.into_iter().map(|object| self.listed(object, spelling, owner));
        Ok(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: Some(spelling.of_key(&input.prefix.unwrap_or_default())),
            max_keys: i32::try_from(keys_max).ok(),
            key_count: i32::try_from(count).ok(),
            continuation_token: input.continuation_token,
            is_truncated: Some(page.next.is_some()),
            next_continuation_token: page.next.as_deref().map(token_of),
            contents: Some(contents.collect()),
            common_prefixes: common(page.common_prefixes, spelling),
            delimiter: spelling.of_option(input.delimiter.filter(|text| !text.is_empty())),
            start_after: spelling.of_option(start_after),
            encoding_type: input.encoding_type,
            ..ListObjectsV2Output::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, convert::Infallible};

    use proptest::prelude::*;

    use super::*;

    fn ours(keys: &BTreeSet<String>, query: &Query) -> Page<String> {
        page(
            query,
            |key: &String| key,
            |from, past, limit| {
                let found =
                    keys.iter().filter(|key| key.as_str() > from || (!past && *key == from));
                Ok::<_, Infallible>(found.take(limit as usize).cloned().collect())
            },
        )
        .unwrap()
    }

    /// Rolls up everything, then cuts.
    fn naive(keys: &BTreeSet<String>, query: &Query) -> Page<String> {
        let mut all: BTreeSet<(String, bool)> = BTreeSet::new();
        for key in keys.iter().filter(|key| key.starts_with(&query.prefix)) {
            match common_prefix(query, key.strip_prefix(&query.prefix).unwrap()) {
                Some(common) => all.insert((common, true)),
                None => all.insert((key.clone(), false)),
            };
        }
        let left: Vec<_> = all.into_iter().filter(|(name, _)| *name > query.after).collect();
        let cut = (query.keys_max as usize).min(left.len());
        let more = query.keys_max > 0 && left.len() > cut;
        let of = |common: bool| {
            let cut = left[..cut].iter().filter(move |(_, is)| *is == common);
            cut.map(|(name, _)| name.clone()).collect()
        };
        let next = more.then(|| left[cut - 1].0.clone());
        Page { items: of(false), common_prefixes: of(true), next }
    }

    proptest! {
        #[test]
        fn a_page_is_what_a_naive_listing_gives(
            keys in proptest::collection::btree_set("[ab/\u{10ffff}\u{d7ff}]{1,6}", 0..40),
            prefix in "[ab/]{0,2}",
            delimiter in "(|/|a/|b)",
            after in "[ab/]{0,3}",
            keys_max in 0_u32..12,
        ) {
            let query = Query { prefix, delimiter, after, keys_max };
            prop_assert_eq!(ours(&keys, &query), naive(&keys, &query));
        }

        #[test]
        fn pages_one_after_another_give_everything_once(
            keys in proptest::collection::btree_set("[ab/]{1,5}", 0..40),
            delimiter in "(|/)",
            keys_max in 1_u32..5,
        ) {
            let all = Query { delimiter: delimiter.clone(), keys_max: 1000, ..Query::default() };
            let all = ours(&keys, &all);
            let (mut items, mut common, mut after) = (Vec::new(), Vec::new(), String::new());
            loop {
                let query = Query { delimiter: delimiter.clone(), after, keys_max, ..Query::default() };
                let page = ours(&keys, &query);
                items.extend(page.items);
                common.extend(page.common_prefixes);
                let Some(next) = page.next else { break };
                after = next;
            }
            prop_assert_eq!((items, common), (all.items, all.common_prefixes));
        }

        #[test]
        fn a_token_never_panics(token in ".{0,40}") {
            drop(token_value(&token));
        }
    }

    #[test]
    fn keys_are_spelled_as_clients_decode_them() {
        let check = |key: &str, expected: &str| {
            assert_eq!(Spelling { url: true }.of_key(key), expected);
            assert_eq!(Spelling { url: false }.of_key(key), key);
        };
        check("foo/bar", "foo/bar");
        check("asdf+b", "asdf%2Bb");
        check("quux ab/", "quux%20ab/");
        check("\u{e4}\u{1}", "%C3%A4%01");
    }
}
