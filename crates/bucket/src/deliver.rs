//! Deliveries from inside the process: a trail's log files.

use bytes::Bytes;
use flow::{AccountId, BodyError, Chance, Deliver, Delivery, DeliveryError, Pending};
use futures_util::stream;
use md5::Digest as _;
use tracing::warn;

use crate::{
    Buckets,
    checksum::{self, Checksum},
    condition::WriteCondition,
    event::Origin,
    index::{object::Creation, part::Part},
    meta::Meta,
    object_put::BODY_BYTES_MAX,
    refusal::Refusal,
    room::Room,
};

/// Who puts a trail's files, as events say it.
const PRINCIPAL: &str = "AWS:cloudtrail.amazonaws.com";

/// Where a call from inside the process comes from.
const SOURCE_IP: &str = "127.0.0.1";

impl Deliver for Buckets {
    fn put_if_absent<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        bytes: Bytes,
        headers: &'a [(&'a str, &'a str)],
    ) -> Pending<'a, Result<Delivery, DeliveryError>> {
        Box::pin(async move {
            let sha256 = sha2::Sha256::digest(&bytes);
            if let Some(standing) = self.standing(bucket, key).await? {
                return compared(&standing, &sha256);
            }
            let written = self.put(bucket, key, bytes, headers).await;
            match written {
                Ok(()) => Ok(Delivery::Stored),
                Err(refusal) if refusal.code == "PreconditionFailed" => {
                    // Somebody was quicker.
                    let standing = self.standing(bucket, key).await?;
                    standing.map_or_else(
                        || Err(retry(refusal)),
                        |standing| compared(&standing, &sha256),
                    )
                }
                Err(refusal) => Err(retry(refusal)),
            }
        })
    }

    fn bucket_owner<'a>(
        &'a self,
        bucket: &'a str,
    ) -> Pending<'a, Result<Option<AccountId>, DeliveryError>> {
        Box::pin(async move {
            match self.room.bucket(bucket).await {
                Ok(_) => Ok(Some(self.room.config.account.clone())),
                Err(refusal) if refusal.code == "NoSuchBucket" => Ok(None),
                Err(refusal) => Err(retry(refusal)),
            }
        })
    }
}

impl Buckets {
    /// The files of what stands under a key.
    async fn standing(&self, bucket: &str, key: &str) -> Result<Option<Vec<Part>>, DeliveryError> {
        match self.room.object(bucket, key).await {
            Ok((_, parts)) => Ok(Some(parts)),
            Err(refusal) if refusal.code == "NoSuchKey" => Ok(None),
            Err(refusal) => Err(retry(refusal)),
        }
    }

    async fn put(
        &self,
        bucket: &str,
        key: &str,
        bytes: Bytes,
        headers: &[(&str, &str)],
    ) -> Result<(), Refusal> {
        let room = &self.room;
        let body = stream::iter([Ok::<_, BodyError>(bytes)]);
        let algorithm = checksum::DEFAULT;
        let written = room.store(Some(body), &[algorithm], BODY_BYTES_MAX).await?;
        let creation = Creation {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            event_name: "ObjectCreated:Put",
            size: written.size,
            e_tag: hex::encode(&written.sums.md5),
            checksum: written.sums.of(algorithm).map(|sum| Checksum::full(algorithm, sum)),
            meta: meta(headers),
            condition: WriteCondition::Absent,
            origin: origin(room),
            now: room.clock.now(),
        };
        room.create(creation, written, algorithm).await
    }
}

fn compared(standing: &[Part], sha256: &[u8]) -> Result<Delivery, DeliveryError> {
    match standing {
        [only] if only.sha256 == sha256 => Ok(Delivery::AlreadyThere),
        _ => Err(DeliveryError::Conflict),
    }
}

fn retry(refusal: Refusal) -> DeliveryError {
    let (code, message) = (refusal.code.into_owned(), refusal.message.into_owned());
    DeliveryError::Retry { code, message }
}

fn meta(headers: &[(&str, &str)]) -> Meta {
    let mut meta = Meta::default();
    for (name, value) in headers {
        let (name, value) = (name.to_ascii_lowercase(), (*value).to_owned());
        match name.as_str() {
            "content-type" => meta.content_type = Some(value),
            "content-encoding" => meta.content_encoding = Some(value),
            _ => match name.strip_prefix("x-amz-meta-") {
                Some(own) => {
                    meta.user.insert(own.to_owned(), value);
                }
                None => warn!(header = %name, "A delivery's header `{name}` is not kept"),
            },
        }
    }
    meta
}

/// Ids such as an S3 answer would carry.
fn origin(room: &Room) -> Origin {
    let chance: &dyn Chance = room.chance.as_ref();
    Origin {
        principal_id: PRINCIPAL.to_owned(),
        source_ip: SOURCE_IP.to_owned(),
        request_id: chance.text(b"0123456789ABCDEFGHJKMNPQRSTVWXYZ", 16),
        host_id: {
            use base64::Engine as _;
            let mut bytes = [0; 56];
            chance.fill(&mut bytes);
            base64::engine::general_purpose::STANDARD.encode(bytes)
        },
    }
}
