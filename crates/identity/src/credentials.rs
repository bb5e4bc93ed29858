//! Access keys of AWS's form, made of chance.

use flow::{Chance, Secret, Timestamp};

const ID_LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SECRET_LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const TOKEN_LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Characters of an access key id after its four letters of kind.
const ID_LENGTH: usize = 16;
/// Characters of a unique id after its four letters of kind.
const UNIQUE_LENGTH: usize = 17;
/// Characters of a secret access key.
const SECRET_LENGTH: usize = 40;
/// Characters of a session token: more than 700 bits of chance.
const TOKEN_LENGTH: usize = 128;

/// Temporary credentials, as a client needs them.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// `ASIA…`.
    pub access_key_id: String,
    /// The secret that signs.
    pub secret: Secret,
    /// The token that must come with every request.
    pub session_token: Secret,
    /// From when on they are refused.
    pub expires: Timestamp,
}

impl Credentials {
    /// New credentials that end at `expires`.
    pub(crate) fn temporary(chance: &dyn Chance, expires: Timestamp) -> Self {
        Self {
            access_key_id: format!("ASIA{}", chance.text(ID_LETTERS, ID_LENGTH)),
            secret: secret(chance),
            session_token: Secret::new(chance.text(TOKEN_LETTERS, TOKEN_LENGTH)),
            expires,
        }
    }
}

/// A new long-term access key id, `AKIA…`.
pub(crate) fn long_term_id(chance: &dyn Chance) -> String {
    format!("AKIA{}", chance.text(ID_LETTERS, ID_LENGTH))
}

/// A new unique id of a user, role or policy; `prefix` says which.
pub(crate) fn unique_id(prefix: &str, chance: &dyn Chance) -> String {
    format!("{prefix}{}", chance.text(ID_LETTERS, UNIQUE_LENGTH))
}

/// A new secret access key.
pub(crate) fn secret(chance: &dyn Chance) -> Secret {
    Secret::new(chance.text(SECRET_LETTERS, SECRET_LENGTH))
}

#[cfg(test)]
mod tests {
    use flow::SeededChance;

    use super::*;

    #[test]
    fn keys_have_the_form_of_aws() {
        let chance = SeededChance::new(3);
        let id = long_term_id(&chance);
        assert_eq!(id.len(), 20);
        assert!(id.starts_with("AKIA"));
        assert!(id.bytes().all(|b| b.is_ascii_uppercase() || (b'2'..=b'7').contains(&b)), "{id}");
        assert_eq!(secret(&chance).expose().len(), 40);
        let made = Credentials::temporary(&chance, Timestamp::from_secs(1));
        assert!(made.access_key_id.starts_with("ASIA"));
        assert_eq!(made.access_key_id.len(), 20);
    }

    #[test]
    fn debug_text_of_credentials_shows_no_secret() {
        let made = Credentials::temporary(&SeededChance::new(4), Timestamp::from_secs(1));
        let shown = format!("{made:?}");
        assert!(!shown.contains(made.secret.expose()), "{shown}");
        assert!(!shown.contains(made.session_token.expose()), "{shown}");
    }
}
