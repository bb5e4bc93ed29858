//! `trailhound users`: people and programs that call, and their keys.

use std::{process::ExitCode, sync::Arc};

use anyhow::{Context, bail};
use client::{Client, Credentials};
use flow::{Secret, Tree};
use server::SystemClock;

use crate::{
    admin,
    args::{Account, Users, UsersCommand},
    output,
};

/// IAM lives in one region, whichever the server's is.
const REGION: &str = "us-east-1";
/// Pages of a list that are read.
const PAGES_MAX: usize = 1_000;
/// Keys that IAM lets a user have.
const KEYS_MAX: usize = 2;
const ACTIVE: &str = "Active";
const INACTIVE: &str = "Inactive";

pub(crate) async fn run(args: &Users) -> anyhow::Result<ExitCode> {
    match &args.command {
        UsersCommand::List { account } => list(account).await?,
        UsersCommand::Add { account, name, policy } => add(account, name, policy).await?,
        UsersCommand::Rotate { account, name, keep } => rotate(account, name, *keep).await?,
        UsersCommand::Disable { account, name, keys } => disable(account, name, keys).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// IAM of a running server, called as the account's root.
struct Iam(Client);

/// A key without its secret.
#[derive(Clone, Debug, serde::Serialize)]
struct Key {
    id: String,
    status: String,
    created: String,
}

#[derive(Debug, serde::Serialize)]
struct User {
    name: String,
    arn: String,
    created: String,
    keys: Vec<Key>,
}

/// A key as it is shown once.
#[derive(serde::Serialize)]
struct Made {
    name: String,
    access_key_id: String,
    secret_access_key: String,
}

impl Iam {
    fn of(account: &Account) -> anyhow::Result<Self> {
        let info = admin::info(&account.place.dir)?;
        if info.endpoint.is_empty() {
            let dir = account.place.dir.display();
            bail!("what runs in {dir} is `trailhound watch`, which has no users");
        }
        let keys = Credentials {
            access_key_id: info.access_key_id,
            secret: Secret::new(info.secret_access_key),
            session_token: None,
        };
        let client = Client::of(&info.endpoint, REGION, keys, Arc::new(SystemClock))?
            .with_user_agent(concat!("trailhound-users/", env!("CARGO_PKG_VERSION")))?;
        let Some(path) = &account.ca_bundle else { return Ok(Self(client)) };
        let pem = std::fs::read(path).with_context(|| path.display().to_string())?;
        let roots = reqwest::Certificate::from_pem_bundle(&pem)
            .with_context(|| format!("{} holds no certificates", path.display()))?;
        let http = reqwest::Client::builder().no_proxy().tls_certs_merge(roots).build()?;
        Ok(Self(client.with_http(http)))
    }

    async fn call(&self, operation: &str, input: &[(&str, &str)]) -> anyhow::Result<Tree> {
        let input = Tree::map(input.iter().map(|(name, value)| (*name, Tree::from(*value))));
        self.0.call("iam", operation, &input).await.map_err(|error| match error {
            client::Error::Http { .. } => {
                anyhow::Error::new(error).context("the server's endpoint does not answer")
            }
            // What the server says may repeat what somebody named.
            other => anyhow::Error::msg(output::safe(&other.to_string())),
        })
    }

    /// All pages of a list.
    async fn all(
        &self,
        operation: &str,
        list: &str,
        input: &[(&str, &str)],
    ) -> anyhow::Result<Vec<Tree>> {
        let (mut items, mut marker) = (Vec::new(), None::<String>);
        for _ in 0..PAGES_MAX {
            let mut input = input.to_vec();
            input.extend(marker.as_deref().map(|marker| ("Marker", marker)));
            let page = self.call(operation, &input).await?;
            items.extend(page.list(list).iter().cloned());
            marker = page.text("Marker").map(str::to_owned);
            if page.bool("IsTruncated") != Some(true) || marker.is_none() {
                break;
            }
        }
        Ok(items)
    }

    async fn keys(&self, name: &str) -> anyhow::Result<Vec<Key>> {
        let found = self.all("ListAccessKeys", "AccessKeyMetadata", &[("UserName", name)]).await?;
        let key = |key: &Tree| Key {
            id: text(key, "AccessKeyId"),
            status: text(key, "Status"),
            created: time(key),
        };
        Ok(found.iter().map(key).collect())
    }

    async fn make_key(&self, name: &str) -> anyhow::Result<Made> {
        let made = self.call("CreateAccessKey", &[("UserName", name)]).await?;
        let key = made.get("AccessKey").context("the server made no key")?;
        Ok(Made {
            name: name.to_owned(),
            access_key_id: text(key, "AccessKeyId"),
            secret_access_key: text(key, "SecretAccessKey"),
        })
    }

    async fn set(&self, name: &str, key: &str, status: &str) -> anyhow::Result<()> {
        let input = [("UserName", name), ("AccessKeyId", key), ("Status", status)];
        self.call("UpdateAccessKey", &input).await.map(drop)
    }
}

fn text(tree: &Tree, name: &str) -> String {
    tree.text(name).unwrap_or_default().to_owned()
}

fn time(tree: &Tree) -> String {
    match tree.get("CreateDate") {
        Some(Tree::Time(at)) => at.to_seconds_text(),
        _ => "-".to_owned(),
    }
}

async fn list(account: &Account) -> anyhow::Result<()> {
    let iam = Iam::of(account)?;
    let mut users = Vec::new();
    for user in iam.all("ListUsers", "Users", &[]).await? {
        let name = text(&user, "UserName");
        let keys = iam.keys(&name).await?;
        users.push(User { arn: text(&user, "Arn"), created: time(&user), name, keys });
    }
    if account.json {
        users.iter().for_each(output::json);
    } else if users.is_empty() {
        output::line("No users: `trailhound users add NAME` makes one.");
    } else {
        let rows: Vec<_> = users.iter().map(row).collect();
        output::table(&["NAME", "CREATED", "KEYS"], &rows);
    }
    Ok(())
}

fn row(user: &User) -> Vec<String> {
    let keys = user.keys.iter().map(|key| match key.status.as_str() {
        ACTIVE => key.id.clone(),
        status => format!("{} ({})", key.id, status.to_lowercase()),
    });
    let keys: Vec<String> = keys.collect();
    vec![output::safe(&user.name), user.created.clone(), output::safe(&keys.join(", "))]
}

async fn add(account: &Account, name: &str, policies: &[String]) -> anyhow::Result<()> {
    let iam = Iam::of(account)?;
    iam.call("CreateUser", &[("UserName", name)]).await?;
    for policy in policies {
        let arn = match policy.starts_with("arn:") {
            true => policy.clone(),
            false => format!("arn:aws:iam::aws:policy/{policy}"),
        };
        let attached =
            iam.call("AttachUserPolicy", &[("UserName", name), ("PolicyArn", &arn)]).await;
        if let Err(error) = attached {
            // Half a user is none: another try with a better policy must not find the name taken.
            return Err(match undone(&iam, name, policies).await {
                Ok(()) => error,
                Err(left) => error.context(format!("the user is made without keys ({left:#})")),
            });
        }
    }
    show(&iam.make_key(name).await?, account.json, "New user");
    Ok(())
}

/// Takes back a user that has no keys yet.
async fn undone(iam: &Iam, name: &str, policies: &[String]) -> anyhow::Result<()> {
    if !policies.is_empty() {
        let input = [("UserName", name)];
        for attached in iam.all("ListAttachedUserPolicies", "AttachedPolicies", &input).await? {
            let arn = text(&attached, "PolicyArn");
            iam.call("DetachUserPolicy", &[("UserName", name), ("PolicyArn", &arn)]).await?;
        }
    }
    iam.call("DeleteUser", &[("UserName", name)]).await.map(drop)
}

async fn rotate(account: &Account, name: &str, keep: bool) -> anyhow::Result<()> {
    let iam = Iam::of(account)?;
    let before = iam.keys(name).await?;
    if before.len() >= KEYS_MAX {
        let Some(unused) = before.iter().find(|key| key.status == INACTIVE) else {
            bail!(
                "`{}` has {KEYS_MAX} active keys, as many as IAM allows: `trailhound users disable \
                 {} KEY` says which of them may go",
                output::safe(name),
                output::safe(name)
            );
        };
        let input = [("UserName", name), ("AccessKeyId", unused.id.as_str())];
        iam.call("DeleteAccessKey", &input).await?;
    }
    // Shown before anything is disabled: whatever fails then, somebody holds a key that works.
    show(&iam.make_key(name).await?, account.json, "New key of");
    if !keep {
        for key in before.iter().filter(|key| key.status == ACTIVE) {
            iam.set(name, &key.id, INACTIVE).await?;
        }
    }
    Ok(())
}

async fn disable(account: &Account, name: &str, wanted: &[String]) -> anyhow::Result<()> {
    let iam = Iam::of(account)?;
    let keys = iam.keys(name).await?;
    if let Some(unknown) = wanted.iter().find(|id| !keys.iter().any(|key| key.id == **id)) {
        let known: Vec<&str> = keys.iter().map(|key| key.id.as_str()).collect();
        bail!(
            "`{}` has no key `{}`; there {}",
            output::safe(name),
            output::safe(unknown),
            if known.is_empty() {
                "are none".to_owned()
            } else {
                format!("is {}", known.join(", "))
            }
        );
    }
    let mut disabled = Vec::new();
    for key in keys {
        if key.status == ACTIVE && (wanted.is_empty() || wanted.contains(&key.id)) {
            iam.set(name, &key.id, INACTIVE).await?;
            disabled.push(Key { status: INACTIVE.to_owned(), ..key });
        }
    }
    if account.json {
        disabled.iter().for_each(output::json);
    } else {
        let count = disabled.len();
        output::line(&format!("{count} keys of {} are disabled.", output::safe(name)));
    }
    Ok(())
}

/// What a shell can take in, once.
fn show(made: &Made, json: bool, what: &str) {
    if json {
        return output::json(made);
    }
    output::line(&format!("# {what} {}; the secret is not shown again.", output::safe(&made.name)));
    output::line(&format!("export AWS_ACCESS_KEY_ID='{}'", made.access_key_id));
    output::line(&format!("export AWS_SECRET_ACCESS_KEY='{}'", made.secret_access_key));
}
