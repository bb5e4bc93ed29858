//! `CompleteMultipartUpload`: the chosen parts become an object.

use std::{collections::HashSet, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use http::HeaderMap;
use md5::Digest as _;
use rusqlite::Transaction;
use s3s::dto::{CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CompletedPart, ETag};

use crate::{
    checksum::{self, Algorithm, Checksum, Kind},
    condition::WriteCondition,
    index::{
        self,
        object::{Creation, Object, PARTS_MAX},
        part::Part,
        upload::Upload,
    },
    meta::{self, Meta},
    object_put,
    refusal::Refusal,
    room::{Call, Change, Room},
};

/// Every part but the last is at least so large (S3's limit).
const PART_BYTES_MIN: u64 = 5 * 1024 * 1024;

/// The largest object (S3's limit).
const OBJECT_BYTES_MAX: u64 = 5 * 1024 * 1024 * 1024 * 1024;

/// What the client says of the object that it completes.
struct Claim {
    parts: Vec<CompletedPart>,
    size: Option<i64>,
    /// By header name, in base64.
    checksum: Option<(Algorithm, String)>,
}

impl Room {
    pub(crate) async fn complete_multipart_upload(
        self: &Arc<Self>,
        call: Call,
        input: CompleteMultipartUploadInput,
    ) -> Result<CompleteMultipartUploadOutput, Refusal> {
        let (bucket, key) = (input.bucket.clone(), input.key.clone());
        let (id, parts) = (input.upload_id.clone(), input.multipart_upload.clone());
        match self.complete_upload(call, input).await {
            Ok(done) => Ok(answered(bucket, key, done.e_tag, done.checksum.as_ref())),
            // Whoever lost the answer to the first call asks again.
            Err(refusal) if refusal.code == "NoSuchUpload" => {
                let parts = parts.and_then(|all| all.parts).unwrap_or_default();
                let (name, place) = (bucket.clone(), key.clone());
                let standing =
                    self.read(move |index| index::object::find(index, &name, &place)).await?;
                let done = standing.filter(|object| is_done(object, &id, &parts)).ok_or(refusal)?;
                Ok(answered(bucket, key, done.e_tag, done.checksum.as_ref()))
            }
            Err(refusal) => Err(refusal),
        }
    }

    async fn complete_upload(
        self: &Arc<Self>,
        call: Call,
        input: CompleteMultipartUploadInput,
    ) -> Result<Creation, Refusal> {
        let upload = self.upload(&input.bucket, &input.key, &input.upload_id).await?;
        let condition = WriteCondition::of_headers(&call.headers)?;
        let claim = Claim {
            parts: input.multipart_upload.and_then(|all| all.parts).unwrap_or_default(),
            size: input.mpu_object_size,
            checksum: claimed(&call.headers),
        };
        if claim.parts.is_empty() {
            return Err(Refusal::malformed_xml());
        }
        let creation = Creation {
            bucket: input.bucket.clone(),
            key: input.key.clone(),
            event_name: "ObjectCreated:CompleteMultipartUpload",
            size: 0,
            e_tag: String::new(),
            checksum: None,
            meta: Meta { upload: Some(upload.id.clone()), ..upload.meta.clone() },
            condition,
            origin: call.origin(),
            now: self.clock.now(),
        };
        self.commit(None, move |index| complete(index, &upload, &claim, creation)).await
    }
}

fn answered(
    bucket: String,
    key: String,
    e_tag: String,
    checksum: Option<&Checksum>,
) -> CompleteMultipartUploadOutput {
    let mut output = CompleteMultipartUploadOutput {
        location: Some(format!("/{bucket}/{key}")),
        bucket: Some(bucket),
        key: Some(key),
        e_tag: Some(ETag::Strong(e_tag)),
        checksum_type: Checksum::s3_kind(checksum),
        server_side_encryption: meta::encryption(),
        ..CompleteMultipartUploadOutput::default()
    };
    checksum::fill!(output, checksum);
    output
}

/// Whether the object is what this upload became, of these parts.
fn is_done(object: &Object, upload: &str, parts: &[CompletedPart]) -> bool {
    let md5s = parts.iter().map(|part| hex::decode(part.e_tag.as_ref()?.value()).ok());
    let md5s: Option<Vec<_>> = md5s.collect();
    object.meta.upload.as_deref() == Some(upload)
        && md5s.is_some_and(|md5s| e_tag(md5s.iter().map(Vec::as_slice)) == object.e_tag)
}

/// Turns the upload into an object. Nothing is changed before all is known to be well.
fn complete(
    index: &Transaction<'_>,
    upload: &Upload,
    claim: &Claim,
    mut creation: Creation,
) -> rusqlite::Result<Result<Change<Creation>, Refusal>> {
    let Upload { bucket, key, id, owner, .. } = upload;
    if index::upload::find(index, bucket, key, id)?.is_none() {
        return Ok(Err(Refusal::no_such_upload(id)));
    }
    let stored = index::part::list(index, *owner, 0, PARTS_MAX)?;
    let parts = match chosen(upload, claim, stored) {
        Ok(parts) => parts,
        Err(refusal) => return Ok(Err(refusal)),
    };
    creation.size = parts.iter().map(|part| part.size).sum();
    creation.e_tag = e_tag(parts.iter().map(|part| part.md5.as_slice()));
    creation.checksum = summed(upload, &parts);
    if let Err(refusal) = agree(claim, &creation) {
        return Ok(Err(refusal));
    }
    if let Err(refusal) = index::object::admit(index, &creation)? {
        return Ok(Err(refusal));
    }
    let mut unused = index::upload::take(index, upload)?;
    let kept: HashSet<&str> = parts.iter().map(|part| part.file.as_str()).collect();
    unused.retain(|file| !kept.contains(file.as_str()));
    let renumbered: Vec<Part> =
        parts.into_iter().zip(1..).map(|(part, number)| Part { number, ..part }).collect();
    Ok(index::object::create(index, &creation, &renumbered)?.map(|created| {
        let mut change = object_put::changed(created);
        change.unused.append(&mut unused);
        Change { value: creation, unused: change.unused, announced: change.announced }
    }))
}

/// The parts that the client names, in its order, which must be theirs.
fn chosen(upload: &Upload, claim: &Claim, stored: Vec<Part>) -> Result<Vec<Part>, Refusal> {
    let mut stored = stored.into_iter().peekable();
    let mut parts: Vec<Part> = Vec::new();
    for wanted in &claim.parts {
        let number = wanted.part_number.and_then(|number| u32::try_from(number).ok());
        let number = number.ok_or_else(Refusal::malformed_xml)?;
        if claim_is_unordered(&parts, number) {
            return Err(Refusal::new(
                "InvalidPartOrder",
                400,
                "The list of parts was not in ascending order. The parts list must be specified \
                 in order by part number.",
            )
            .with("UploadId", upload.id.clone()));
        }
        while stored.next_if(|part| part.number < number).is_some() {}
        let part = stored.next_if(|part| part.number == number);
        let part = part.filter(|part| is_meant(part, wanted, upload.checksum.algorithm));
        parts.push(part.ok_or_else(|| {
            Refusal::new(
                "InvalidPart",
                400,
                "One or more of the specified parts could not be found.  The part may not have \
                 been uploaded, or the specified entity tag may not match the part's entity tag.",
            )
            .with("UploadId", upload.id.clone())
            .with("PartNumber", number.to_string())
        })?);
    }
    let (_, all_but_last) = parts.split_last().ok_or_else(Refusal::malformed_xml)?;
    if let Some(small) = all_but_last.iter().find(|part| part.size < PART_BYTES_MIN) {
        let message = "Your proposed upload is smaller than the minimum allowed size";
        return Err(Refusal::new("EntityTooSmall", 400, message)
            .with("ProposedSize", small.size.to_string())
            .with("MinSizeAllowed", PART_BYTES_MIN.to_string())
            .with("PartNumber", small.number.to_string())
            .with("ETag", small.e_tag()));
    }
    Ok(parts)
}

fn claim_is_unordered(parts: &[Part], number: u32) -> bool {
    parts.last().is_some_and(|last| last.number >= number)
}

/// Whether a stored part is the one that the client names.
fn is_meant(part: &Part, wanted: &CompletedPart, algorithm: Algorithm) -> bool {
    let stated = match algorithm {
        Algorithm::Crc32 => &wanted.checksum_crc32,
        Algorithm::Crc32c => &wanted.checksum_crc32c,
        Algorithm::Crc64Nvme => &wanted.checksum_crc64nvme,
        Algorithm::Sha1 => &wanted.checksum_sha1,
        Algorithm::Sha256 => &wanted.checksum_sha256,
    };
    let same_tag = wanted.e_tag.as_ref().is_some_and(|tag| tag.value() == part.e_tag());
    let same_sum = match (stated, &part.checksum) {
        (Some(stated), Some(sum)) => *stated == BASE64.encode(sum),
        _ => true,
    };
    same_tag && same_sum
}

/// The ETag of an object of parts: the MD5 of their MD5s, and how many they are.
fn e_tag<'a>(md5s: impl Iterator<Item = &'a [u8]>) -> String {
    let (mut md5, mut count) = (md5::Md5::new(), 0);
    for part in md5s {
        md5.update(part);
        count += 1;
    }
    format!("{}-{count}", hex::encode(md5.finalize()))
}

