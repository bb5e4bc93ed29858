//! CBOR (RFC 8949), as far as errors of rpcv2Cbor need it: a tree to bytes.

use flow::Tree;

use crate::limit::DEPTH_MAX;
use crate::moment;

const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;
/// The tag of a moment in seconds.
const EPOCH: u64 = 1;

/// The bytes of a tree.
pub(crate) fn write(tree: &Tree) -> Vec<u8> {
    let mut out = Vec::new();
    value(tree, 0, &mut out);
    out
}

fn value(tree: &Tree, depth: usize, out: &mut Vec<u8>) {
    match tree {
        Tree::Bool(false) => out.push(0xf4),
        Tree::Bool(true) => out.push(0xf5),
        Tree::Int(number) => match u64::try_from(*number) {
            Ok(number) => head(UNSIGNED, number, out),
            Err(_) => head(NEGATIVE, number.unsigned_abs() - 1, out),
        },
        Tree::Float(number) => double(*number, out),
        Tree::Time(at) => {
            head(TAG, EPOCH, out);
            double(moment::seconds(*at), out);
        }
        Tree::Text(text) => string(TEXT, text.as_bytes(), out),
        Tree::Blob(bytes) => string(BYTES, bytes, out),
        Tree::List(items) if depth < DEPTH_MAX => {
            head(ARRAY, length(items.len()), out);
            items.iter().for_each(|item| value(item, depth + 1, out));
        }
        Tree::Map(entries) if depth < DEPTH_MAX => {
            let entries: Vec<_> = entries.iter().filter(|(_, tree)| !tree.is_null()).collect();
            head(MAP, length(entries.len()), out);
            for (key, tree) in entries {
                string(TEXT, key.as_bytes(), out);
                value(tree, depth + 1, out);
            }
        }
        Tree::Null | Tree::List(_) | Tree::Map(_) => out.push(0xf6),
    }
}

fn double(number: f64, out: &mut Vec<u8>) {
    out.push(0xfb);
    out.extend_from_slice(&number.to_be_bytes());
}

fn string(major: u8, bytes: &[u8], out: &mut Vec<u8>) {
    head(major, length(bytes.len()), out);
    out.extend_from_slice(bytes);
}

fn length(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// A major type and its argument, in the shortest form.
fn head(major: u8, argument: u64, out: &mut Vec<u8>) {
    let major = major << 5;
    if let Ok(small) = u8::try_from(argument) {
        if small < 24 {
            out.push(major | small);
        } else {
            out.extend_from_slice(&[major | 24, small]);
        }
    } else if let Ok(short) = u16::try_from(argument) {
        out.push(major | 25);
        out.extend_from_slice(&short.to_be_bytes());
    } else if let Ok(word) = u32::try_from(argument) {
        out.push(major | 26);
        out.extend_from_slice(&word.to_be_bytes());
    } else {
        out.push(major | 27);
        out.extend_from_slice(&argument.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_the_bytes_of_rfc_8949() {
        for (tree, hex) in [
            (Tree::Int(0), "00"),
            (Tree::Int(24), "1818"),
            (Tree::Int(1_000_000), "1a000f4240"),
            (Tree::Int(-1000), "3903e7"),
            (Tree::Float(1.1), "fb3ff199999999999a"),
            (Tree::Text("IETF".into()), "6449455446"),
            (Tree::Blob(vec![1, 2, 3, 4]), "4401020304"),
            (Tree::map([("a", Tree::List(vec![Tree::Bool(true), Tree::Null]))]), "a1616182f5f6"),
        ] {
            let written: String = write(&tree).iter().map(|b| format!("{b:02x}")).collect();
            assert_eq!(written, hex);
        }
    }
}
