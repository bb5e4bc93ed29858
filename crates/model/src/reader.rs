//! Reads numbers and text from bytes that may be damaged.

use crate::error::Error;

/// A place in bytes; every read is checked against their end.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// The most bytes of a number that fits 32 bits.
const NUMBER_BYTES_MAX: usize = 5;

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(crate) fn damaged(&self, expected: &'static str) -> Error {
        Error::Damaged { at: self.at, expected }
    }

    /// The next `length` bytes.
    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let end = self.at.checked_add(length).ok_or_else(|| self.damaged("a length"))?;
        let taken = self.bytes.get(self.at..end).ok_or_else(|| self.damaged("more bytes"))?;
        self.at = end;
        Ok(taken)
    }

    /// All that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        self.at = self.bytes.len();
        rest
    }

    /// A number in groups of seven bits, the lowest first.
    pub(crate) fn number(&mut self) -> Result<u32, Error> {
        let mut value = 0_u64;
        for group in 0..NUMBER_BYTES_MAX {
            let byte = self.take(1)?.first().copied().unwrap_or_default();
            value |= u64::from(byte & 0x7f) << (group * 7);
            if byte & 0x80 == 0 {
                return u32::try_from(value).map_err(|_| self.damaged("a number of 32 bits"));
            }
        }
        Err(self.damaged("the end of a number"))
    }

    /// A number that counts things or bytes.
    pub(crate) fn length(&mut self) -> Result<usize, Error> {
        let number = self.number()?;
        usize::try_from(number).map_err(|_| self.damaged("a length"))
    }

    /// A length and so many bytes of text.
    pub(crate) fn text(&mut self) -> Result<&'a str, Error> {
        let length = self.length()?;
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes).map_err(|_| self.damaged("text"))
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_keeps_its_value_and_never_exceeds_32_bits() {
        assert_eq!(Reader::new(&[0]).number().unwrap(), 0);
        assert_eq!(Reader::new(&[0xac, 0x02]).number().unwrap(), 300);
        assert_eq!(Reader::new(&[0xff, 0xff, 0xff, 0xff, 0x0f]).number().unwrap(), u32::MAX);
        for wrong in [&[0xff, 0xff, 0xff, 0xff, 0x1f][..], &[0x80; 6], &[0x80], &[]] {
            assert!(Reader::new(wrong).number().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn text_that_is_longer_than_the_bytes_is_an_error() {
        assert_eq!(Reader::new(b"\x02hi").text().unwrap(), "hi");
        assert!(Reader::new(b"\x03hi").text().is_err());
        assert!(Reader::new(b"\x01\xff").text().is_err());
    }
}
