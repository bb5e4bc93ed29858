//! `trailhound status`: what waits and what is dead, hop by hop.

use std::process::ExitCode;

use server::{Hop, Report};

use crate::{admin::Admin, args::Status, output};

pub(crate) async fn run(args: &Status) -> anyhow::Result<ExitCode> {
    let report: Report = Admin::of(&args.place.dir)?.get("/status").await?;
    if args.json {
        report.hops.iter().for_each(output::json);
    } else {
        let rows: Vec<_> = report.hops.iter().map(row).collect();
        output::table(&["HOP", "WAITING", "OLDEST", "DEAD", ""], &rows);
        since_the_start("Calls", &report.calls);
        since_the_start("Messages", &report.messages);
        if !report.healthy {
            output::line("Not healthy: `trailhound dead list` shows what gave up.");
        }
    }
    Ok(if report.healthy { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn since_the_start(what: &str, counts: &[(String, u64)]) {
    let counts: Vec<_> = counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
    if !counts.is_empty() {
        output::line(&format!("{what} since the start: {}.", counts.join(", ")));
    }
}

fn row(hop: &Hop) -> Vec<String> {
    let oldest = hop.oldest.map_or_else(|| "-".to_owned(), |at| format!("since {at}"));
    let remark = match (&hop.error, hop.over_limit) {
        (Some(error), _) => output::safe(error),
        (None, true) => "over its limit".to_owned(),
        (None, false) => String::new(),
    };
    vec![output::safe(&hop.hop), hop.waiting.to_string(), oldest, hop.dead.to_string(), remark]
}
