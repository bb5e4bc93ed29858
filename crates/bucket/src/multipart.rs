//! Multipart uploads: begun, filled part by part, completed or given up.

mod complete;
mod listing;

use std::{ops::Range, sync::Arc};

use futures_util::StreamExt;
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, ChecksumAlgorithm, ChecksumType,
    CopyPartResult, CreateMultipartUploadInput, CreateMultipartUploadOutput, ETag,
    UploadPartCopyInput, UploadPartCopyOutput, UploadPartInput, UploadPartOutput,
};

use crate::{
    blob::Written,
    checksum::{self, Algorithm, Checksum, Stated},
    condition::ReadCondition,
    copy::Source,
    index::{
        self,
        object::PARTS_MAX,
        part::Part,
        upload::{Upload, UploadChecksum},
    },
    meta, moment,
    object_put::BODY_BYTES_MAX,
    refusal::Refusal,
    room::{Call, Change, Room},
};

/// Random digits of an upload's id, behind those that order it by its start.
const ID_DIGITS: usize = 32;

impl Room {
    pub(crate) async fn create_multipart_upload(
        self: &Arc<Self>,
        call: Call,
        input: CreateMultipartUploadInput,
    ) -> Result<CreateMultipartUploadOutput, Refusal> {
        self.bucket(&input.bucket).await?;
        let asked = input.checksum_algorithm.as_ref().map(|name| Algorithm::named(name.as_str()));
        let asked = asked.transpose()?;
        let algorithm = asked.unwrap_or(checksum::DEFAULT);
        let kind =
            checksum::kind_for(algorithm, input.checksum_type.as_ref().map(ChecksumType::as_str))?;
        let mut meta = meta::stated!(input)?;
        meta.tags = crate::tagging::of_header(input.tagging.as_deref())?;
        let mut upload = Upload {
            id: self.chance.text(b"0123456789abcdef", ID_DIGITS),
            owner: 0,
            bucket: input.bucket.clone(),
            key: input.key.clone(),
            started: self.clock.now(),
            initiator: call.caller.arn().unwrap_or_default(),
            checksum: UploadChecksum { algorithm, kind, asked: asked.is_some() },
            meta,
        };
        let id = self
            .commit(None, move |index| {
                if index::bucket::find(index, &upload.bucket)?.is_none() {
                    return Ok(Err(Refusal::no_such_bucket(&upload.bucket)));
                }
                upload.owner = index::next_in_sequence(index, upload.started)?;
                // Ids of one key sort by the moment at which the uploads began.
                upload.id = format!("{:016x}{}", upload.owner, upload.id);
                index::upload::insert(index, &upload)?;
                Ok(Ok(Change::of(upload.id)))
            })
            .await?;
        Ok(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(id),
            checksum_algorithm: asked.map(|a| ChecksumAlgorithm::from_static(a.name())),
            checksum_type: asked.map(|_| ChecksumType::from_static(kind.name())),
            server_side_encryption: meta::encryption(),
            ..CreateMultipartUploadOutput::default()
        })
    }

    /// The upload of that id.
    async fn upload(&self, bucket: &str, key: &str, id: &str) -> Result<Upload, Refusal> {
        self.bucket(bucket).await?;
        let (bucket, key, wanted) = (bucket.to_owned(), key.to_owned(), id.to_owned());
        self.read(move |index| index::upload::find(index, &bucket, &key, &wanted))
            .await?
            .ok_or_else(|| Refusal::no_such_upload(id))
    }

    pub(crate) async fn upload_part(
        self: &Arc<Self>,
        call: Call,
        input: UploadPartInput,
    ) -> Result<UploadPartOutput, Refusal> {
        let number = part_number(input.part_number)?;
        let upload = self.upload(&input.bucket, &input.key, &input.upload_id).await?;
        let UploadChecksum { algorithm, asked, .. } = upload.checksum;
        let stated = Stated::of_headers(&call.headers)?.algorithm(&call.headers)?;
        if let Some(stated) = stated
            && asked
            && stated != algorithm
        {
            let (expected, actual) = (algorithm.name(), stated.name());
            let message = format!(
                "Checksum Type mismatch occurred, expected checksum Type: {expected}, actual \
                 checksum Type: {actual}"
            );
            return Err(Refusal::new("InvalidRequest", 400, message));
        }
        let body = input.body.into_iter().map(StreamExt::boxed).next();
        let (written, _) = self.receive(&call, body, Some(algorithm)).await?;
        let answered = stated.unwrap_or(algorithm);
        let sum = written.sums.of(answered).map(|sum| Checksum::full(answered, sum));
        let mut output = UploadPartOutput {
            e_tag: Some(ETag::Strong(hex::encode(&written.sums.md5))),
            server_side_encryption: meta::encryption(),
            ..UploadPartOutput::default()
        };
        checksum::fill!(output, sum.as_ref());
        self.put_part(upload, number, written).await?;
        Ok(output)
    }

    /// Gives a written file its part; the upload may have ended meanwhile.
    async fn put_part(
        self: &Arc<Self>,
        upload: Upload,
        number: u32,
        written: Written,
    ) -> Result<Part, Refusal> {
        let part = Part::of(&written, number, upload.checksum.algorithm, self.clock.now());
        self.commit(Some(written), move |index| {
            let Upload { bucket, key, id, owner, .. } = &upload;
            if index::upload::find(index, bucket, key, id)?.is_none() {
                return Ok(Err(Refusal::no_such_upload(id)));
            }
            let unused = index::part::put(index, *owner, &part)?.into_iter().collect();
            Ok(Ok(Change { value: part, unused, announced: false }))
        })
        .await
    }

    pub(crate) async fn upload_part_copy(
        self: &Arc<Self>,
        _call: Call,
        input: UploadPartCopyInput,
    ) -> Result<UploadPartCopyOutput, Refusal> {
        let number = part_number(input.part_number)?;
        let upload = self.upload(&input.bucket, &input.key, &input.upload_id).await?;
        let condition = ReadCondition {
            if_match: input.copy_source_if_match,
            if_none_match: input.copy_source_if_none_match,
            if_modified_since: input.copy_source_if_modified_since.map(moment::from_s3),
            if_unmodified_since: input.copy_source_if_unmodified_since.map(moment::from_s3),
        };
        let source = Source::of(&input.copy_source, condition)?;
        let range = input.copy_source_range;
        let algorithm = upload.checksum.algorithm;
        let (_, written, _) = self
            .copy_bytes(&source, |_| algorithm, |object| copied(range.as_deref(), object.size))
            .await?;
        let sum = written.sums.of(algorithm).map(|sum| Checksum::full(algorithm, sum));
        let sum = sum.filter(|_| upload.checksum.asked);
        let part = self.put_part(upload, number, written).await?;
        let mut result = CopyPartResult {
            e_tag: Some(ETag::Strong(part.e_tag())),
            last_modified: Some(moment::to_s3(part.modified)),
            ..CopyPartResult::default()
        };
        checksum::fill!(result, sum.as_ref());
        Ok(UploadPartCopyOutput {
            copy_part_result: Some(result),
            server_side_encryption: meta::encryption(),
            ..UploadPartCopyOutput::default()
        })
    }

    pub(crate) async fn abort_multipart_upload(
        self: &Arc<Self>,
        _call: Call,
        input: AbortMultipartUploadInput,
    ) -> Result<AbortMultipartUploadOutput, Refusal> {
        let upload = self.upload(&input.bucket, &input.key, &input.upload_id).await?;
        self.commit(None, move |index| {
            let unused = index::upload::take(index, &upload)?;
            Ok(Ok(Change { value: (), unused, announced: false }))
        })
        .await?;
        Ok(AbortMultipartUploadOutput::default())
    }
}

