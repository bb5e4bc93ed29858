//! Deleting several objects at once: which ones, only the body says, so it is read before anybody
//! is asked.

use std::future::ready;

use bytes::{BufMut, Bytes, BytesMut};
use flow::{Access, Body, Fault};
use http::Request;
use http_body_util::{BodyExt, Full};
use s3s::{
    dto::Delete,
    xml::{Deserialize, Deserializer},
};

use crate::{
    anonymous,
    answer::{self, Turned},
    budget::Share,
    identify::Identified,
    proven::{Reading, Unproven},
    route::Route,
    visit::Visit,
};

/// The largest list of keys, in bytes: a thousand keys of a kilobyte, with their markup.
const LIST_BYTES_MAX: usize = 2 * 1024 * 1024;

/// The same request, its body read, if the caller may delete all that it names.
pub(super) async fn checked(
    visit: &Visit,
    caller: &Identified,
    route: &Route,
    request: Request<Body>,
    reading: &Reading,
) -> Result<Request<Body>, Fault> {
    let (head, body) = request.into_parts();
    let mut share = visit.inner.budget.share();
    let (bytes, body) = match read(body, &mut share).await {
        Ok(read) => read,
        Err(Unread::Exhausted) => return Err(answer::turned_away(route, Turned::Busy)),
        Err(Unread::Bad) => return Err(reading.failure().map_or_else(malformed, Unproven::fault)),
    };
    let accesses = accesses(visit, &bytes)?;
    match visit.first_denial(caller, route, accesses) {
        Some(_) if caller.is_nobody() => Err(anonymous::denied()),
        Some(denied) => Err(denied),
        None => Ok(Request::from_parts(head, body)),
    }
}

/// Why a list is not read.
enum Unread {
    /// It is too long, or did not end well.
    Bad,
    /// Others' bodies take all the memory.
    Exhausted,
}

/// A body that is not too long and ended well, and another of the same.
async fn read(mut body: Body, share: &mut Share) -> Result<(Bytes, Body), Unread> {
    let (mut bytes, mut trailers) = (BytesMut::new(), None);
    while let Some(frame) = body.frame().await {
        match frame.map_err(|_| Unread::Bad)?.into_data() {
            Ok(piece) if bytes.len() + piece.len() <= LIST_BYTES_MAX => {
                share.grow(piece.len()).await.map_err(|_| Unread::Exhausted)?;
                bytes.put(piece);
            }
            Ok(_) => return Err(Unread::Bad),
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
    }
    let bytes = bytes.freeze();
    let whole = Full::new(bytes.clone()).with_trailers(ready(trailers.map(Ok)));
    Ok((bytes, whole.map_err(|never| match never {}).boxed_unsync()))
}

/// What the list asks for: read by the reader of whoever serves it, so that both see the same keys.
fn accesses(visit: &Visit, body: &[u8]) -> Result<Vec<Access>, Fault> {
    let mut reader = Deserializer::new(body);
    let list = Delete::deserialize(&mut reader).map_err(|_| malformed())?;
    reader.expect_eof().map_err(|_| malformed())?;
    let keys = list.objects.iter().map(|object| (&*object.key, object.version_id.as_deref()));
    Ok(crate::grant::s3::deletions(visit.parts.uri.path(), keys))
}

fn malformed() -> Fault {
    Fault::new(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )
}
