//! `GetObject` and `HeadObject`.

use std::{io, ops::Range, sync::Arc};

use bytes::Bytes;
use flow::Timestamp;
use futures_util::{Stream, TryStreamExt, stream};
use http_body::Frame;
use http_body_util::StreamBody;
use s3s::dto::{
    ETag, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput, StreamingBlob,
};

use crate::{
    blob::{Piece, Reading},
    checksum::{self, Checksum},
    condition::{ReadCondition, Verdict},
    index::{self, object::Object, part::Part},
    meta::{self, CONTENT_TYPE_DEFAULT},
    moment,
    refusal::Refusal,
    room::{Call, Room},
};

/// How often an object that is being replaced is looked up again before a read gives up.
const LOOKUPS_MAX: u32 = 8;

/// What part of an object is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) range: Option<s3s::dto::Range>,
    pub(crate) part_number: Option<i32>,
}

/// What part of an object is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) bytes: Range<u64>,
    /// Whether the answer is partial (206).
    pub(crate) partial: bool,
    pub(crate) parts_count: Option<i32>,
}

impl Given {
    /// As `Content-Range` puts it.
    fn content_range(&self, size: u64) -> Option<String> {
        let Range { start, end } = self.bytes;
        (self.partial && end > start).then(|| format!("bytes {start}-{}/{size}", end - 1))
    }

    fn content_length(&self) -> Option<i64> {
        Some(index::int(self.bytes.end - self.bytes.start))
    }
}

/// Which bytes of an object of these parts answer the wish.
pub(crate) fn given(wanted: Wanted, size: u64, parts: &[Part]) -> Result<Given, Refusal> {
    match wanted {
        Wanted { range: Some(_), part_number: Some(_) } => Err(Refusal::new(
            "InvalidRequest",
            400,
            "Cannot specify both Range header and partNumber query parameter",
        )),
        Wanted { range: Some(range), part_number: None } => {
            let bytes = range.check(size).map_err(|_| {
                unsatisfiable()
                    .with("RangeRequested", range.to_header_string())
                    .with("ActualObjectSize", size.to_string())
            })?;
            Ok(Given { bytes, partial: true, parts_count: None })
        }
        Wanted { range: None, part_number: Some(number) } => {
            let mut start = 0;
            for (part, at) in parts.iter().zip(1..) {
                if at == number {
                    let bytes = start..start + part.size;
                    let parts_count = i32::try_from(parts.len()).ok();
                    return Ok(Given { bytes, partial: true, parts_count });
                }
                start += part.size;
            }
            let count = parts.len().to_string();
            Err(Refusal::new(
                "InvalidPartNumber",
                416,
                "The requested partnumber is not satisfiable",
            )
            .with("PartNumberRequested", number.to_string())
            .with("ActualPartCount", count))
        }
        Wanted { range: None, part_number: None } => {
            Ok(Given { bytes: 0..size, partial: false, parts_count: None })
        }
    }
}

fn unsatisfiable() -> Refusal {
    Refusal::new("InvalidRange", 416, "The requested range is not satisfiable")
}

/// The pieces of files that hold these bytes.
pub(crate) fn pieces(parts: &[Part], bytes: &Range<u64>) -> Vec<Piece> {
    let mut begin = 0;
    let mut pieces = Vec::new();
    for part in parts {
        let end = begin + part.size;
        let (from, to) = (bytes.start.max(begin), bytes.end.min(end));
        if from < to {
            pieces.push(Piece {
                name: part.file.clone(),
                size: part.size,
                sha256: part.sha256.clone(),
                start: from - begin,
                length: to - from,
            });
        }
        begin = end;
    }
    pieces
}

impl Room {
    /// An object and its files.
    pub(crate) async fn object(
        &self,
        bucket: &str,
        key: &str,
    ) -> Result<(Object, Vec<Part>), Refusal> {
        let (of, wanted) = (bucket.to_owned(), key.to_owned());
        let found = self.read(move |index| index::object::find_whole(index, &of, &wanted)).await?;
        match found {
            Some(found) => Ok(found),
            None => {
                self.bucket(bucket).await?;
                Err(Refusal::no_such_key(key))
            }
        }
    }

