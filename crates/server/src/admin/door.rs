//! The admin API of a program that serves nothing else.

use std::sync::Arc;

use anyhow::Context;
use flow::{Chance, Secret};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Admin, View, serve};
use crate::{DataDir, Info, SERVER_FILE};

/// Letters of the token.
const TOKEN_LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// Its length in characters.
const TOKEN_CHARS: usize = 40;

/// The token of a data directory, made where there is none.
pub(crate) fn token(dir: &DataDir, chance: &dyn Chance) -> anyhow::Result<Secret> {
    let made = dir.private_text("admin.token", || chance.text(TOKEN_LETTERS, TOKEN_CHARS))?;
    Ok(Secret::new(made))
}

/// The admin API on a free port of loopback, as the data directory's `server.json` names it.
pub struct AdminDoor {
    admin: Admin,
    listener: TcpListener,
}

impl AdminDoor {
    /// Listens, and writes down how to reach it.
    ///
    /// # Errors
    /// Names the address or the file that cannot be used.
    pub async fn open(
        dir: &DataDir,
        chance: &dyn Chance,
        view: Arc<dyn View>,
    ) -> anyhow::Result<Self> {
        let listener =
            TcpListener::bind("127.0.0.1:0").await.context("cannot listen on 127.0.0.1")?;
        let token = token(dir, chance)?;
        let admin =
            Admin { view, road: None, token: token.clone(), address: listener.local_addr()? };
        let info = Info::of_door(dir, admin.address);
        dir.write_private(SERVER_FILE, &info.to_json(&token))?;
        Ok(Self { admin, listener })
    }

    /// Serves until `stop`.
    pub async fn serve(self, stop: CancellationToken) {
        serve(self.admin, self.listener, stop).await;
    }
}