fn part_number(asked: i32) -> Result<u32, Refusal> {
    let number = u32::try_from(asked).ok().filter(|number| (1..=PARTS_MAX).contains(number));
    number.ok_or_else(|| {
        let message = "Part number must be an integer between 1 and 10000, inclusive";
        Refusal::invalid_argument(message, "partNumber", asked.to_string())
    })
}

/// The bytes that `x-amz-copy-source-range` names; both ends are needed.
fn copied(range: Option<&str>, size: u64) -> Result<Range<u64>, Refusal> {
    let Some(text) = range else { return within(0..size) };
    let ends = text.strip_prefix("bytes=").and_then(|ends| ends.split_once('-'));
    let ends = ends.and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)));
    let Some((first, last)) = ends.filter(|(first, last): &(u64, u64)| first <= last) else {
        let message = "The x-amz-copy-source-range value must be of the form bytes=first-last \
                       where first and last are the zero-based offsets of the first and last \
                       bytes to copy";
        return Err(Refusal::invalid_argument(message, "x-amz-copy-source-range", text));
    };
    if last >= size {
        let message = format!("Range specified is not valid for source object of size: {size}");
        return Err(Refusal::invalid_argument(message, "x-amz-copy-source-range", text));
    }
    within(first..last + 1)
}

fn within(bytes: Range<u64>) -> Result<Range<u64>, Refusal> {
    if bytes.end - bytes.start > BODY_BYTES_MAX {
        let message = "The specified copy source is larger than the maximum allowable size for a \
                       copy source: 5368709120";
        return Err(Refusal::new("InvalidRequest", 400, message));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_copied_from_a_range_with_both_ends() {
        let check = |range: Option<&str>, expected: Result<Range<u64>, &str>| {
            let outcome = copied(range, 10).map_err(|refusal| refusal.code.into_owned());
            assert_eq!(outcome, expected.map_err(str::to_owned), "{range:?}");
        };
        check(None, Ok(0..10));
        check(Some("bytes=2-9"), Ok(2..10));
        for wrong in ["bytes=2-10", "bytes=2-", "bytes=-3", "bytes=5-2", "2-3", "bytes=a-b"] {
            check(Some(wrong), Err("InvalidArgument"));
        }
    }
}
