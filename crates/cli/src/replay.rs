//! `trailhound replay`: given records, onto the road of a running server.

mod read;

use std::process::ExitCode;

use server::{Given, Mark, Taken, Terms};
use tokio::{sync::mpsc, task::spawn_blocking};

use self::read::{Batch, Source};
use crate::{admin::Admin, args::Replay, output};

/// Batches that are read ahead of the server.
const BATCHES_AHEAD_MAX: usize = 2;

/// What became of all records, as `--json` prints it.
#[derive(Debug, Default, serde::Serialize)]
struct Totals {
    recorded: u64,
    unselected: u64,
    refused: u64,
}

pub(crate) async fn run(args: &Replay) -> anyhow::Result<ExitCode> {
    let admin = Admin::of(&args.place.dir)?;
    // Asked first: a server that takes no records says so before anything is read.
    let terms: Terms = admin.get("/replay").await?;
    let sources = args.files.iter().map(|path| Source::of(path)).collect::<Result<Vec<_>, _>>()?;
    let (sources, latest) = spawn_blocking(move || {
        let latest = sources.iter().filter_map(Source::latest).max();
        (sources, latest)
    })
    .await?;
    let shift_millis = match (args.now, latest) {
        (true, Some(latest)) => Some((terms.now.as_secs() - latest.as_secs()) * 1000),
        _ => None,
    };
    let (sender, mut batches) = mpsc::channel(BATCHES_AHEAD_MAX);
    let reading = spawn_blocking(move || {
        for source in &sources {
            source.read(&mut |batch| sender.blocking_send(batch).is_ok());
        }
    });
    let mut totals = Totals::default();
    while let Some(batch) = batches.recv().await {
        if let Err(error) = put(&admin, batch, shift_millis, &mut totals).await {
            let recorded = totals.recorded;
            return Err(error.context(format!("{recorded} records are on the road, the rest not")));
        }
    }
    reading.await?;
    Ok(tell(&totals, args.json))
}

/// Puts a batch onto the road and names what was wrong in it.
async fn put(
    admin: &Admin,
    batch: Batch,
    shift_millis: Option<i64>,
    totals: &mut Totals,
) -> anyhow::Result<()> {
    for (offset, reason) in &batch.damage {
        totals.refused += 1;
        complain(&batch.name, *offset, reason);
    }
    if batch.records.is_empty() {
        return Ok(());
    }
    let given = Given { records: batch.records, mark: Mark::Replayed, shift_millis };
    let taken: Taken = admin.post("/replay", &given).await?;
    totals.recorded += taken.recorded;
    totals.unselected += taken.unselected;
    for (place, reason) in taken.refused {
        totals.refused += 1;
        complain(&batch.name, batch.offsets.get(place).copied(), &reason);
    }
    Ok(())
}

fn complain(name: &str, offset: Option<u64>, reason: &str) {
    let at = offset.map(|offset| format!(" at byte {offset}")).unwrap_or_default();
    output::error(&output::safe(&format!("{name}{at}: {reason}")));
}

fn tell(totals: &Totals, json: bool) -> ExitCode {
    if json {
        output::json(totals);
    } else {
        output::line(&format!("{} records are on the road.", totals.recorded));
    }
    if totals.unselected > 0 {
        output::error(&format!(
            "{} records are not recorded: no trail selects them, as data events of other services \
             than S3",
            totals.unselected
        ));
    }
    match totals {
        Totals { refused: 1.., .. } => ExitCode::from(2),
        Totals { recorded: 0, unselected: 1.., .. } => ExitCode::from(1),
        _ => ExitCode::SUCCESS,
    }
}
