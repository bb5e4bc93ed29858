//! `ListParts` and `ListMultipartUploads`.

use std::sync::Arc;

use s3s::dto::{
    ChecksumAlgorithm, ChecksumType, ETag, Initiator, ListMultipartUploadsInput,
    ListMultipartUploadsOutput, ListPartsInput, ListPartsOutput, MultipartUpload, Owner,
    Part as ListedPart, StorageClass,
};

use crate::{
    checksum::{self, Checksum},
    index::{
        self,
        upload::{Upload, UploadChecksum},
    },
    list::{self, Spelling},
    moment,
    refusal::Refusal,
    room::{Call, Room},
};

impl Room {
    pub(crate) async fn list_parts(
        self: &Arc<Self>,
        _call: Call,
        input: ListPartsInput,
    ) -> Result<ListPartsOutput, Refusal> {
        let upload = self.upload(&input.bucket, &input.key, &input.upload_id).await?;
        let limit = list::limit("max-parts", input.max_parts)?;
        let after = u32::try_from(input.part_number_marker.unwrap_or(0)).map_err(|_| {
            Refusal::invalid_argument(
                "Argument part-number-marker must be an integer between 0 and 2147483647",
                "part-number-marker",
                input.part_number_marker.unwrap_or_default().to_string(),
            )
        })?;
        let owner = upload.owner;
        let mut parts =
            self.read(move |index| index::part::list(index, owner, after, limit + 1)).await?;
        let more = parts.len() > usize::try_from(limit).unwrap_or(usize::MAX);
        if more {
            parts.pop();
        }
        let next = parts.last().map_or(after, |part| part.number);
        let UploadChecksum { algorithm, kind, asked } = upload.checksum;
        let parts = parts.into_iter().map(|part| {
            let sum = part.checksum.as_ref().filter(|_| asked);
            let sum = sum.map(|sum| Checksum::full(algorithm, sum));
            let mut listed = ListedPart {
                part_number: i32::try_from(part.number).ok(),
                e_tag: Some(ETag::Strong(part.e_tag())),
                size: Some(index::int(part.size)),
                last_modified: Some(moment::to_s3(part.modified)),
                ..ListedPart::default()
            };
            checksum::fill!(listed, sum.as_ref());
            listed
        });
        let parts = parts.collect();
        Ok(ListPartsOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            max_parts: i32::try_from(limit).ok(),
            is_truncated: Some(more),
            part_number_marker: i32::try_from(after).ok(),
            next_part_number_marker: i32::try_from(next).ok(),
            parts: Some(parts),
            checksum_algorithm: asked.then(|| ChecksumAlgorithm::from_static(algorithm.name())),
            checksum_type: asked.then(|| ChecksumType::from_static(kind.name())),
            initiator: Some(self.initiator(&upload)),
            owner: Some(Owner { id: Some(self.owner_id()), ..Owner::default() }),
            storage_class: Some(StorageClass::from_static("STANDARD")),
            ..ListPartsOutput::default()
        })
    }

    fn initiator(&self, upload: &Upload) -> Initiator {
        Initiator { id: Some(upload.initiator.clone()), ..Initiator::default() }
    }

    pub(crate) async fn list_multipart_uploads(
        self: &Arc<Self>,
        _call: Call,
        input: ListMultipartUploadsInput,
    ) -> Result<ListMultipartUploadsOutput, Refusal> {
        self.bucket(&input.bucket).await?;
        let spelling = Spelling::of(input.encoding_type.as_ref())?;
        let limit = list::limit("max-uploads", input.max_uploads)?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let delimiter = input.delimiter.clone().unwrap_or_default();
        let markers =
            (input.key_marker.clone().unwrap_or_default(), input.upload_id_marker.clone());
        let bucket = input.bucket.clone();
        let page = self
            .read(move |index| uploads(index, &bucket, &prefix, &delimiter, &markers, limit))
            .await?;
        let (next_key, next_id) = page.next.clone().unzip();
        let uploads = page.uploads.into_iter().map(|upload| MultipartUpload {
            key: Some(spelling.of_key(&upload.key)),
            initiated: Some(moment::to_s3(upload.started)),
            initiator: Some(self.initiator(&upload)),
            owner: Some(Owner { id: Some(self.owner_id()), ..Owner::default() }),
            storage_class: Some(StorageClass::from_static("STANDARD")),
            checksum_algorithm: upload
                .checksum
                .asked
                .then(|| ChecksumAlgorithm::from_static(upload.checksum.algorithm.name())),
            checksum_type: upload
                .checksum
                .asked
                .then(|| ChecksumType::from_static(upload.checksum.kind.name())),
            upload_id: Some(upload.id),
        });
        let uploads = uploads.collect();
        Ok(ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            uploads: Some(uploads),
            common_prefixes: list::common(page.common_prefixes, spelling),
            is_truncated: Some(page.next.is_some()),
            max_uploads: i32::try_from(limit).ok(),
            key_marker: Some(spelling.of_key(&input.key_marker.unwrap_or_default())),
            upload_id_marker: Some(input.upload_id_marker.unwrap_or_default()),
            next_key_marker: spelling.of_option(next_key),
            next_upload_id_marker: next_id,
            prefix: Some(spelling.of_key(&input.prefix.unwrap_or_default())),
            delimiter: spelling.of_option(input.delimiter.filter(|text| !text.is_empty())),
            encoding_type: input.encoding_type,
            ..ListMultipartUploadsOutput::default()
        })
    }
}

struct Uploads {
    uploads: Vec<Upload>,
    common_prefixes: Vec<String>,
    /// The key and id of the last one, where there are more behind it.
    next: Option<(String, String)>,
}

/// Sorts after every id of an upload.
const LAST_ID: &str = "~";

/// Uploads that one step looks at.
const UPLOADS_STEP: u32 = 1_000;

fn uploads(
    index: &rusqlite::Connection,
    bucket: &str,
    prefix: &str,
    delimiter: &str,
    (key_marker, id_marker): &(String, Option<String>),
    limit: u32,
) -> rusqlite::Result<Uploads> {
    let mut page = Uploads { uploads: Vec::new(), common_prefixes: Vec::new(), next: None };
    // Without an id's marker, all uploads of the marked key are behind us.
    let id = id_marker.as_deref().filter(|id| !id.is_empty()).unwrap_or(LAST_ID);
    let mut after = if key_marker.is_empty() {
        (String::new(), String::new())
    } else {
        (key_marker.clone(), id.to_owned())
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut last = None;
    loop {
        let found = index::upload::list(index, bucket, (&after.0, &after.1), UPLOADS_STEP)?;
        let Some(end) = found.last() else { return Ok(page) };
        after = (end.key.clone(), end.id.clone());
        for upload in found {
            let Some(rest) = upload.key.strip_prefix(prefix) else { continue };
            let head = rest.split_once(delimiter).filter(|_| !delimiter.is_empty());
            let common = head.map(|(head, _)| format!("{prefix}{head}{delimiter}"));
            let told = |common: &String| {
                common <= key_marker || page.common_prefixes.last() == Some(common)
            };
            if common.as_ref().is_some_and(told) {
                continue;
            }
            if page.uploads.len() + page.common_prefixes.len() >= limit {
                page.next = last;
                return Ok(page);
            }
            match common {
                Some(common) => {
                    last = Some((common.clone(), String::new()));
                    page.common_prefixes.push(common);
                }
                None => {
                    last = Some((upload.key.clone(), upload.id.clone()));
                    page.uploads.push(upload);
                }
            }
        }
    }
}
