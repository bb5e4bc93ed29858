//! The unique ids of roles that are not there.

use flow::AccountId;
use sha2::{Digest, Sha256};

const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Characters of a role's unique id after `AROA`.
const ID_LENGTH: usize = 17;

/// The unique id of a role of whom only the name is known, `AROA…`: the same on every start.
pub(crate) fn unique_id(account: &AccountId, role: &str) -> String {
    derived_id("AROA", &format!("role\n{account}\n{role}"))
}

/// A unique id that follows from what it is of; `prefix` says of which kind that is.
pub(crate) fn derived_id(prefix: &str, what: &str) -> String {
    let digest = Sha256::digest(what);
    let letters = digest.iter().take(ID_LENGTH).filter_map(|b| LETTERS.get(usize::from(b & 31)));
    let mut id = prefix.to_owned();
    id.extend(letters.map(|letter| char::from(*letter)));
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_roles_id_is_its_own_and_never_changes() {
        let account: AccountId = "123456789012".parse().unwrap();
        let id = unique_id(&account, "detect");
        assert_eq!(id.len(), 21);
        assert_eq!(id, unique_id(&account, "detect"));
        assert_ne!(id, unique_id(&account, "detect2"));
        assert_ne!(id, unique_id(&"123456789013".parse().unwrap(), "detect"));
    }
}
