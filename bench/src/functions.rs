//! Functions that benchmarks create, as any user would.

use std::{
    io::{Cursor, Write},
    path::Path,
};

use anyhow::{Context, bail};
use client::Client;
use flow::Tree;
use tokio::time::{Duration, sleep};
use zip::{ZipWriter, write::SimpleFileOptions};

/// The policy that lets Lambda take a role.
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
/// How often to ask whether a function is ready, and how often at most.
const LOOK_EVERY: Duration = Duration::from_millis(20);
const LOOKS_MAX: usize = 500;

/// A function to create.
pub struct Deployed<'a> {
    /// Its name, and its role's.
    pub name: &'a str,
    /// Such as `python3.12`.
    pub runtime: &'a str,
    /// Such as `index.handler`.
    pub handler: &'a str,
    /// What its zip holds: a name, the bytes, whether it is a program.
    pub files: &'a [(&'a str, Vec<u8>, bool)],
}

impl Deployed<'_> {
    /// Creates the role and the function, and waits until it is active.
    ///
    /// # Errors
    /// Some call was refused.
    pub async fn create(&self, client: &Client) -> anyhow::Result<String> {
        let role = Tree::map([
            ("RoleName", Tree::from(self.name)),
            ("AssumeRolePolicyDocument", Tree::from(TRUST)),
        ]);
        let role = client.call("iam", "CreateRole", &role).await?;
        let role = role.get("Role").and_then(|role| role.text("Arn")).context("a role's ARN")?;
        let input = Tree::map([
            ("FunctionName", Tree::from(self.name)),
            ("Runtime", Tree::from(self.runtime)),
            ("Handler", Tree::from(self.handler)),
            ("Role", Tree::from(role)),
            ("Timeout", Tree::Int(30)),
            ("Code", Tree::map([("ZipFile", Tree::Blob(self.zip()?))])),
        ]);
        let made = client.call("lambda", "CreateFunction", &input).await?;
        ready(client, self.name).await?;
        Ok(made.text("FunctionArn").context("a function's ARN")?.to_owned())
    }

    fn zip(&self) -> anyhow::Result<Vec<u8>> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes, is_program) in self.files {
            let mode = if *is_program { 0o755 } else { 0o644 };
            let options = SimpleFileOptions::default()
                .compression_method(zip::CompressionMethod::Stored)
                .unix_permissions(mode);
            zip.start_file(*name, options)?;
            zip.write_all(bytes)?;
        }
        Ok(zip.finish()?.into_inner())
    }
}

/// Makes the function's next invocation one of a new process.
///
/// # Errors
/// The call was refused.
pub async fn renew(client: &Client, name: &str, round: usize) -> anyhow::Result<()> {
    let variables = Tree::map([("ROUND", Tree::from(round.to_string().as_str()))]);
    let input = Tree::map([
        ("FunctionName", Tree::from(name)),
        ("Environment", Tree::map([("Variables", variables)])),
    ]);
    client.call("lambda", "UpdateFunctionConfiguration", &input).await?;
    ready(client, name).await
}

async fn ready(client: &Client, name: &str) -> anyhow::Result<()> {
    let input = Tree::map([("FunctionName", Tree::from(name))]);
    for _ in 0..LOOKS_MAX {
        let found = client.call("lambda", "GetFunctionConfiguration", &input).await?;
        if found.text("State") == Some("Active")
            && found.text("LastUpdateStatus") == Some("Successful")
        {
            return Ok(());
        }
        sleep(LOOK_EVERY).await;
    }
    bail!("function {name} does not become active")
}

/// The benchmark's function in Rust: the program beside this one.
///
/// # Errors
/// It has not been built.
pub fn echo_function() -> anyhow::Result<Vec<u8>> {
    let own = std::env::current_exe().context("the path of this benchmark is not known")?;
    read(&own.with_file_name("echo_function"))
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| {
        format!("{} is not there: `cargo build --release -p bench --bins` makes it", path.display())
    })
}
