//! `PutObject`, and the storing of any body.

use std::sync::Arc;

use bytes::Bytes;
use flow::{BodyError, Fault};
use futures_util::{Stream, StreamExt};
use http::HeaderMap;
use s3s::dto::{ETag, PutObjectInput, PutObjectOutput};
use tokio::task::spawn_blocking;

use crate::{
    blob::{WriteError, Writing, Written},
    checksum::{self, Algorithm, Checksum, Stated},
    condition::WriteCondition,
    index::{
        self,
        object::{Created, Creation},
        part::Part,
    },
    meta,
    refusal::Refusal,
    room::{Call, Change, Room},
    tagging,
};

/// An object that is put in one go, or a part (S3's limit).
pub(crate) const BODY_BYTES_MAX: u64 = 5 * 1024 * 1024 * 1024;

/// Bytes that are gathered before they go to the disk together.
const GATHERED_BYTES: usize = 512 * 1024;

impl Room {
    pub(crate) async fn put_object(
        self: &Arc<Self>,
        call: Call,
        input: PutObjectInput,
    ) -> Result<PutObjectOutput, Refusal> {
        self.bucket(&input.bucket).await?;
        let condition = WriteCondition::of_headers(&call.headers)?;
        let mut meta = meta::stated!(input)?;
        meta.tags = tagging::of_header(input.tagging.as_deref())?;
        let body = input.body.into_iter().map(StreamExt::boxed).next();
        let (written, algorithm) = self.receive(&call, body, None).await?;
        let creation = Creation {
            bucket: input.bucket,
            key: input.key,
            event_name: "ObjectCreated:Put",
            size: written.size,
            e_tag: hex::encode(&written.sums.md5),
            checksum: written.sums.of(algorithm).map(|sum| Checksum::full(algorithm, sum)),
            meta,
            condition,
            origin: call.origin(),
            now: self.clock.now(),
        };
        let mut output = PutObjectOutput {
            e_tag: Some(ETag::Strong(creation.e_tag.clone())),
            checksum_type: Checksum::s3_kind(creation.checksum.as_ref()),
            server_side_encryption: meta::encryption(),
            ..PutObjectOutput::default()
        };
        checksum::fill!(output, creation.checksum.as_ref());
        self.create(creation, written, algorithm).await?;
        Ok(output)
    }

    /// Gives a written file its object.
    pub(crate) async fn create(
        self: &Arc<Self>,
        creation: Creation,
        written: Written,
        algorithm: Algorithm,
    ) -> Result<(), Refusal> {
        let part = Part::of(&written, 1, algorithm, creation.now);
        self.commit(Some(written), move |index| {
            Ok(index::object::create(index, &creation, &[part])?.map(changed))
        })
        .await
    }

    /// Stores the body of a call and compares it with what the client stated about it. Says by
    /// which algorithm it is summed: the one of `wanted`, or the client's, or S3's default.
    pub(crate) async fn receive<S>(
        self: &Arc<Self>,
        call: &Call,
        body: Option<S>,
        wanted: Option<Algorithm>,
    ) -> Result<(Written, Algorithm), Refusal>
    where
        S: Stream<Item = Result<Bytes, BodyError>> + Send + Unpin,
    {
        let _place = self.body_place()?;
        let stated = Stated::of_headers(&call.headers)?;
        let announced = length(&call.headers, "x-amz-decoded-content-length");
        if let Some(bytes) = announced.or_else(|| length(&call.headers, "content-length"))
            && bytes > BODY_BYTES_MAX
        {
            return Err(too_large(bytes, BODY_BYTES_MAX));
        }
        let mut algorithms = stated.to_take(&call.headers)?;
        algorithms.extend(wanted);
        let written = self.store(body, &algorithms, BODY_BYTES_MAX).await?;
        if announced.is_some_and(|bytes| bytes != written.size) {
            return Err(incomplete());
        }
        let stated = stated.with_trailers(call.trailers.get().as_ref())?;
        stated.check(&written.sums)?;
        let algorithm = match wanted {
            Some(algorithm) => algorithm,
            None => stated.algorithm(&call.headers)?.unwrap_or(checksum::DEFAULT),
        };
        Ok((written, algorithm))
    }

    /// Stores bytes as they come; nothing is kept where they do not come to an end.
    pub(crate) async fn store<S>(
        &self,
        body: Option<S>,
        algorithms: &[Algorithm],
        bytes_max: u64,
    ) -> Result<Written, Refusal>
    where
        S: Stream<Item = Result<Bytes, BodyError>> + Send + Unpin,
    {
        let (blobs, algorithms) = (Arc::clone(&self.blobs), algorithms.to_vec());
        let mut writing = spawn_blocking(move || blobs.begin(&algorithms, bytes_max))
            .await
            .unwrap_or_else(|cause| Err(std::io::Error::other(cause)))
            .map_err(WriteError::Disk)?;
        if let Some(mut body) = body {
            let (mut gathered, mut bytes) = (Vec::new(), 0);
            while let Some(chunk) = body.next().await {
                let chunk = chunk.map_err(|cause| broken(&cause))?;
                bytes += chunk.len();
                gathered.push(chunk);
                if bytes >= GATHERED_BYTES {
                    writing = writing.write(std::mem::take(&mut gathered)).await?;
                    bytes = 0;
                }
            }
            writing = Writing::write(writing, gathered).await?;
        }
        Ok(writing.finish().await?)
    }
}

/// What a created object leaves to do.
pub(crate) fn changed(created: Created) -> Change<()> {
    Change { value: (), unused: created.replaced, announced: created.announced }
}

fn length(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}

fn incomplete() -> Refusal {
    Refusal::new(
        "IncompleteBody",
        400,
        "You did not provide the number of bytes specified by the Content-Length HTTP header",
    )
}

fn too_large(bytes: u64, bytes_max: u64) -> Refusal {
    Refusal::new("EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed size")
        .with("ProposedSize", bytes.to_string())
        .with("MaxSizeAllowed", bytes_max.to_string())
}

/// A body that did not come to its end: whoever made it may have said why.
pub(crate) fn broken(cause: &BodyError) -> Refusal {
    match cause.downcast_ref::<Fault>() {
        Some(fault) => Refusal::new(fault.code.clone(), fault.status, fault.message.clone()),
        None => {
            tracing::debug!(%cause, "A body broke off: {cause}");
            incomplete()
        }
    }
}

impl From<WriteError> for Refusal {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::TooLarge { bytes, bytes_max } => too_large(bytes, bytes_max),
            WriteError::Disk(cause) => Self::internal("storing bytes", &cause),
        }
    }
}
