//! The client: one request, one bounded answer.

use std::{net::IpAddr, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::address::{Refused, check};

/// How long a connection may take.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// How long a request may take in all.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(15);
/// How much of an answer is read, in bytes; what follows is dropped.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Connections kept open to one host.
const IDLE_PER_HOST_MAX: usize = 4;

/// What may be spoken to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Policy {
    /// Whether loopback and private addresses may be.
    pub allow_private: bool,
}

/// A guarded HTTP client. Clones share connections.
#[derive(Clone, Debug)]
pub struct Client {
    inner: reqwest::Client,
    policy: Policy,
}

/// An answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Response {
    /// The HTTP status; redirects are answers.
    pub status: u16,
    /// The first 64 KiB of the body.
    pub body: Bytes,
}

impl Response {
    /// Whether the status is 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL will never do: another scheme, no host, credentials inside, or a refused address.
    #[error("{url}: {why}")]
    Refused {
        /// The URL without its query.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// Worth another try later.
    #[error("{url}: {source}")]
    Retry {
        /// The URL without its query.
        url: String,
        /// What went wrong.
        #[source]
        source: reqwest::Error,
    },
    /// TLS could not be set up on this machine.
    #[error("the HTTP client could not be made: {0}")]
    Unusable(#[source] reqwest::Error),
}

impl Client {
    /// A client under `policy`.
    ///
    /// # Errors
    /// [`Error::Unusable`] where the machine's trust store cannot be read.
    pub fn with(policy: Policy) -> Result<Self, Error> {
        let inner = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_TIME_MAX)
            .timeout(REQUEST_TIME_MAX)
            .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
            .dns_resolver(Arc::new(Guard { policy }))
            .build()
            .map_err(Error::Unusable)?;
        Ok(Self { inner, policy })
    }

    /// Whether `url` could be called at all, before any name is resolved.
    ///
    /// # Errors
    /// [`Error::Refused`] for another scheme than http and https, credentials in the URL, and
    /// addresses that the policy refuses.
    pub fn check(&self, url: &Url) -> Result<(), Error> {
        let refused = |why: String| Error::Refused { url: shown(url), why };
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused("only http and https URLs are called".to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("a URL with a user name or password is not called".to_owned()));
        }
        let address: IpAddr = match url.host() {
            Some(Host::Ipv4(v4)) => v4.into(),
            Some(Host::Ipv6(v6)) => v6.into(),
            Some(Host::Domain(_)) => return Ok(()),
            None => return Err(refused("the URL names no host".to_owned())),
        };
        check(address, self.policy.allow_private).map_err(|why| refused(why.to_string()))
    }

    /// Posts `body`.
    ///
    /// # Errors
    /// [`Error::Refused`] where no later try can succeed, [`Error::Retry`] else. An answer with an
    /// error status is no error here.
    pub async fn post(
        &self,
        url: &Url,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Response, Error> {
        self.check(url)?;
        let mut request = self.inner.post(url.clone()).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(url, request).await
    }

    /// Gets what stands at `url`.
    ///
    /// # Errors
    /// As [`Client::post`].
    pub async fn get(&self, url: &Url) -> Result<Response, Error> {
        self.check(url)?;
        self.send(url, self.inner.get(url.clone())).await
    }

    async fn send(&self, url: &Url, request: reqwest::RequestBuilder) -> Result<Response, Error> {
        let failed = |source: reqwest::Error| match refusal(&source) {
            Some(refused) => Error::Refused { url: shown(url), why: refused.to_string() },
            None => Error::Retry { url: shown(url), source: source.without_url() },
        };
        let answer = request.send().await.map_err(failed)?;
        let status = answer.status().as_u16();
        let mut stream = answer.bytes_stream();
        let mut body = BytesMut::new();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(failed)?;
            let room = ANSWER_BYTES_MAX.saturating_sub(body.len());
            body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
            if body.len() >= ANSWER_BYTES_MAX {
                break;
            }
        }
        Ok(Response { status, body: body.freeze() })
    }
}

/// The URL as errors show it: queries often hold secrets.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Both fail only for URLs that cannot have credentials, which then need no hiding.
    if url.set_password(None).is_err() || url.set_username("").is_err() {
        return format!("{}:…", url.scheme());
    }
    url.to_string()
}

/// The guard's refusal, where it lies under a client's error.
fn refusal(error: &(dyn std::error::Error + 'static)) -> Option<Refused> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(refused) = error.downcast_ref::<Refused>() {
            return Some(refused.clone());
        }
        next = error.source();
    }
    None
}

/// Resolves names and lets through only addresses that may be spoken to; the connection then goes
/// to one of these, so a second look-up cannot smuggle in another.
struct Guard {
    policy: Policy,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.policy.allow_private;
        Box::pin(async move {
            let mut allowed = Vec::new();
            let mut refused = None;
            for address in tokio::net::lookup_host((name.as_str(), 0)).await? {
                match check(address.ip(), allow_private) {
                    Ok(()) => allowed.push(address),
                    Err(why) => refused = Some(why),
                }
            }
            match refused {
                Some(why) if allowed.is_empty() => Err(why.into()),
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> bool {
        let client = Client::with(Policy::default()).unwrap();
        matches!(client.check(&url.parse().unwrap()), Err(Error::Refused { .. }))
    }

    #[test]
    fn urls_that_lead_inside_are_refused_before_any_connection() {
        for url in [
            "http://127.0.0.1/",
            "http://0x7f000001/",
            "http://2130706433/",
            "http://[::1]/",
            "http://[::ffff:169.254.169.254]/",
            "http://user:secret@example.com/",
            "file:///etc/passwd",
            "ftp://example.com/",
        ] {
            assert!(refused(url), "{url}");
        }
        assert!(!refused("https://example.com/hook"));
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_refused_for_good() {
        let client = Client::with(Policy::default()).unwrap();
        let error = client.get(&"http://localhost:9/".parse().unwrap()).await.unwrap_err();
        assert!(matches!(error, Error::Refused { .. }), "{error:?}");
    }

    #[test]
    fn errors_show_no_secrets_of_the_url() {
        let shown = shown(&"https://u:p@h/x?token=abc#f".parse().unwrap());
        assert_eq!(shown, "https://h/x");
    }
}
