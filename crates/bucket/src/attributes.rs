//! `GetObjectAttributes`: what is known of an object, as far as it is asked for.

use std::sync::Arc;

use bytes::Bytes;
use flow::Body;
use http::{Response, header};
use http_body_util::{BodyExt, Full};
use s3s::dto::{
    Checksum as S3Checksum, ETag, GetObjectAttributesInput, GetObjectAttributesOutput,
    GetObjectAttributesParts, ObjectPart, StorageClass,
};

use crate::{
    checksum::{self, Checksum},
    index::{self, object::Object, part::Part},
    list, moment,
    refusal::Refusal,
    room::{Call, Room},
};

/// What can be asked for.
const ATTRIBUTES: [&str; 5] = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"];

impl Room {
    pub(crate) async fn get_object_attributes(
        self: &Arc<Self>,
        _call: Call,
        input: GetObjectAttributesInput,
    ) -> Result<GetObjectAttributesOutput, Refusal> {
        // Clients send one header for all.
        let listed = input.object_attributes.iter().flat_map(|names| names.as_str().split(','));
        let asked: Vec<&str> = listed.map(str::trim).collect();
        if let Some(other) = asked.iter().find(|name| !ATTRIBUTES.contains(name)) {
            let message = "Invalid attribute name specified.";
            return Err(Refusal::invalid_argument(message, "x-amz-object-attributes", *other));
        }
        let asks = |name: &str| asked.contains(&name);
        let (object, parts) = self.object(&input.bucket, &input.key).await?;
        let object_parts = match asks("ObjectParts") && object.is_of_parts() {
            true => Some(page(&object, &parts, input.max_parts, input.part_number_marker)?),
            false => None,
        };
        let standard = || StorageClass::from_static(StorageClass::STANDARD);
        Ok(GetObjectAttributesOutput {
            checksum: object.checksum.as_ref().filter(|_| asks("Checksum")).map(shown),
            e_tag: asks("ETag").then(|| ETag::Strong(object.e_tag.clone())),
            last_modified: Some(moment::to_s3(object.modified)),
            object_parts,
            object_size: asks("ObjectSize").then(|| index::int(object.size)),
            storage_class: asks("StorageClass").then(standard),
            ..GetObjectAttributesOutput::default()
        })
    }
}

/// The answer with its ETag as S3 writes it here: without quotes.
pub(crate) async fn without_quotes(answer: Response<Body>) -> Result<Response<Body>, Refusal> {
    let (mut head, body) = answer.into_parts();
    let body = body.collect().await.map_err(|cause| Refusal::internal("answering", &cause))?;
    let text = String::from_utf8_lossy(&body.to_bytes())
        .replacen("<ETag>\"", "<ETag>", 1)
        .replacen("\"</ETag>", "</ETag>", 1);
    head.headers.remove(header::CONTENT_LENGTH);
    let body = Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed_unsync();
    Ok(Response::from_parts(head, body))
}

fn shown(sum: &Checksum) -> S3Checksum {
    let mut shown =
        S3Checksum { checksum_type: Checksum::s3_kind(Some(sum)), ..S3Checksum::default() };
    checksum::fill!(shown, Some(sum));
    shown
}

/// A page of an object's parts. S3 only counts them where nobody asked for a checksum but its own.
fn page(
    object: &Object,
    parts: &[Part],
    parts_max: Option<i32>,
    marker: Option<i32>,
) -> Result<GetObjectAttributesParts, Refusal> {
    let limit = list::limit("max-parts", parts_max)?;
    let after = u32::try_from(marker.unwrap_or(0)).map_err(|_| {
        let message = "Argument part-number-marker must be an integer between 0 and 2147483647";
        let given = marker.unwrap_or_default().to_string();
        Refusal::invalid_argument(message, "part-number-marker", given)
    })?;
    let asked = object.checksum.as_ref().filter(|sum| sum.algorithm != checksum::DEFAULT);
    let listed = |part: &Part| {
        let sum = asked.zip(part.checksum.as_deref());
        let sum = sum.map(|(of, bytes)| Checksum::full(of.algorithm, bytes));
        let mut listed = ObjectPart {
            part_number: i32::try_from(part.number).ok(),
            size: Some(index::int(part.size)),
            ..ObjectPart::default()
        };
        checksum::fill!(listed, sum.as_ref());
        listed
    };
    let mut page = GetObjectAttributesParts {
        max_parts: i32::try_from(limit).ok(),
        part_number_marker: i32::try_from(after).ok(),
        total_parts_count: i32::try_from(parts.len()).ok(),
        is_truncated: Some(false),
        ..GetObjectAttributesParts::default()
    };
    if asked.is_some() {
        let rest: Vec<&Part> = parts.iter().filter(|part| part.number > after).collect();
        let count = usize::try_from(limit).unwrap_or(usize::MAX);
        page.is_truncated = Some(rest.len() > count);
        let shown: Vec<ObjectPart> = rest.into_iter().take(count).map(listed).collect();
        page.next_part_number_marker = shown.last().map_or(Some(0), |part| part.part_number);
        page.parts = Some(shown);
    }
    Ok(page)
}
