//! What is watched, by which rules, and who is told: file and command line together.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use alert::Destination;
use credentials::Access;
use flow::{Level, Span};

use crate::{
    Error,
    config::{Config, DestinationSection, listen_address},
    topics::is_arn,
};

/// The longest wait of one receive, in milliseconds; SQS's limit.
const WAIT_MILLIS_MAX: i64 = 20_000;
/// Buckets that one watch may read.
const BUCKETS_MAX: usize = 100;

/// What the command line gives beside the file; it comes first where both do.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// The queue's URL.
    pub queue: Option<String>,
    /// Buckets, beside those of the file.
    pub buckets: Vec<String>,
    /// Folders of rules, in place of the file's.
    pub rules: Vec<PathBuf>,
    /// One question more.
    pub when: Option<String>,
    /// Destinations, beside those of the file.
    pub alerts: Vec<String>,
    /// In place of the file's.
    pub min_level: Option<Level>,
    /// In place of the file's.
    pub max_age: Option<Span>,
    /// In place of the file's.
    pub metrics: Option<SocketAddr>,
    /// Whether findings are only shown.
    pub dry_run: bool,
}

/// What is watched, by which rules, and who is told.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(crate) queue: String,
    pub(crate) queue_access: Access,
    pub(crate) wait: Duration,
    pub(crate) receives_max: u32,
    pub(crate) buckets: BTreeMap<String, Access>,
    pub(crate) rules: Vec<PathBuf>,
    pub(crate) when: Option<String>,
    pub(crate) destinations: Vec<(Destination, Access)>,
    pub(crate) min_level: Level,
    pub(crate) max_age: Option<Span>,
    pub(crate) metrics: Option<SocketAddr>,
    pub(crate) allow_private: bool,
}

impl Settings {
    /// Puts file and command line together.
    ///
    /// # Errors
    /// [`Error::Settings`] names what is missing or does not go together, and the remedy.
    pub fn of(config: Config, given: Given) -> Result<Self, Error> {
        let wrong = |why: &str| Err(Error::Settings(why.to_owned()));
        let queue = given.queue.unwrap_or_else(|| config.queue.url.clone());
        if queue.is_empty() {
            return wrong(
                "there is no queue: give --queue URL, or `queue.url` in the --config file",
            );
        }
        let wait = config.queue.wait.millis();
        if !(1_000..=WAIT_MILLIS_MAX).contains(&wait) {
            return wrong("`queue.wait`: give 1s to 20s, as SQS does");
        }
        if config.queue.receives_max == 0 {
            return wrong("`queue.receives_max`: give at least 1");
        }
        let buckets = buckets(&config, given.buckets)?;
        let destinations = destinations(config.destination, given.alerts)?;
        if destinations.is_empty() && !given.dry_run {
            return wrong(
                "findings would go nowhere: give --alert DEST (webhook:URL, slack:URL, sns:ARN, \
                 file:PATH or stdout), or --dry-run to see them on standard output",
            );
        }
        let metrics = match config.metrics.address.as_str() {
            "" => None,
            text => {
                let address = listen_address(text);
                let named = |why| Error::Settings(format!("`metrics.address`: {why}"));
                Some(address.map_err(named)?)
            }
        };
        let when = Some(config.rule.when).filter(|text| !text.is_empty());
        Ok(Self {
            queue,
            queue_access: config.queue.access(),
            wait: config.queue.wait.duration(),
            receives_max: config.queue.receives_max,
            buckets,
            rules: if given.rules.is_empty() { config.rule.dirs } else { given.rules },
            when: given.when.or(when),
            destinations,
            min_level: given.min_level.unwrap_or(config.alert.min_level),
            max_age: given.max_age.or(config.alert.max_age),
            metrics: given.metrics.or(metrics),
            allow_private: config.outgoing.allow_private,
        })
    }

    /// The buckets that are read.
    pub fn buckets(&self) -> impl Iterator<Item = &str> {
        self.buckets.keys().map(String::as_str)
    }
}

fn buckets(config: &Config, given: Vec<String>) -> Result<BTreeMap<String, Access>, Error> {
    let own =
        config.buckets.iter().map(|(name, access)| (name.clone(), over(access, &config.bucket)));
    let mut buckets: BTreeMap<String, Access> = own.collect();
    for name in given {
        buckets.entry(name).or_insert_with(|| config.bucket.clone());
    }
    if buckets.is_empty() {
        let why = "there is no bucket that may be read: give --bucket NAME, or `[buckets.\"NAME\"]` \
                   in the --config file";
        return Err(Error::Settings(why.to_owned()));
    }
    if buckets.len() > BUCKETS_MAX {
        return Err(Error::Settings(format!("there are more than {BUCKETS_MAX} buckets")));
    }
    Ok(buckets)
}

