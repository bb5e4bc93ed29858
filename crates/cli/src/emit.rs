//! `trailhound emit`: a record of a call that nobody made, as its call would have left it.

mod fields;
mod input;
mod known;
mod make;

use std::process::ExitCode;

use anyhow::{Context, bail};
use server::{Config, Given, Mark, SystemChance, SystemClock, Taken, Terms};

use self::make::Surroundings;
use crate::{admin::Admin, args::Emit, output};

pub(crate) async fn run(args: &Emit) -> anyhow::Result<ExitCode> {
    let known = known::find(&args.source, &args.event)?;
    let fields = fields::read(&args.fields)?;
    if !args.send {
        let Config { account_id, region, .. } = Config::default();
        let around =
            Surroundings { clock: &SystemClock, chance: &SystemChance, account_id, region };
        output::json(&make::record(&known, fields, &around)?);
        return Ok(ExitCode::SUCCESS);
    }
    let admin = Admin::of(&args.place.dir)?;
    let terms: Terms = admin.get("/replay").await?;
    let around = Surroundings {
        clock: &SystemClock,
        chance: &SystemChance,
        account_id: terms.account_id.parse().context("the server's account")?,
        region: terms.region.parse().context("the server's region")?,
    };
    let mut record = make::record(&known, fields, &around)?;
    Mark::Emitted.write(&mut record).map_err(anyhow::Error::msg)?;
    let text = serde_json::to_string(&record)?;
    let given = Given { records: vec![text.clone()], mark: Mark::Emitted, shift_millis: None };
    let taken: Taken = admin.post("/replay", &given).await?;
    if let Some((_, why)) = taken.refused.first() {
        bail!("the server refuses the record: {}", output::safe(why));
    }
    if taken.unselected > 0 {
        bail!(
            "no trail selects this record, so it is not recorded: it is a data event, and trails \
             take those of S3 objects alone"
        );
    }
    output::line(&text);
    Ok(ExitCode::SUCCESS)
}
