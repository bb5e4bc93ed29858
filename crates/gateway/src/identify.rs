//! Who calls, by the signature.

use flow::{Caller, Key, Principal, Region, Timestamp};
use http::request::Parts;
use sigv4::{Authorization, Error, Expect, Verified};

use crate::gateway::Inner;

/// Services whose only endpoint is, or was, in `us-east-1`: credentials for them may say so.
const GLOBAL_SERVICES: &[&str] = &["sts", "iam"];
const GLOBAL_REGION: &str = "us-east-1";

/// A claim whose key is known; the body decides whether it is true.
pub(crate) struct Claimed {
    pub(crate) authorization: Authorization,
    pub(crate) region: Region,
    key: Key,
    now: Timestamp,
    demanded_region: Option<String>,
}

/// A verified, or rightly anonymous, caller.
#[derive(Clone, Debug)]
pub(crate) struct Identified {
    pub(crate) caller: Caller,
    pub(crate) signing_name: String,
    pub(crate) region: Region,
    pub(crate) presigned: bool,
}

impl Identified {
    /// Whether nobody signed.
    pub(crate) fn is_nobody(&self) -> bool {
        self.caller.principal == Principal::Anonymous
    }
}

/// Finds the key of a claim and refuses what can be refused before the body is here.
pub(crate) fn claim(
    inner: &Inner,
    authorization: Authorization,
    parts: &Parts,
    now: Timestamp,
) -> Result<Claimed, Error> {
    let key = inner.keys.find(&authorization.access_key_id).ok_or(Error::UnknownKey)?;
    let region = authorization
        .scope
        .region
        .parse()
        .map_err(|_| Error::Malformed("the region is no region's name"))?;
    let demanded_region = demanded_region(inner, &authorization);
    let claimed = Claimed { authorization, region, key, now, demanded_region };
    claimed.authorization.check(parts, &claimed.expect())?;
    Ok(claimed)
}

/// Embedded services are in one region.
fn demanded_region(inner: &Inner, authorization: &Authorization) -> Option<String> {
    let (service, region) = (&authorization.scope.service, &authorization.scope.region);
    let embedded = service == "s3"
        || model::by_signing_name(service).iter().any(|name| inner.services.contains_key(*name));
    let global = region == GLOBAL_REGION && GLOBAL_SERVICES.contains(&service.as_str());
    (embedded && !global).then(|| inner.region.to_string())
}

impl Claimed {
    fn expect(&self) -> Expect<'_> {
        Expect {
            now: self.now,
            secret: &self.key.secret,
            session_token: self.key.session_token.as_ref(),
            key_expires: self.key.expires,
            service: None,
            region: self.demanded_region.as_deref(),
        }
    }

    /// Proves the claim; `body_sha256` as the verifier takes it.
    pub(crate) fn verify(
        self,
        parts: &Parts,
        body_sha256: Option<&[u8; 32]>,
    ) -> Result<(Identified, Verified), Error> {
        let verified = self.authorization.verify(parts, &self.expect(), body_sha256)?;
        let identified = Identified {
            caller: self.key.caller,
            signing_name: self.authorization.scope.service,
            region: self.region,
            presigned: self.authorization.presigned,
        };
        Ok((identified, verified))
    }
}
