//! The executable `trailhound`: reads the command line, runs one command, ends with its exit code.

mod args;

mod demo;
mod env;
mod status;
mod up;
mod watch;

mod emit;
mod events;
mod logs;
mod replay;
mod users;

mod dead;
mod rules;
mod scan;

mod admin;
mod output;
mod runtime;
mod telemetry;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};

fn main() -> ExitCode {
    // The launcher sets limits on its own process, so nothing else may have begun in it.
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|word| word == runtime::LAUNCH) {
        return function::launch(words);
    }
    let args = Args::parse();
    match run(args) {
        Ok(code) => code,
        Err(error) => {
            output::error(&format!("{error:#}"));
            ExitCode::from(2)
        }
    }
}

fn run(args: Args) -> anyhow::Result<ExitCode> {
    // What needs no runtime has none: signals and threads are its own.
    match args.command {
        Command::Rules(rules) => rules::run(&rules),
        Command::Scan(scan) => scan::run(&scan),
        command => served(command),
    }
}

fn served(command: Command) -> anyhow::Result<ExitCode> {
    let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    threads.block_on(async {
        match command {
            Command::Demo(demo) => demo::run(&demo).await,
            Command::Up(up) => up::run(&up).await,
            Command::Watch(watch) => watch::run(&watch).await,
            Command::Env(env) => env::run(&env).await,
            Command::Status(status) => status::run(&status).await,
            Command::Dead(dead) => dead::run(&dead).await,
            Command::Events(events) => events::run(&events).await,
            Command::Replay(replay) => replay::run(&replay).await,
            Command::Emit(emit) => emit::run(&emit).await,
            Command::Logs(logs) => logs::run(&logs).await,
            Command::Users(users) => users::run(&users).await,
            Command::Runtime(runtime) => runtime::run(&runtime).await,
            Command::Rules(rules) => rules::run(&rules),
            Command::Scan(scan) => scan::run(&scan),
        }
    })
}