fn summed(upload: &Upload, parts: &[Part]) -> Option<Checksum> {
    let sums: Option<Vec<_>> =
        parts.iter().map(|part| Some((part.checksum.clone()?, part.size))).collect();
    checksum::combined(upload.checksum.algorithm, upload.checksum.kind, &sums?)
}

/// The checksum of the object that the client states; not that of the request's body.
fn claimed(headers: &HeaderMap) -> Option<(Algorithm, String)> {
    [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme, Algorithm::Sha1, Algorithm::Sha256]
        .into_iter()
        .find_map(|algorithm| {
            let value = headers.get(algorithm.header())?.to_str().ok()?;
            Some((algorithm, value.to_owned()))
        })
}

/// Refuses an object that is not the one the client means.
fn agree(claim: &Claim, creation: &Creation) -> Result<(), Refusal> {
    if creation.size > OBJECT_BYTES_MAX {
        let message = "Your proposed upload exceeds the maximum allowed size";
        return Err(Refusal::new("EntityTooLarge", 400, message));
    }
    if claim.size.is_some_and(|size| size != index::int(creation.size)) {
        let message = "The provided 'x-amz-mp-object-size' header does not match what was \
                       computed";
        return Err(Refusal::new("InvalidRequest", 400, message));
    }
    let Some((algorithm, stated)) = &claim.checksum else { return Ok(()) };
    let computed = creation.checksum.as_ref().filter(|sum| sum.algorithm == *algorithm);
    let Some(computed) = computed else {
        let message = "The checksum's algorithm is not the one that the upload was created with";
        return Err(Refusal::new("InvalidRequest", 400, message));
    };
    // A composite value may come without the number of parts.
    let bare = match computed.kind {
        Kind::Composite => computed.text.split('-').next().unwrap_or_default(),
        Kind::FullObject => &computed.text,
    };
    if *stated != computed.text && *stated != bare {
        let message = format!(
            "The {} you specified did not match the calculated checksum.",
            algorithm.name()
        );
        return Err(Refusal::new("BadDigest", 400, message));
    }
    Ok(())
}
