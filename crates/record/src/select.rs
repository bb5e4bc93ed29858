//! Which records a trail keeps.

use flow::Timestamp;
use serde::{Deserialize, Serialize};

/// `eventCategory`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Category {
    /// The control plane.
    Management,
    /// The data plane.
    Data,
    /// `Insight`, `NetworkActivity`, or one that came later: nothing here selects them.
    Other,
}

impl Category {
    /// As records spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Management => "Management",
            Self::Data => "Data",
            Self::Other => "Other",
        }
    }
}

impl From<model::facts::Category> for Category {
    fn from(category: model::facts::Category) -> Self {
        match category {
            model::facts::Category::Management => Self::Management,
            model::facts::Category::Data => Self::Data,
        }
    }
}

/// What selectors ask of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// `eventSource`.
    pub source: String,
    /// `eventName`.
    pub name: String,
    /// `readOnly`.
    pub read_only: bool,
    /// `eventCategory`.
    pub category: Category,
    /// `resources`, in their order.
    pub resources: Vec<ResourceFact>,
    /// `recipientAccountId`.
    pub account: String,
    /// `awsRegion`.
    pub region: String,
    /// `errorCode`, where the call failed.
    pub error_code: Option<String>,
    /// `eventID`.
    pub event_id: String,
    /// `eventTime`, whole seconds.
    pub time: Option<Timestamp>,
}

/// A resource that a record lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceFact {
    /// `type`, such as `AWS::S3::Object`.
    pub kind: String,
    /// `ARN`, or `ARNPrefix` for listings.
    pub arn: String,
}

/// The members of a record that facts are read from. Unknown ones are passed over unread.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Read {
    #[serde(default)]
    event_source: String,
    #[serde(default)]
    event_name: String,
    #[serde(default)]
    read_only: Option<serde_json::Value>,
    #[serde(default)]
    management_event: Option<bool>,
    #[serde(default)]
    event_category: Option<String>,
    #[serde(default)]
    resources: Option<Vec<ReadResource>>,
    #[serde(default)]
    recipient_account_id: Option<String>,
    #[serde(default)]
    aws_region: String,
    #[serde(default)]
    error_code: Option<String>,
    #[serde(default, rename = "eventID")]
    event_id: String,
    #[serde(default)]
    event_time: String,
}

#[derive(Deserialize)]
struct ReadResource {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default, rename = "ARN")]
    arn: Option<String>,
    #[serde(default, rename = "ARNPrefix")]
    arn_prefix: Option<String>,
}

impl Facts {
    /// The facts of a record's JSON, ours or AWS's of any version.
    pub fn from_json(json: &[u8]) -> Result<Self, serde_json::Error> {
        let read: Read = serde_json::from_slice(json)?;
        let category = match (read.event_category.as_deref(), read.management_event) {
            (Some("Management"), _) | (None, Some(true)) => Category::Management,
            (Some("Data"), _) | (None, Some(false)) => Category::Data,
            (Some(_), _) => Category::Other,
            // Versions before 1.06 knew management events only.
            (None, None) => Category::Management,
        };
        let read_only = match read.read_only {
            Some(serde_json::Value::Bool(value)) => value,
            Some(serde_json::Value::String(text)) => text == "true",
            _ => model::facts::begins_with_a_reading_verb(&read.event_name),
        };
        let resources = read.resources.unwrap_or_default().into_iter();
        Ok(Self {
            source: read.event_source,
            name: read.event_name,
            read_only,
            category,
            resources: resources
                .map(|resource| ResourceFact {
                    kind: resource.kind.unwrap_or_default(),
                    arn: resource.arn.or(resource.arn_prefix).unwrap_or_default(),
                })
                .collect(),
            account: read.recipient_account_id.unwrap_or_default(),
            region: read.aws_region,
            error_code: read.error_code,
            event_id: read.event_id,
            time: read.event_time.parse().ok(),
        })
    }
}

