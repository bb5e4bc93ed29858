//! `CopyObject` and `UploadPartCopy`: bytes that are here already.

use std::{ops::Range, sync::Arc};

use flow::BodyError;
use futures_util::{StreamExt, TryStreamExt};
use s3s::dto::{
    CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource, ETag, MetadataDirective,
};

use crate::{
    blob::Written,
    checksum::{self, Algorithm, Checksum},
    condition::{ReadCondition, Verdict, WriteCondition},
    index::object::{Creation, Object},
    meta, moment, object_get,
    object_put::BODY_BYTES_MAX,
    refusal::Refusal,
    room::{Call, Room},
};

/// Headers that, said of an object's copy onto itself, are a change, whatever they say.
const CHANGING: [&str; 2] = ["x-amz-server-side-encryption", "x-amz-storage-class"];

/// The source of a copy.
pub(crate) struct Source {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) condition: ReadCondition,
}

impl Source {
    /// What the header names; versions and access points are not offered.
    pub(crate) fn of(source: &CopySource, condition: ReadCondition) -> Result<Self, Refusal> {
        match source {
            CopySource::Bucket { bucket, key, version_id }
                if version_id.as_deref().is_none_or(|version| version == "null") =>
            {
                Ok(Self { bucket: bucket.to_string(), key: key.to_string(), condition })
            }
            CopySource::Bucket { .. } => Err(Refusal::invalid_argument(
                "Invalid version id specified",
                "x-amz-copy-source",
                "versionId",
            )),
            _ => Err(Refusal::not_implemented("x-amz-copy-source that names an access point")),
        }
    }
}

impl Room {
    /// Copies bytes of a source into a file of their own.
    pub(crate) async fn copy_bytes(
        &self,
        source: &Source,
        algorithm: impl Fn(&Object) -> Algorithm,
        wanted: impl Fn(&Object) -> Result<Range<u64>, Refusal>,
    ) -> Result<(Object, Written, Algorithm), Refusal> {
        let _place = self.body_place()?;
        let (object, (), reading) = self
            .open_object(&source.bucket, &source.key, |object, _| {
                match source.condition.verdict(&object.e_tag, object.modified) {
                    Verdict::Serve => Ok(((), wanted(object)?)),
                    Verdict::Failed(header) => Err(failed(header)),
                    Verdict::NotModified => Err(failed("If-None-Match")),
                }
            })
            .await?;
        let bytes = object_get::chunks(reading).map_err(|cause| -> BodyError { cause.into() });
        let algorithm = algorithm(&object);
        let written = self.store(Some(bytes.boxed()), &[algorithm], BODY_BYTES_MAX).await;
        // What cannot be read here is our fault, not the caller's.
        let written = written.map_err(|refusal| match refusal.code.as_ref() {
            "IncompleteBody" => Refusal::internal("copying", &"the source cannot be read"),
            _ => refusal,
        })?;
        Ok((object, written, algorithm))
    }

    pub(crate) async fn copy_object(
        self: &Arc<Self>,
        call: Call,
        input: CopyObjectInput,
    ) -> Result<CopyObjectOutput, Refusal> {
        self.bucket(&input.bucket).await?;
        let condition = WriteCondition::of_headers(&call.headers)?;
        let source = Source::of(
            &input.copy_source,
            ReadCondition {
                if_match: input.copy_source_if_match,
                if_none_match: input.copy_source_if_none_match,
                if_modified_since: input.copy_source_if_modified_since.map(moment::from_s3),
                if_unmodified_since: input.copy_source_if_unmodified_since.map(moment::from_s3),
            },
        )?;
        let replace = replaces(input.metadata_directive.as_ref())?;
        let changes = CHANGING.iter().any(|name| call.headers.contains_key(*name));
        let same = source.bucket == input.bucket && source.key == input.key;
        if same && !replace && !changes {
            return Err(onto_itself());
        }
        let asked = call
            .headers
            .get("x-amz-checksum-algorithm")
            .map(|value| Algorithm::named(value.to_str().unwrap_or_default()));
        let asked = asked.transpose()?;
        let (object, written, algorithm) = self
            .copy_bytes(
                &source,
                |object| {
                    let same = object.checksum.as_ref().map(|checksum| checksum.algorithm);
                    asked.or(same).unwrap_or(checksum::DEFAULT)
                },
                |object| whole(object.size),
            )
            .await?;
        let retagged = call.headers.get("x-amz-tagging-directive").is_some_and(|d| d == "REPLACE");
        let tags = match retagged {
            true => crate::tagging::of_header(input.tagging.as_deref())?,
            false => object.meta.tags.clone(),
        };
        let mut meta = if replace { meta::stated!(input)? } else { object.meta };
        meta.tags = tags;
        meta.upload = None;
        let creation = Creation {
            bucket: input.bucket,
            key: input.key,
            event_name: "ObjectCreated:Copy",
            size: written.size,
            e_tag: hex::encode(&written.sums.md5),
            checksum: written.sums.of(algorithm).map(|sum| Checksum::full(algorithm, sum)),
            meta,
            condition,
            origin: call.origin(),
            now: self.clock.now(),
        };
        let mut result = CopyObjectResult {
            e_tag: Some(ETag::Strong(creation.e_tag.clone())),
            last_modified: Some(moment::to_s3(creation.now)),
            checksum_type: Checksum::s3_kind(creation.checksum.as_ref()),
            ..CopyObjectResult::default()
        };
        checksum::fill!(result, creation.checksum.as_ref());
        self.create(creation, written, algorithm).await?;
        Ok(CopyObjectOutput {
            copy_object_result: Some(result),
            server_side_encryption: meta::encryption(),
            ..CopyObjectOutput::default()
        })
    }
}

/// The name of the condition as a copy spells it.
fn failed(header: &str) -> Refusal {
    Refusal::precondition_failed(match header {
        "If-Match" => "x-amz-copy-source-If-Match",
        "If-Unmodified-Since" => "x-amz-copy-source-If-Unmodified-Since",
        _ => "x-amz-copy-source-If-None-Match",
    })
}

fn whole(size: u64) -> Result<Range<u64>, Refusal> {
    if size > BODY_BYTES_MAX {
        return Err(Refusal::new(
            "InvalidRequest",
            400,
            format!(
                "The specified copy source is larger than the maximum allowable size for a copy \
                 source: {BODY_BYTES_MAX}"
            ),
        ));
    }
    Ok(0..size)
}

fn replaces(directive: Option<&MetadataDirective>) -> Result<bool, Refusal> {
    match directive.map(MetadataDirective::as_str) {
        None | Some("COPY") => Ok(false),
        Some("REPLACE") => Ok(true),
        Some(other) => Err(Refusal::invalid_argument(
            "Unknown metadata directive.",
            "x-amz-metadata-directive",
            other,
        )),
    }
}

fn onto_itself() -> Refusal {
    Refusal::new(
        "InvalidRequest",
        400,
        "This copy request is illegal because it is trying to copy an object to itself without \
         changing the object's metadata, storage class, website redirect location or encryption \
         attributes.",
    )
}
