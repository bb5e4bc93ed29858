//! Keys for an S3 client, renewed before they expire.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider, error::CredentialsError},
};
use aws_types::sdk_config::SharedTimeSource;
use object_store::{CredentialProvider, aws::AwsCredential};
use tokio::sync::Mutex;

use crate::{access::Access, error::Error};

/// How long before they expire keys are renewed. AWS renews an instance's keys at least this early.
const RENEWED_BEFORE_EXPIRY: Duration = Duration::from_secs(4 * 60);
/// How long finding keys may take; a credential process may ask somebody something.
const KEYS_WAIT_MAX: Duration = Duration::from_secs(60);

/// The keys of one [`Access`].
#[derive(Debug)]
pub(crate) struct Keys {
    access: Access,
    provider: SharedCredentialsProvider,
    time: SharedTimeSource,
    // Whoever finds them expiring renews them while the others wait: one request, not a herd.
    held: Mutex<Option<Held>>,
}

#[derive(Clone, Debug)]
struct Held {
    credential: Arc<AwsCredential>,
    expiry: Option<SystemTime>,
}

impl Keys {
    /// The keys that these settings lead to; nothing where they say that there are none.
    pub(crate) fn of(access: &Access, sdk: &SdkConfig) -> Option<Self> {
        Some(Self {
            access: access.clone(),
            provider: sdk.credentials_provider()?,
            time: sdk.time_source().unwrap_or_default(),
            held: Mutex::default(),
        })
    }

    /// The keys as they are now.
    pub(crate) async fn get(&self) -> Result<Arc<AwsCredential>, Error> {
        let mut held = self.held.lock().await;
        let now = self.time.now();
        if let Some(held) = held.as_ref().filter(|held| held.lasts(now + RENEWED_BEFORE_EXPIRY)) {
            return Ok(Arc::clone(&held.credential));
        }
        match (fetch(&self.access, &self.provider).await, held.as_ref()) {
            (Ok(credentials), _) => {
                let fresh = Held::new(&credentials);
                *held = Some(fresh.clone());
                Ok(fresh.credential)
            }
            // There is time for another try.
            (Err(_), Some(held)) if held.lasts(now) => Ok(Arc::clone(&held.credential)),
            (Err(error), _) => Err(error),
        }
    }
}

#[async_trait]
impl CredentialProvider for Keys {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        self.get().await.map_err(|error| object_store::Error::Unauthenticated {
            path: String::new(),
            source: Box::new(error),
        })
    }
}

impl Held {
    fn new(credentials: &Credentials) -> Self {
        let credential = AwsCredential {
            key_id: credentials.access_key_id().to_owned(),
            secret_key: credentials.secret_access_key().to_owned(),
            token: credentials.session_token().map(str::to_owned),
        };
        Self { credential: Arc::new(credential), expiry: credentials.expiry() }
    }

    fn lasts(&self, until: SystemTime) -> bool {
        self.expiry.is_none_or(|expiry| until < expiry)
    }
}

/// Asks for keys, within bounds.
pub(crate) async fn fetch(
    access: &Access,
    provider: &SharedCredentialsProvider,
) -> Result<Credentials, Error> {
    let asked = tokio::time::timeout(KEYS_WAIT_MAX, provider.provide_credentials()).await;
    asked
        .unwrap_or_else(|_| Err(CredentialsError::provider_timed_out(KEYS_WAIT_MAX)))
        .map_err(|source| Error::no_keys(access, source))
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Mutex as StdMutex,
        atomic::{AtomicU32, AtomicU64, Ordering},
    };

    use aws_credential_types::provider::future;
    use aws_types::sdk_config::TimeSource;

    use super::*;

    /// Keys that last a quarter of an hour, numbered; refused when told so.
    #[derive(Debug, Default)]
    struct Numbered {
        given: AtomicU32,
        refuses: StdMutex<bool>,
        now: Seconds,
    }

    #[derive(Clone, Debug, Default)]
    struct Seconds(Arc<AtomicU64>);

    impl TimeSource for Seconds {
        fn now(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::SeqCst))
        }
    }

    #[derive(Debug)]
    struct Shared(Arc<Numbered>);

    impl ProvideCredentials for Shared {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            if *self.0.refuses.lock().unwrap() {
                let error = CredentialsError::not_loaded("no more");
                return future::ProvideCredentials::ready(Err(error));
            }
            let number = self.0.given.fetch_add(1, Ordering::SeqCst);
            let until = self.0.now.now() + Duration::from_secs(15 * 60);
            future::ProvideCredentials::ready(Ok(Credentials::new(
                format!("key {number}"),
                "secret",
                None,
                Some(until),
                "test",
            )))
        }
    }

    fn keys() -> (Arc<Numbered>, Keys) {
        let source = Arc::new(Numbered::default());
        let sdk = SdkConfig::builder()
            .credentials_provider(SharedCredentialsProvider::new(Shared(Arc::clone(&source))))
            .time_source(SharedTimeSource::new(source.now.clone()))
            .build();
        let keys = Keys::of(&Access::default(), &sdk).unwrap();
        (source, keys)
    }

    async fn key_at(source: &Numbered, keys: &Keys, second: u64) -> String {
        source.now.0.store(second, Ordering::SeqCst);
        keys.get().await.unwrap().key_id.clone()
    }

    #[tokio::test]
    async fn keys_are_fetched_once_and_renewed_before_they_expire() {
        let (source, keys) = keys();
        assert_eq!(key_at(&source, &keys, 0).await, "key 0");
        assert_eq!(key_at(&source, &keys, 10 * 60).await, "key 0");
        assert_eq!(key_at(&source, &keys, 12 * 60).await, "key 1");
        assert_eq!(key_at(&source, &keys, 13 * 60).await, "key 1");
    }

    #[tokio::test]
    async fn keys_that_cannot_be_renewed_are_used_until_they_expire() {
        let (source, keys) = keys();
        assert_eq!(key_at(&source, &keys, 0).await, "key 0");
        *source.refuses.lock().unwrap() = true;
        assert_eq!(key_at(&source, &keys, 14 * 60).await, "key 0");
        source.now.0.store(15 * 60, Ordering::SeqCst);
        let error = keys.get().await.unwrap_err().to_string();
        assert!(error.contains("AWS_PROFILE"), "{error}");
    }
}