/// Calls that read, calls that write, or both (`ReadWriteType`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReadWrite {
    /// Both.
    #[default]
    All,
    /// `readOnly` is true.
    ReadOnly,
    /// `readOnly` is false.
    WriteOnly,
}

/// Data events on resources of one type (`DataResources`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataResources {
    /// Such as `AWS::S3::Object`.
    pub kind: String,
    /// Beginnings of ARNs; `arn:aws:s3` or an empty text is every one.
    pub arn_prefixes: Vec<String>,
}

impl DataResources {
    /// Every resource of this type.
    pub fn all(kind: impl Into<String>) -> Self {
        Self { kind: kind.into(), arn_prefixes: vec![String::new()] }
    }
}

/// One event selector of a trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selector {
    /// Which of the calls that the rest selects.
    pub read_write: ReadWrite,
    /// Whether management events are kept (`IncludeManagementEvents`).
    pub management: bool,
    /// Sources whose management events are not kept, such as `kms.amazonaws.com`.
    pub excluded_sources: Vec<String>,
    /// Data events that are kept.
    pub data: Vec<DataResources>,
    /// Beginnings of ARNs whose data events are not kept whatever `data` says: the trail's own
    /// destination, and the buckets of other logs.
    pub excluded_arn_prefixes: Vec<String>,
}

impl Default for Selector {
    /// A new trail's: all management events, no data events.
    fn default() -> Self {
        Self {
            read_write: ReadWrite::All,
            management: true,
            excluded_sources: Vec::new(),
            data: Vec::new(),
            excluded_arn_prefixes: Vec::new(),
        }
    }
}

impl Selector {
    /// Whether the record with these facts is kept.
    pub fn selects(&self, facts: &Facts) -> bool {
        let of_this_kind = match self.read_write {
            ReadWrite::All => true,
            ReadWrite::ReadOnly => facts.read_only,
            ReadWrite::WriteOnly => !facts.read_only,
        };
        of_this_kind
            && match facts.category {
                Category::Management => {
                    self.management && !self.excluded_sources.contains(&facts.source)
                }
                Category::Data => self.selects_data(facts),
                Category::Other => false,
            }
    }

    fn selects_data(&self, facts: &Facts) -> bool {
        let begins =
            |arn: &str, prefixes: &[String]| prefixes.iter().any(|prefix| arn.starts_with(prefix));
        let wanted = |resource: &ResourceFact| {
            self.data
                .iter()
                .any(|data| data.kind == resource.kind && begins(&resource.arn, &data.arn_prefixes))
        };
        facts.resources.iter().any(wanted)
            && !facts
                .resources
                .iter()
                .any(|resource| begins(&resource.arn, &self.excluded_arn_prefixes))
    }
}

/// What any trail keeps, and all management events, which the event history keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Union {
    data: Vec<Selector>,
}

impl Union {
    /// The union of all trails' selectors.
    pub fn new(selectors: impl IntoIterator<Item = Selector>) -> Self {
        // Management events are in whatever the selectors say.
        let data = selectors.into_iter().filter(|selector| !selector.data.is_empty()).collect();
        Self { data }
    }

