//! `ListObjectVersions`: no bucket is versioned, so each object is its only version, called `null`.

use std::sync::Arc;

use s3s::dto::{
    ListObjectVersionsInput, ListObjectVersionsOutput, Object as Listed, ObjectVersion,
    ObjectVersionStorageClass,
};

use super::{Query, Spelling, common, limit};
use crate::{
    refusal::Refusal,
    room::{Call, Room},
};

/// The version of an object in a bucket without versions.
const ONLY_VERSION: &str = "null";

fn version(object: Listed) -> ObjectVersion {
    ObjectVersion {
        checksum_algorithm: object.checksum_algorithm,
        checksum_type: object.checksum_type,
        e_tag: object.e_tag,
        is_latest: Some(true),
        key: object.key,
        last_modified: object.last_modified,
        owner: object.owner,
        restore_status: None,
        size: object.size,
        storage_class: Some(ObjectVersionStorageClass::from_static("STANDARD")),
        version_id: Some(ONLY_VERSION.to_owned()),
    }
}

/// Refuses a version to go on behind that cannot be one.
fn check_marker(version: Option<&str>, key: Option<&str>) -> Result<(), Refusal> {
    let Some(version) = version.filter(|version| !version.is_empty()) else { return Ok(()) };
    let message = if key.unwrap_or_default().is_empty() {
        "A version-id marker cannot be specified without a key marker."
    } else if version != ONLY_VERSION {
        "Invalid version id specified"
    } else {
        return Ok(());
    };
    Err(Refusal::invalid_argument(message, "version-id-marker", version))
}

impl Room {
    pub(crate) async fn list_object_versions(
        self: &Arc<Self>,
        _call: Call,
        input: ListObjectVersionsInput,
    ) -> Result<ListObjectVersionsOutput, Refusal> {
        let spelling = Spelling::of(input.encoding_type.as_ref())?;
        let keys_max = limit("max-keys", input.max_keys)?;
        check_marker(input.version_id_marker.as_deref(), input.key_marker.as_deref())?;
        let query = Query {
            prefix: input.prefix.clone().unwrap_or_default(),
            delimiter: input.delimiter.clone().unwrap_or_default(),
            after: input.key_marker.clone().unwrap_or_default(),
            keys_max,
        };
        let page = self.page_of(&input.bucket, query).await?;
        let ends_with_key = page.items.last().map(|object| &object.key) == page.next.as_ref();
        let version_next = page.next.is_some() && ends_with_key;
        let versions = page.items.into_iter().map(|object| self.listed(object, spelling, true));
        Ok(ListObjectVersionsOutput {
            name: Some(input.bucket),
            prefix: Some(spelling.of_key(&input.prefix.unwrap_or_default())),
            key_marker: Some(spelling.of_key(&input.key_marker.unwrap_or_default())),
            version_id_marker: Some(input.version_id_marker.unwrap_or_default()),
            max_keys: i32::try_from(keys_max).ok(),
            is_truncated: Some(page.next.is_some()),
            next_key_marker: spelling.of_option(page.next),
            next_version_id_marker: version_next.then(|| ONLY_VERSION.to_owned()),
            versions: Some(versions.map(version).collect()),
            common_prefixes: common(page.common_prefixes, spelling),
            delimiter: spelling.of_option(input.delimiter.filter(|text| !text.is_empty())),
            encoding_type: input.encoding_type,
            ..ListObjectVersionsOutput::default()
        })
    }
}
