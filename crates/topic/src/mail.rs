//! Mail to subscribers, through the SMTP server that is configured.

use std::time::Duration;

use flow::Secret;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message as Mail, Tokio1Executor,
    message::{Mailbox, header::ContentType},
    transport::smtp::authentication::Credentials,
};

use crate::{
    error::Error,
    message::{Message, MessageKind},
};

/// How long one mail may take to be handed over.
const HAND_OVER_TIME_MAX: Duration = Duration::from_secs(30);
/// The subject of a message that has none.
const SUBJECT: &str = "AWS Notification Message";

/// The SMTP server that takes mail.
#[derive(Clone, Debug)]
pub struct Smtp {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// User and password, where it asks for them.
    pub credentials: Option<(String, Secret)>,
    /// Whom the mail is from, such as `Alerts <alerts@example.com>`.
    pub from: String,
    /// How the connection is kept private.
    pub tls: MailTls,
}

/// How a connection to an SMTP server is kept private.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MailTls {
    /// TLS from the first byte, as on port 465.
    Implicit,
    /// The connection is upgraded before anything is said, as on port 587.
    Starttls,
    /// Not at all: for a server on this machine.
    None,
}

type Transport = AsyncSmtpTransport<Tokio1Executor>;

pub(crate) struct Mailer {
    transport: Transport,
    from: Mailbox,
}

/// How handing a mail over failed.
pub(crate) enum Failure {
    /// The server will never take it.
    Never(String),
    /// Worth another try later.
    Again(String),
}

impl Mailer {
    pub(crate) fn to(smtp: &Smtp) -> Result<Self, Error> {
        let wrong = |why: String| Error::Mail(why);
        let from =
            smtp.from.parse().map_err(|why| wrong(format!("`from` is no address: {why}")))?;
        let failed = |why: lettre::transport::smtp::Error| wrong(why.to_string());
        let mut builder = match smtp.tls {
            MailTls::Implicit => Transport::relay(&smtp.host).map_err(failed)?,
            MailTls::Starttls => Transport::starttls_relay(&smtp.host).map_err(failed)?,
            MailTls::None => Transport::builder_dangerous(&smtp.host),
        };
        builder = builder.port(smtp.port).timeout(Some(HAND_OVER_TIME_MAX));
        if let Some((user, password)) = &smtp.credentials {
            let password = password.expose().to_owned();
            builder = builder.credentials(Credentials::new(user.clone(), password));
        }
        Ok(Self { transport: builder.build(), from })
    }

    /// Hands over one mail.
    pub(crate) async fn send(&self, to: &str, subject: &str, text: String) -> Result<(), Failure> {
        let never = |why: String| Failure::Never(why);
        let to: Mailbox = to.parse().map_err(|why| never(format!("{to} is no address: {why}")))?;
        let mail = Mail::builder()
            .from(self.from.clone())
            .to(to)
            .subject(subject)
            .header(ContentType::TEXT_PLAIN)
            .body(text)
            .map_err(|why| never(format!("the mail cannot be written: {why}")))?;
        self.transport.send(mail).await.map(drop).map_err(|why| {
            let said = format!("the SMTP server did not take the mail: {why}");
            if why.is_permanent() { Failure::Never(said) } else { Failure::Again(said) }
        })
    }
}

impl Message {
    /// The subject of its mail.
    pub(crate) fn mail_subject(&self) -> &str {
        match self.kind {
            MessageKind::Notification => self.subject.as_deref().unwrap_or(SUBJECT),
            MessageKind::SubscriptionConfirmation => "AWS Notification - Subscription Confirmation",
            MessageKind::UnsubscribeConfirmation => "AWS Notification - Unsubscribe Confirmation",
        }
    }

    /// Its mail's text, for people.
    pub(crate) fn mail_text(&self, endpoint: &str) -> String {
        let topic = &self.topic_arn;
        let subscribe = self.subscribe_url(endpoint).unwrap_or_default();
        match self.kind {
            MessageKind::Notification => {
                let unsubscribe = self.unsubscribe_url(endpoint).unwrap_or_default();
                format!("{}\n\n--\nTo get no more mail from this topic: {unsubscribe}\n", self.text)
            }
            MessageKind::SubscriptionConfirmation => format!(
                "This address was subscribed to the topic\n\n{topic}\n\nTo confirm that you want \
                 its messages, visit\n\n{subscribe}\n\nIf you do not, there is nothing to do.\n"
            ),
            MessageKind::UnsubscribeConfirmation => format!(
                "This address gets no more messages of the topic\n\n{topic}\n\nTo subscribe again, \
                 visit\n\n{subscribe}\n"
            ),
        }
    }
}