    /// Whether anything keeps the record with these facts.
    pub fn selects(&self, facts: &Facts) -> bool {
        facts.category == Category::Management
            || self.data.iter().any(|selector| selector.selects(facts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OBJECT: &str = "AWS::S3::Object";

    fn management(name: &str, read_only: bool) -> Facts {
        Facts {
            source: "sns.amazonaws.com".to_owned(),
            name: name.to_owned(),
            read_only,
            category: Category::Management,
            resources: Vec::new(),
            account: "123456789012".to_owned(),
            region: "us-east-2".to_owned(),
            error_code: None,
            event_id: String::new(),
            time: None,
        }
    }

    fn put(arn: &str) -> Facts {
        let bucket = arn.split('/').next().unwrap();
        let fact = |kind: &str, arn: &str| ResourceFact { kind: kind.into(), arn: arn.into() };
        Facts {
            category: Category::Data,
            resources: vec![fact(OBJECT, arn), fact("AWS::S3::Bucket", bucket)],
            ..management("PutObject", false)
        }
    }

    #[test]
    fn a_new_trail_keeps_all_management_events_and_no_data_events() {
        let selector = Selector::default();
        assert!(selector.selects(&management("CreateTopic", false)));
        assert!(selector.selects(&management("GetTopicAttributes", true)));
        assert!(!selector.selects(&put("arn:aws:s3:::b/k")));
    }

    #[test]
    fn read_write_type_and_excluded_sources_hold() {
        let writes = Selector { read_write: ReadWrite::WriteOnly, ..Selector::default() };
        assert!(writes.selects(&management("CreateTopic", false)));
        assert!(!writes.selects(&management("GetTopicAttributes", true)));
        let reads = Selector { read_write: ReadWrite::ReadOnly, ..Selector::default() };
        assert!(!reads.selects(&management("CreateTopic", false)));
        let excluded_sources = vec!["sns.amazonaws.com".to_owned()];
        let not_sns = Selector { excluded_sources, ..Selector::default() };
        assert!(!not_sns.selects(&management("CreateTopic", false)));
    }

    #[test]
    fn data_events_are_kept_by_type_and_beginning_of_the_arn() {
        let of = |prefix: &str| Selector {
            data: vec![DataResources { kind: OBJECT.into(), arn_prefixes: vec![prefix.into()] }],
            ..Selector::default()
        };
        let event = put("arn:aws:s3:::b/logs/k");
        for prefix in ["", "arn:aws:s3", "arn:aws:s3:::", "arn:aws:s3:::b/", "arn:aws:s3:::b/logs/"]
        {
            assert!(of(prefix).selects(&event), "{prefix}");
        }
        assert!(!of("arn:aws:s3:::c/").selects(&event));
        assert!(!of("arn:aws:s3:::b/other").selects(&event));
        let lambda = Selector {
            data: vec![DataResources::all("AWS::Lambda::Function")],
            ..Selector::default()
        };
        assert!(!lambda.selects(&event));
    }

    #[test]
    fn a_trails_own_destination_is_never_kept() {
        let selector = Selector {
            data: vec![DataResources::all(OBJECT)],
            excluded_arn_prefixes: vec!["arn:aws:s3:::logs/AWSLogs/".to_owned()],
            ..Selector::default()
        };
        assert!(!selector.selects(&put("arn:aws:s3:::logs/AWSLogs/1/k")));
        assert!(selector.selects(&put("arn:aws:s3:::logs/mine")));
        assert!(selector.selects(&put("arn:aws:s3:::data/AWSLogs/")));
    }

    #[test]
    fn the_union_keeps_every_management_event_and_what_any_selector_keeps() {
        let none = Selector { management: false, ..Selector::default() };
        let data = Selector { data: vec![DataResources::all(OBJECT)], ..none.clone() };
        assert!(Union::default().selects(&management("GetTopicAttributes", true)));
        assert!(Union::new([none.clone()]).selects(&management("CreateTopic", false)));
        assert!(!Union::new([none.clone()]).selects(&put("arn:aws:s3:::b/k")));
        assert!(Union::new([none, data]).selects(&put("arn:aws:s3:::b/k")));
    }

    #[test]
    fn facts_are_read_from_records_of_any_version() {
        let old = br#"{"eventVersion":"1.02","eventSource":"sns.amazonaws.com","eventName":"GetTopicAttributes"}"#;
        let facts = Facts::from_json(old).unwrap();
        assert_eq!((facts.category, facts.read_only), (Category::Management, true));
        let insight = br#"{"eventCategory":"Insight","insightDetails":{}}"#;
        assert_eq!(Facts::from_json(insight).unwrap().category, Category::Other);
        let nulls = br#"{"resources":null,"recipientAccountId":null,"readOnly":"false"}"#;
        assert!(!Facts::from_json(nulls).unwrap().read_only);
        assert!(Facts::from_json(b"7").is_err());
    }
}
