//! Given records put onto the road, marked as such: only where the configuration says `dev = true`.

use std::{
    future::{Future, poll_fn},
    sync::Arc,
    task::Poll,
};

use axum::{Json, extract::State, http::StatusCode};
use flow::{Chance, Timestamp};
use futures_util::future::maybe_done;
use record::select::Facts;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::{Kind, Offset};

use crate::admin::{
    Admin,
    road::{Refused, Road},
};

/// The longest record that is taken, in bytes: CloudTrail's own limit.
const RECORD_BYTES_MAX: usize = 256 * 1024;
/// The longest batch, in bytes of its JSON.
pub(super) const BATCH_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Where a record says what it is.
const MARK_FIELD: &str = "additionalEventData";
const MARK_NAME: &str = "trailhound";

/// What a record that no call made says of itself, in `additionalEventData.trailhound`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// It was given.
    Replayed,
    /// It was made from the model.
    Emitted,
}

/// How a server takes given records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The server's time.
    pub now: Timestamp,
    /// Its account.
    pub account_id: String,
    /// Its region.
    pub region: String,
}

/// Records to put onto the road.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Given {
    /// Their JSON.
    pub records: Vec<String>,
    /// What they are.
    pub mark: Mark,
    /// By how many milliseconds their times move; they get new event ids then.
    pub shift_millis: Option<i64>,
}

/// What became of given records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// How many are in the journal, durable.
    pub recorded: u64,
    /// How many no trail selects: they are not recorded, as a call's would not be.
    pub unselected: u64,
    /// Those that are no records: their place among the given ones, and what is wrong.
    pub refused: Vec<(usize, String)>,
}

impl Mark {
    /// Writes it into a record.
    ///
    /// # Errors
    /// The record's `additionalEventData` is no object.
    pub fn write(self, record: &mut Map<String, Value>) -> Result<(), String> {
        let text = match self {
            Self::Replayed => "replayed",
            Self::Emitted => "emitted",
        };
        let data = record.entry(MARK_FIELD).or_insert(Value::Null);
        if data.is_null() {
            *data = Value::Object(Map::new());
        }
        let data = data.as_object_mut();
        let data = data.ok_or_else(|| format!("its `{MARK_FIELD}` is no object"))?;
        data.insert(MARK_NAME.to_owned(), Value::from(text));
        Ok(())
    }
}

pub(super) async fn terms(State(admin): State<Arc<Admin>>) -> Result<Json<Terms>, Refused> {
    let road = open(&admin)?;
    Ok(Json(Terms {
        now: admin.view.now(),
        account_id: road.account.to_string(),
        region: road.region.to_string(),
    }))
}

/// The road, where it takes given records.
fn open(admin: &Admin) -> Result<&Road, Refused> {
    let road = admin.road.as_ref().ok_or_else(Refused::no_road)?;
    if !road.dev {
        let why = "this server's log is to hold what was called and nothing else: records are \
                   given only to a server whose configuration says `dev = true` (a file, named by \
                   `trailhound up --config FILE`)";
        return Err(Refused::Wrong(StatusCode::FORBIDDEN, why.to_owned()));
    }
    Ok(road)
}

pub(super) async fn take(
    State(admin): State<Arc<Admin>>,
    Json(given): Json<Given>,
) -> Result<Json<Taken>, Refused> {
    let road = open(&admin)?;
    let union = Arc::clone(&road.rooms.trails.union().borrow());
    let mut taken = Taken::default();
    let mut appends = Vec::new();
    for (place, text) in given.records.iter().enumerate() {
        match made_ready(text, given.mark, given.shift_millis, &*road.chance) {
            Ok((facts, _)) if !union.selects(&facts) => taken.unselected += 1,
            Ok((_, json)) => appends.push(road.rooms.journal.append(Kind::Record, json)),
            Err(why) => taken.refused.push((place, why)),
        }
    }
    taken.recorded = all(appends).await?;
    Ok(Json(taken))
}