    /// Looks at an object until its files are held: it may be replaced in between. `decide` says
    /// which bytes are wanted.
    pub(crate) async fn open_object<T>(
        &self,
        bucket: &str,
        key: &str,
        decide: impl Fn(&Object, &[Part]) -> Result<(T, Range<u64>), Refusal>,
    ) -> Result<(Object, T, Reading), Refusal> {
        for _ in 0..LOOKUPS_MAX {
            let (object, parts) = self.object(bucket, key).await?;
            let (decided, bytes) = decide(&object, &parts)?;
            let pieces = pieces(&parts, &bytes);
            let names = pieces.iter().map(|piece| piece.name.clone()).collect();
            if let Some(hold) = self.blobs.hold(names) {
                return Ok((object, decided, Reading::new(hold, pieces)));
            }
        }
        Err(Refusal::internal(
            "opening an object",
            &format!("the bytes of {bucket}/{key} are gone"),
        ))
    }

    pub(crate) async fn get_object(
        self: &Arc<Self>,
        _call: Call,
        input: GetObjectInput,
    ) -> Result<GetObjectOutput, Refusal> {
        let wanted = Wanted { range: input.range, part_number: input.part_number };
        let condition = ReadCondition {
            if_match: input.if_match,
            if_none_match: input.if_none_match,
            if_modified_since: input.if_modified_since.map(moment::from_s3),
            if_unmodified_since: input.if_unmodified_since.map(moment::from_s3),
        };
        let (object, given, reading) = self
            .open_object(&input.bucket, &input.key, |object, parts| {
                admit(&condition, object)?;
                let given = given(wanted, object.size, parts)?;
                let bytes = given.bytes.clone();
                Ok((given, bytes))
            })
            .await?;
        let summed = (input.checksum_mode.is_some() && !given.partial)
            .then_some(object.checksum.as_ref())
            .flatten();
        let mut output = GetObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            body: Some(streamed(reading)),
            content_length: given.content_length(),
            content_range: given.content_range(object.size),
            checksum_type: Checksum::s3_kind(summed),
            e_tag: Some(ETag::Strong(object.e_tag.clone())),
            last_modified: Some(moment::to_s3(object.modified)),
            metadata: object.meta.metadata(),
            tag_count: tag_count(&object),
            parts_count: given.parts_count.filter(|_| object.is_of_parts()),
            cache_control: object.meta.cache_control,
            content_disposition: object.meta.content_disposition,
            content_encoding: object.meta.content_encoding,
            content_language: object.meta.content_language,
            content_type: object.meta.content_type.or(Some(CONTENT_TYPE_DEFAULT.to_owned())),
            expires: object.meta.expires.map(Timestamp::from_millis).map(moment::to_s3),
            server_side_encryption: meta::encryption(),
            ..GetObjectOutput::default()
        };
        checksum::fill!(output, summed);
        Ok(output)
    }

    pub(crate) async fn head_object(
        self: &Arc<Self>,
        _call: Call,
        input: HeadObjectInput,
    ) -> Result<(HeadObjectOutput, Option<i32>), Refusal> {
        let wanted = Wanted { range: input.range, part_number: input.part_number };
        let condition = ReadCondition {
            if_match: input.if_match,
            if_none_match: input.if_none_match,
            if_modified_since: input.if_modified_since.map(moment::from_s3),
            if_unmodified_since: input.if_unmodified_since.map(moment::from_s3),
        };
        let (object, parts) = self.object(&input.bucket, &input.key).await?;
        admit(&condition, &object)?;
        let given = given(wanted, object.size, &parts)?;
        let summed = (input.checksum_mode.is_some() && !given.partial)
            .then_some(object.checksum.as_ref())
            .flatten();
        let tags = tag_count(&object);
        let mut output = HeadObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_length: given.content_length(),
            content_range: given.content_range(object.size),
            checksum_type: Checksum::s3_kind(summed),
            e_tag: Some(ETag::Strong(object.e_tag.clone())),
            last_modified: Some(moment::to_s3(object.modified)),
            metadata: object.meta.metadata(),
            parts_count: given.parts_count.filter(|_| object.is_of_parts()),
            cache_control: input.response_cache_control.or(object.meta.cache_control),
            content_disposition: input
                .response_content_disposition
                .or(object.meta.content_disposition),
            content_encoding: input.response_content_encoding.or(object.meta.content_encoding),
            content_language: input.response_content_language.or(object.meta.content_language),
            content_type: input
                .response_content_type
                .or(object.meta.content_type)
                .or(Some(CONTENT_TYPE_DEFAULT.to_owned())),
            expires: input.response_expires.or(object
                .meta
                .expires
                .map(Timestamp::from_millis)
                .map(moment::to_s3)),
            server_side_encryption: meta::encryption(),
            ..HeadObjectOutput::default()
        };
        checksum::fill!(output, summed);
        Ok((output, tags))
    }
}