/// What `own` says, and `base` where it says nothing. Whose keys are used is said as a whole: a
/// profile of one and a role of the other were nobody's choice.
fn over(own: &Access, base: &Access) -> Access {
    let Access { profile, role_arn, external_id, anonymous, .. } = own;
    let keys = if profile.is_some() || role_arn.is_some() || external_id.is_some() || *anonymous {
        own
    } else {
        base
    };
    Access {
        profile: keys.profile.clone(),
        role_arn: keys.role_arn.clone(),
        external_id: keys.external_id.clone(),
        anonymous: keys.anonymous,
        endpoint: own.endpoint.clone().or_else(|| base.endpoint.clone()),
        region: own.region.clone().or_else(|| base.region.clone()),
        path_style: own.path_style.or(base.path_style),
        requester_pays: own.requester_pays || base.requester_pays,
    }
}

fn destinations(
    file: Vec<DestinationSection>,
    given: Vec<String>,
) -> Result<Vec<(Destination, Access)>, Error> {
    let given = given.into_iter().map(|to| DestinationSection { to, ..Default::default() });
    file.into_iter().chain(given).map(destination).collect()
}

fn destination(section: DestinationSection) -> Result<(Destination, Access), Error> {
    let DestinationSection { to, profile, role_arn, external_id, endpoint } = section;
    let parsed: Destination =
        to.parse().map_err(|why: alert::InvalidDestination| Error::Settings(why.to_string()))?;
    let access = Access { profile, role_arn, external_id, endpoint, ..Access::default() };
    match &parsed {
        Destination::Sns(arn) if !is_arn(arn) => Err(Error::Settings(format!(
            "destination {parsed}: give the topic's ARN, such as \
             sns:arn:aws:sns:us-east-2:123456789012:alerts"
        ))),
        Destination::Sns(_) => Ok((parsed, access)),
        _ if access != Access::default() => Err(Error::Settings(format!(
            "destination {parsed}: profile, role_arn, external_id and endpoint are for sns: alone"
        ))),
        _ => Ok((parsed, access)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://sqs.us-east-2.amazonaws.com/123456789012/q";

    fn given() -> Given {
        Given {
            queue: Some(URL.to_owned()),
            buckets: vec!["logs".to_owned()],
            alerts: vec!["stdout".to_owned()],
            ..Given::default()
        }
    }

    fn refused(file: &str, given: Given) -> String {
        Settings::of(Config::parse(file, "x").unwrap(), given).unwrap_err().to_string()
    }

    #[test]
    fn what_is_missing_is_named_with_its_remedy() {
        assert!(refused("", Given { queue: None, ..given() }).contains("--queue"));
        assert!(refused("", Given { buckets: vec![], ..given() }).contains("--bucket"));
        assert!(refused("", Given { alerts: vec![], ..given() }).contains("--dry-run"));
        let dry = Given { alerts: vec![], dry_run: true, ..given() };
        assert!(Settings::of(Config::default(), dry).is_ok());
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let alert = |to: &str| Given { alerts: vec![to.to_owned()], ..given() };
        assert!(refused("", alert("sns:alerts")).contains("ARN"));
        assert!(refused("", alert("pigeon:x")).contains("pigeon"));
        let keys_for_a_file =
            "[[destination]]\nto = \"stdout\"\nrole_arn = \"arn:aws:iam::1:role/r\"\n";
        assert!(refused(keys_for_a_file, given()).contains("sns: alone"));
        assert!(refused("[queue]\nwait = \"21s\"\n", given()).contains("`queue.wait`"));
        assert!(refused("[queue]\nreceives_max = 0\n", given()).contains("`queue.receives_max`"));
        assert!(refused("[metrics]\naddress = \"here\"\n", given()).contains("`metrics.address`"));
    }

    #[test]
    fn a_bucket_has_its_own_keys_or_those_of_all() {
        let file = "[bucket]\nprofile = \"all\"\nregion = \"eu-west-1\"\n[buckets.\"other\"]\nrole_arn = \"arn:aws:iam::111122223333:role/r\"\n";
        let settings = Settings::of(Config::parse(file, "x").unwrap(), given()).unwrap();
        let of = |name: &str| settings.buckets.get(name).unwrap().clone();
        assert_eq!(of("logs").profile.as_deref(), Some("all"));
        assert_eq!(of("other").profile, None);
        assert_eq!(of("other").region.as_deref(), Some("eu-west-1"));
        assert_eq!(settings.buckets().collect::<Vec<_>>(), ["logs", "other"]);
    }

    #[test]
    fn the_command_line_comes_first() {
        let file = "[queue]\nurl = \"https://x.example/1/q\"\n[alert]\nmin_level = \"high\"\n";
        let given = Given { min_level: Some(Level::Low), ..given() };
        let settings = Settings::of(Config::parse(file, "x").unwrap(), given).unwrap();
        assert_eq!((settings.queue.as_str(), settings.min_level), (URL, Level::Low));
    }
}
