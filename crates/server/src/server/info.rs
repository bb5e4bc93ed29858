//! How others on this machine find a running server.

use flow::Secret;
use serde::{Deserialize, Serialize};

use crate::{admin::Admin, config::Config, dir::DataDir, server::Rooms};

/// The file of the data directory that holds an [`Info`]; private, for it names keys.
pub const SERVER_FILE: &str = "server.json";

/// What a client needs to know of a running server; `up --json` prints it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Info {
    /// The AWS endpoint's URL.
    pub endpoint: String,
    /// The admin API's URL.
    pub console: String,
    /// The account.
    pub account_id: String,
    /// The region.
    pub region: String,
    /// The root's access key id.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: String,
    /// The data directory.
    pub dir: String,
    /// The admin API's token; only in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin_token: Option<String>,
}

impl Info {
    pub(crate) fn of(
        config: &Config,
        dir: &DataDir,
        endpoint: &str,
        admin: &Admin,
        rooms: &Rooms,
    ) -> Self {
        let (access_key_id, secret) = rooms.identity.root_key();
        Self {
            endpoint: endpoint.to_owned(),
            console: format!("http://{}", admin.address),
            account_id: config.account_id.to_string(),
            region: config.region.to_string(),
            access_key_id,
            secret_access_key: secret.expose().to_owned(),
            dir: dir.path().display().to_string(),
            admin_token: None,
        }
    }

    /// Of a program that serves no AWS endpoint: its fields are empty.
    pub(crate) fn of_door(dir: &DataDir, address: std::net::SocketAddr) -> Self {
        Self {
            endpoint: String::new(),
            console: format!("http://{address}"),
            account_id: String::new(),
            region: String::new(),
            access_key_id: String::new(),
            secret_access_key: String::new(),
            dir: dir.path().display().to_string(),
            admin_token: None,
        }
    }

    /// The file's text.
    pub(crate) fn to_json(&self, token: &Secret) -> String {
        let whole = Self { admin_token: Some(token.expose().to_owned()), ..self.clone() };
        serde_json::to_string(&whole).expect("plain text is JSON")
    }
}
