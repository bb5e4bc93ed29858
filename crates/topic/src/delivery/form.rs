//! The form of a message, signed by the signature version of its topic as it stands now.

use crate::{
    delivery::Ending,
    error::Error,
    message::{Message, Signed},
    run::Inner,
};

impl Inner {
    /// The signed envelope.
    pub(super) async fn envelope(&self, message: &Message) -> Result<String, Ending> {
        let signed = self.signed(message).await?;
        Ok(message.envelope(self.endpoint(), &signed))
    }

    /// The signed event for a function.
    pub(super) async fn event(&self, message: &Message) -> Result<String, Ending> {
        let signed = self.signed(message).await?;
        Ok(message.event(self.endpoint(), &signed))
    }

    async fn signed(&self, message: &Message) -> Result<Signed, Ending> {
        let version = match self.topic(&message.topic_arn).await {
            Ok(topic) => topic.attributes.signature_version.unwrap_or_default(),
            Err(fault) if fault.status == 404 => {
                return Err(Ending::Never("the topic was deleted".to_owned()));
            }
            Err(fault) => return Err(Ending::Again(fault.message)),
        };
        let again = |why: Error| Ending::Again(why.to_string());
        let signer = self.signing.signer().await.map_err(again)?;
        let text = message.signed_text(self.endpoint());
        Ok(Signed {
            version: version.as_str(),
            signature: signer.sign(version, &text).map_err(again)?,
            certificate_path: signer.certificate_path(),
        })
    }
}