/// Ends when all of them are durable: they are begun in their order, and share their syncs.
async fn all<F>(appends: Vec<F>) -> Result<u64, store::Error>
where
    F: Future<Output = Result<Offset, store::Error>>,
{
    let mut begun: Vec<_> =
        appends.into_iter().map(|append| Box::pin(maybe_done(append))).collect();
    poll_fn(|context| {
        let ended = begun
            .iter_mut()
            .filter_map(|append| append.as_mut().poll(context).is_ready().then_some(()));
        Poll::Ready(ended.count())
    })
    .await;
    let mut durable = 0;
    for append in &mut begun {
        append.as_mut().await;
        if let Some(done) = append.as_mut().take_output() {
            done?;
            durable += 1;
        }
    }
    Ok(durable)
}

/// A record as it goes onto the road.
fn made_ready(
    text: &str,
    mark: Mark,
    shift_millis: Option<i64>,
    chance: &dyn Chance,
) -> Result<(Facts, Vec<u8>), String> {
    if text.len() > RECORD_BYTES_MAX {
        let bytes = text.len();
        return Err(format!("it has {bytes} bytes, {RECORD_BYTES_MAX} is a record's most"));
    }
    let wrong = |why: serde_json::Error| format!("it is no record: {why}");
    let mut record: Map<String, Value> = serde_json::from_str(text).map_err(wrong)?;
    let facts = Facts::from_json(text.as_bytes()).map_err(wrong)?;
    for (name, value) in [("eventSource", &facts.source), ("eventName", &facts.name)] {
        if value.is_empty() {
            return Err(format!("it is no record: it has no `{name}`"));
        }
    }
    if let Err(why) = facts.region.parse::<flow::Region>() {
        return Err(format!("its `awsRegion` cannot be delivered: {why}"));
    }
    let Some(time) = facts.time else {
        return Err("its `eventTime` is no time such as 2026-11-22T10:00:00Z".to_owned());
    };
    if let Some(shift) = shift_millis {
        let moved = time.plus_millis(shift).to_seconds_text();
        record.insert("eventTime".to_owned(), Value::from(moved));
        record.insert("eventID".to_owned(), Value::from(chance.uuid()));
    }
    mark.write(&mut record)?;
    let json = serde_json::to_vec(&record).expect("a tree of JSON values has a text");
    Ok((facts, json))
}

#[cfg(test)]
mod tests {
    use flow::SeededChance;

    use super::*;

    const RECORD: &str = r#"{"eventTime":"2024-01-02T03:04:05Z","eventSource":"iam.amazonaws.com","eventName":"CreateUser","awsRegion":"us-east-1","eventID":"a","additionalEventData":{"x":1}}"#;

    fn ready(text: &str, shift: Option<i64>) -> Result<Value, String> {
        let (_, json) = made_ready(text, Mark::Replayed, shift, &SeededChance::new(1))?;
        Ok(serde_json::from_slice(&json).unwrap())
    }

    #[test]
    fn a_given_record_is_as_it_was_but_for_its_mark() {
        let record = ready(RECORD, None).unwrap();
        let mut wanted: Value = serde_json::from_str(RECORD).unwrap();
        wanted["additionalEventData"]["trailhound"] = "replayed".into();
        assert_eq!(record, wanted);
    }

    #[test]
    fn a_record_that_is_moved_has_another_id_and_keeps_its_distance() {
        let record = ready(RECORD, Some(61_000)).unwrap();
        assert_eq!(record["eventTime"], "2024-01-02T03:05:06Z");
        assert_ne!(record["eventID"], "a");
        assert_eq!(record["eventID"].as_str().unwrap().len(), 36);
    }

    #[test]
    fn what_is_no_record_is_refused_with_what_it_lacks() {
        let without = |name: &str| {
            let mut record: Value = serde_json::from_str(RECORD).unwrap();
            record.as_object_mut().unwrap().remove(name);
            record.to_string()
        };
        let big = RECORD.replace("CreateUser", &"x".repeat(RECORD_BYTES_MAX));
        for (text, why) in [
            ("[]".to_owned(), "it is no record"),
            ("{".to_owned(), "it is no record"),
            (without("eventName"), "no `eventName`"),
            (without("eventSource"), "no `eventSource`"),
            (without("eventTime"), "`eventTime` is no time"),
            (without("awsRegion"), "`awsRegion` cannot be delivered"),
            (RECORD.replace(r#"{"x":1}"#, "7"), "is no object"),
            (big, "262144 is a record's most"),
        ] {
            let error = ready(&text, None).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
