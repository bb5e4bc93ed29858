//! Where a function's zip can be fetched from, for a while, by whoever asked for it.

use std::{collections::VecDeque, sync::Mutex};

use bytes::Bytes;
use flow::Timestamp;

use crate::{Functions, code::Stored};

/// How long a location holds, in milliseconds; as long as Lambda's.
const HOLDS_MILLIS: i64 = 10 * 60 * 1_000;
/// Locations at once; the oldest go first.
const TICKETS_MAX: usize = 256;
/// Letters of a location.
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// How many of them: nobody guesses as many.
const CHARS: usize = 43;
/// What its path begins with.
const PATH: &str = "/lambda-code/";

/// The locations that were given out.
#[derive(Default)]
pub(crate) struct Downloads(Mutex<VecDeque<Ticket>>);

struct Ticket {
    token: String,
    stored: Stored,
    until: Timestamp,
}

impl Functions {
    /// A path of the endpoint that gives this zip.
    pub(super) fn location(&self, stored: &Stored) -> String {
        let host = &self.0.host;
        let token = host.chance.text(LETTERS, CHARS);
        let path = format!("{PATH}{token}");
        let mut tickets = self.0.downloads.0.lock().expect("no holder panics");
        if tickets.len() >= TICKETS_MAX {
            tickets.pop_front();
        }
        let until = host.clock.now().plus_millis(HOLDS_MILLIS);
        tickets.push_back(Ticket { token, stored: stored.clone(), until });
        path
    }

    /// The zip that a path of the endpoint gives to whoever knows it; `None` where it is none of
    /// those that `GetFunction` told of in the last minutes.
    pub async fn download(&self, path: &str) -> Option<Bytes> {
        let token = path.strip_prefix(PATH)?;
        let now = self.0.host.clock.now();
        let stored = {
            let tickets = self.0.downloads.0.lock().expect("no holder panics");
            let found = tickets.iter().find(|ticket| ticket.token == token && ticket.until > now);
            found?.stored.clone()
        };
        tokio::fs::read(self.0.shelf.take(&stored).zip()).await.ok().map(Bytes::from)
    }
}
