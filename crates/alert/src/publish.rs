//! The call by which SNS itself is given an alert, for those who sign and send it.

use flow::{Accepted, PublishError};
use url::form_urlencoded::Serializer;

/// How much of an error's answer is told, in characters.
const SAID_CHARS_MAX: usize = 300;

/// SNS's call `Publish`.
#[derive(Clone, Copy, Debug)]
pub struct PublishCall<'a> {
    /// The topic's ARN.
    pub topic_arn: &'a str,
    /// The alert's id, a space, and the destination: the same on a repeat.
    pub delivery_id: &'a str,
    /// The subject.
    pub subject: Option<&'a str>,
    /// The body.
    pub message: &'a str,
}

impl PublishCall<'_> {
    /// What type the body of the request is of.
    pub const CONTENT_TYPE: &'static str = "application/x-www-form-urlencoded; charset=utf-8";

    /// The body of the request.
    ///
    /// To a FIFO topic each alert is a group of its own. Alerts are promised in no order, which is
    /// all that a common group would add: it would let one alert that a subscriber cannot deal
    /// with hold up all that come after it. The alert's id lets SNS drop a repeat.
    pub fn form(&self) -> String {
        let mut form = Serializer::new(String::new());
        form.append_pair("Action", "Publish")
            .append_pair("Version", "2010-03-31")
            .append_pair("TopicArn", self.topic_arn)
            .append_pair("Message", self.message);
        if let Some(subject) = self.subject {
            form.append_pair("Subject", subject);
        }
        if self.topic_arn.ends_with(".fifo") {
            // The destination would make it longer than such ids may be.
            let alert = self.delivery_id.split(' ').next().unwrap_or(self.delivery_id);
            form.append_pair("MessageGroupId", alert).append_pair("MessageDeduplicationId", alert);
        }
        form.finish()
    }

    /// What the answer says.
    ///
    /// # Errors
    /// The alert was not published; another try may help, since whoever owns the topic can mend it.
    pub fn answered(&self, status: u16, body: &[u8]) -> Result<Accepted, PublishError> {
        let text = String::from_utf8_lossy(body);
        match status {
            200..=299 => Ok(Accepted(between(&text, "MessageId").unwrap_or_default().to_owned())),
            404 => Err(PublishError::NoSuchTopic(self.topic_arn.to_owned())),
            _ => {
                let said = match (between(&text, "Code"), between(&text, "Message")) {
                    (Some(code), Some(message)) => format!("{}: {}", shown(code), shown(message)),
                    _ => shown(&text),
                };
                Err(PublishError::Retry(format!("SNS answered with status {status}: {said}")))
            }
        }
    }
}

/// The text of the first element of that name.
fn between<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(found, _)| found)
}

/// Foreign text as a message may hold it.
fn shown(text: &str) -> String {
    text.chars().take(SAID_CHARS_MAX).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC: &str = "arn:aws:sns:us-east-2:123456789012:alerts";

    fn call<'a>(topic_arn: &'a str, subject: Option<&'a str>) -> PublishCall<'a> {
        PublishCall { topic_arn, delivery_id: "0a1b sns:x", subject, message: "{\"a\":\"ü c\"}" }
    }

    #[test]
    fn a_form_holds_what_sns_reads() {
        let head = "Action=Publish&Version=2010-03-31\
            &TopicArn=arn%3Aaws%3Asns%3Aus-east-2%3A123456789012%3Aalerts";
        let message = "&Message=%7B%22a%22%3A%22%C3%BC+c%22%7D";
        assert_eq!(call(TOPIC, None).form(), format!("{head}{message}"));
        let form = call(TOPIC, Some("S & T")).form();
        assert_eq!(form, format!("{head}{message}&Subject=S+%26+T"));
        let form = call(&format!("{TOPIC}.fifo"), None).form();
        let ids = "&MessageGroupId=0a1b&MessageDeduplicationId=0a1b";
        assert_eq!(form, format!("{head}.fifo{message}{ids}"));
    }

    #[test]
    fn an_answer_says_whether_it_was_published() {
        let check = |status, body: &str, expected| {
            assert_eq!(call(TOPIC, None).answered(status, body.as_bytes()), expected, "{body}");
        };
        let retry = |why: &str| Err(PublishError::Retry(format!("SNS answered with status {why}")));
        check(200, "<a><MessageId>m-1</MessageId></a>", Ok(Accepted("m-1".to_owned())));
        check(404, "<Code>NotFound</Code>", Err(PublishError::NoSuchTopic(TOPIC.to_owned())));
        let refused = "<Error><Code>AuthorizationError</Code><Message>No\n</Message></Error>";
        check(403, refused, retry("403: AuthorizationError: No\\n"));
        check(503, "busy", retry("503: busy"));
    }
}
