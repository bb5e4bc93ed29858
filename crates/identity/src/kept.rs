//! The rows that outlive the process: the root key, and sessions.

use flow::{Secret, Timestamp};

use crate::{Credentials, Error};

/// The row of the root key.
pub(crate) const ROOT_ROW: &str = "root";
/// Rows of sessions are this and the access key id.
pub(crate) const SESSION_ROWS: &str = "session/";

/// The root key as it is kept.
#[derive(serde::Serialize, serde::Deserialize)]
pub(crate) struct RootRow {
    pub(crate) access_key_id: String,
    secret: String,
}

impl RootRow {
    pub(crate) fn new(access_key_id: String, secret: &Secret) -> Self {
        Self { access_key_id, secret: secret.expose().to_owned() }
    }

    pub(crate) fn secret(&self) -> Secret {
        Secret::new(self.secret.clone())
    }
}

/// A session as it is kept.
#[derive(serde::Serialize, serde::Deserialize)]
pub(crate) struct SessionRow {
    access_key_id: String,
    secret: String,
    session_token: String,
    pub(crate) created: Timestamp,
    expires: Timestamp,
    #[serde(default)]
    pub(crate) of: SessionOf,
    /// The documents that bound it.
    #[serde(default)]
    pub(crate) policies: Option<Vec<String>>,
}

/// Whose session it is.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) enum SessionOf {
    #[default]
    Root,
    User {
        id: String,
        path: String,
        name: String,
    },
    Role {
        role_id: String,
        path: String,
        role: String,
        session_name: String,
    },
}

impl SessionRow {
    pub(crate) fn new(
        credentials: &Credentials,
        created: Timestamp,
        of: SessionOf,
        policies: Option<Vec<String>>,
    ) -> Self {
        Self {
            access_key_id: credentials.access_key_id.clone(),
            secret: credentials.secret.expose().to_owned(),
            session_token: credentials.session_token.expose().to_owned(),
            created,
            expires: credentials.expires,
            of,
            policies,
        }
    }

    pub(crate) fn credentials(&self) -> Credentials {
        Credentials {
            access_key_id: self.access_key_id.clone(),
            secret: Secret::new(self.secret.clone()),
            session_token: Secret::new(self.session_token.clone()),
            expires: self.expires,
        }
    }
}

/// Where the session with this access key id is kept.
pub(crate) fn session_row(access_key_id: &str) -> String {
    format!("{SESSION_ROWS}{access_key_id}")
}

pub(crate) fn write(row: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(row).expect("a row of texts is always JSON")
}

pub(crate) fn read<T: serde::de::DeserializeOwned>(row: &str, bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|source| Error::Damaged { row: row.to_owned(), source })
}