/// How many tags an object has; nothing is said of none.
fn tag_count(object: &Object) -> Option<i32> {
    i32::try_from(object.meta.tags.len()).ok().filter(|count| *count > 0)
}

/// Refuses where the conditions do not hold.
fn admit(condition: &ReadCondition, object: &Object) -> Result<(), Refusal> {
    match condition.verdict(&object.e_tag, object.modified) {
        Verdict::Serve => Ok(()),
        Verdict::Failed(header) => Err(Refusal::precondition_failed(header)),
        Verdict::NotModified => {
            let mut refusal = Refusal::new("NotModified", 304, "Not Modified");
            let modified = object.modified.to_http_text();
            for (name, value) in [
                (http::header::ETAG, format!("\"{}\"", object.e_tag)),
                (http::header::LAST_MODIFIED, modified),
            ] {
                refusal.headers.extend(value.parse().ok().map(|value| (name, value)));
            }
            Err(refusal)
        }
    }
}

/// The bytes as a stream.
pub(crate) fn chunks(reading: Reading) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::try_unfold(reading, Reading::next)
}

fn streamed(reading: Reading) -> StreamingBlob {
    let frames = StreamBody::new(chunks(reading).map_ok(Frame::data));
    StreamingBlob::from(s3s::Body::http_body_unsync(frames))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(sizes: &[u64]) -> Vec<Part> {
        let part = |(size, number): (&u64, u32)| Part {
            number,
            file: format!("f{number}"),
            size: *size,
            md5: Vec::new(),
            sha256: Vec::new(),
            checksum: None,
            modified: Timestamp::default(),
        };
        sizes.iter().zip(1..).map(part).collect()
    }

    fn check(wanted: Wanted, sizes: &[u64], expected: Result<(Range<u64>, bool), &str>) {
        let parts = parts(sizes);
        let outcome = given(wanted, sizes.iter().sum(), &parts)
            .map(|given| (given.bytes, given.partial))
            .map_err(|refusal| refusal.code.into_owned());
        assert_eq!(outcome, expected.map_err(str::to_owned));
    }

    fn range(text: &str) -> Wanted {
        Wanted { range: Some(s3s::dto::Range::parse(text).unwrap()), part_number: None }
    }

    fn part(number: i32) -> Wanted {
        Wanted { range: None, part_number: Some(number) }
    }

    #[test]
    fn a_wish_is_given_as_bytes_of_the_object() {
        check(Wanted::default(), &[10], Ok((0..10, false)));
        check(range("bytes=2-4"), &[10], Ok((2..5, true)));
        check(range("bytes=2-400"), &[10], Ok((2..10, true)));
        check(range("bytes=-3"), &[10], Ok((7..10, true)));
        check(range("bytes=10-"), &[10], Err("InvalidRange"));
        check(part(1), &[10], Ok((0..10, true)));
        check(part(2), &[10, 4], Ok((10..14, true)));
        check(part(3), &[10, 4], Err("InvalidPartNumber"));
    }

    #[test]
    fn bytes_are_found_in_the_files_that_hold_them() {
        let check = |bytes: Range<u64>, expected: &[(&str, u64, u64)]| {
            let found: Vec<_> = pieces(&parts(&[4, 0, 6]), &bytes)
                .into_iter()
                .map(|piece| (piece.name, piece.start, piece.length))
                .collect();
            let expected: Vec<_> =
                expected.iter().map(|(n, s, l)| ((*n).to_owned(), *s, *l)).collect();
            assert_eq!(found, expected);
        };
        check(0..10, &[("f1", 0, 4), ("f3", 0, 6)]);
        check(3..5, &[("f1", 3, 1), ("f3", 0, 1)]);
        check(4..10, &[("f3", 0, 6)]);
        check(2..2, &[]);
    }
}
