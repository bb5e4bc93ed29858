//! What only a server has to show: its journal, and what may be put onto its road.

use std::sync::Arc;

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use flow::{AccountId, Chance, Region};
use store::Offset;

use crate::{admin::Failed, config::Config, server::Rooms};

/// A server's road, as the admin API reaches it.
pub(crate) struct Road {
    pub(crate) rooms: Arc<Rooms>,
    pub(crate) chance: Arc<dyn Chance>,
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    /// Whether records that nobody's call made may be put onto it.
    pub(crate) dev: bool,
    /// Where the journal stood when the server started.
    pub(crate) boot: Offset,
}

impl Road {
    pub(crate) fn of(config: &Config, rooms: Arc<Rooms>, chance: Arc<dyn Chance>) -> Self {
        Self {
            boot: rooms.journal.end(),
            rooms,
            chance,
            account: config.account_id.clone(),
            region: config.region.clone(),
            dev: config.dev,
        }
    }
}

/// Why a request is not served: the caller's fault, or ours.
pub(super) enum Refused {
    Wrong(StatusCode, String),
    Failed(Failed),
}

impl Refused {
    pub(super) fn bad(why: impl Into<String>) -> Self {
        Self::Wrong(StatusCode::BAD_REQUEST, why.into())
    }

    /// What runs here is no server.
    pub(super) fn no_road() -> Self {
        let why = "what runs here is `trailhound watch`, which has no journal of its own: ask a \
                   server that `trailhound up` runs";
        Self::Wrong(StatusCode::NOT_FOUND, why.to_owned())
    }
}

impl From<store::Error> for Refused {
    fn from(error: store::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Wrong(status, why) => (status, format!("{why}\n")).into_response(),
            Self::Failed(failed) => failed.into_response(),
        }
    }
}
