//! What this executable is when the server runs it again: a function's launcher, and the function.

use std::{ffi::OsString, process::ExitCode};

use anyhow::{Context, bail};

use crate::args::Runtime;

/// The hidden command that sets a function's walls and then becomes the function.
pub(crate) const LAUNCH: &str = "launch";
/// The hidden command that is a function's process.
const RUNTIME: &str = "runtime";
/// The one function that is shipped.
const DETECT: &str = "detect";

/// How the server runs this executable as a launcher, and as the shipped function.
pub(crate) fn commands() -> anyhow::Result<(Vec<OsString>, Vec<OsString>)> {
    let own = std::env::current_exe().context("the path of this executable is not known")?;
    let own = own.into_os_string();
    Ok((vec![own.clone(), LAUNCH.into()], vec![own, RUNTIME.into(), DETECT.into()]))
}

/// Runs until the Runtime API says that it is enough.
pub(crate) async fn run(args: &Runtime) -> anyhow::Result<ExitCode> {
    if args.function != DETECT {
        bail!("there is no shipped function `{}`; there is `{DETECT}`", args.function);
    }
    detect::run().await?;
    Ok(ExitCode::SUCCESS)
}
