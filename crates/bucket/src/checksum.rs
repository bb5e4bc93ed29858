//! The checksums of S3: taken while bytes pass, compared with what the client stated, combined.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use crc_fast::{CrcAlgorithm, Digest as Crc};
use http::HeaderMap;
use md5::Digest as _;
use s3s::crypto::Checksum as S3Sum;

use crate::refusal::Refusal;

/// The kinds that a client may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

/// What S3 computes where the client asks for nothing.
pub(crate) const DEFAULT: Algorithm = Algorithm::Crc64Nvme;

impl Algorithm {
    const ALL: [Self; 5] = [Self::Crc32, Self::Crc32c, Self::Crc64Nvme, Self::Sha1, Self::Sha256];

    /// As `x-amz-checksum-algorithm` spells it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// The header or trailer that carries a value of it.
    pub(crate) fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    /// The algorithm of this name; a name that we do not offer is refused.
    pub(crate) fn named(name: &str) -> Result<Self, Refusal> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| Refusal::not_implemented(&format!("the checksum algorithm {name}")))
    }

    fn of_header(header: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.header() == header)
    }

    fn bytes(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    fn crc(self) -> Option<CrcAlgorithm> {
        match self {
            Self::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
            Self::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
            Self::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
            Self::Sha1 | Self::Sha256 => None,
        }
    }
}

/// Whether a value stands for an object's bytes or for the values of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Kind {
    FullObject,
    Composite,
}

impl Kind {
    /// As `x-amz-checksum-type` spells it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::FullObject => "FULL_OBJECT",
            Self::Composite => "COMPOSITE",
        }
    }
}

/// An object's or part's checksum as it is answered.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Checksum {
    pub(crate) algorithm: Algorithm,
    pub(crate) kind: Kind,
    /// Base64, followed by `-` and the number of parts where it is composite.
    pub(crate) text: String,
}

impl Checksum {
    /// The checksum of whole bytes.
    pub(crate) fn full(algorithm: Algorithm, value: &[u8]) -> Self {
        Self { algorithm, kind: Kind::FullObject, text: BASE64.encode(value) }
    }

    /// The type as S3 answers it.
    pub(crate) fn s3_kind(this: Option<&Self>) -> Option<s3s::dto::ChecksumType> {
        this.map(|checksum| s3s::dto::ChecksumType::from_static(checksum.kind.name()))
    }

    /// The text, where this is of `algorithm`: what one field of an answer holds.
    pub(crate) fn of(this: Option<&Self>, algorithm: Algorithm) -> Option<String> {
        this.filter(|checksum| checksum.algorithm == algorithm).map(|c| c.text.clone())
    }
}

/// Fills the checksum fields that many answers share.
macro_rules! fill {
    ($answer:expr, $checksum:expr) => {{
        use $crate::checksum::{Algorithm, Checksum};
        let checksum: Option<&Checksum> = $checksum;
        $answer.checksum_crc32 = Checksum::of(checksum, Algorithm::Crc32);
        $answer.checksum_crc32c = Checksum::of(checksum, Algorithm::Crc32c);
        $answer.checksum_crc64nvme = Checksum::of(checksum, Algorithm::Crc64Nvme);
        $answer.checksum_sha1 = Checksum::of(checksum, Algorithm::Sha1);
        $answer.checksum_sha256 = Checksum::of(checksum, Algorithm::Sha256);
    }};
}
pub(crate) use fill;

/// What a client stated about the bytes it sends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stated {
    md5: Option<Vec<u8>>,
    value: Option<(Algorithm, Vec<u8>)>,
    announced: Option<Algorithm>,
}

impl Stated {
    /// Reads what the headers state, or announce for the trailer.
    pub(crate) fn of_headers(headers: &HeaderMap) -> Result<Self, Refusal> {
        let mut stated = Self { value: value_in(headers)?, ..Self::default() };
        if let Some(text) = headers.get("content-md5") {
            let value = BASE64.decode(text.as_bytes()).ok().filter(|value| value.len() == 16);
            stated.md5 = Some(value.ok_or_else(|| {
                Refusal::new("InvalidDigest", 400, "The Content-MD5 you specified was invalid.")
            })?);
        }
        for trailer in headers.get_all("x-amz-trailer") {
            let names = trailer.to_str().unwrap_or_default().to_ascii_lowercase();
            for name in names.split(',').map(str::trim).filter(|n| n.starts_with("x-amz-checksum-"))
            {
                let algorithm = Algorithm::of_header(name)
                    .ok_or_else(|| Refusal::not_implemented(&format!("the trailer {name}")))?;
                if stated.announced.replace(algorithm).is_some() || stated.value.is_some() {
                    return Err(several());
                }
            }
        }
        Ok(stated)
    }

    /// The algorithm that the client chose, by a value, a trailer or by name.
    pub(crate) fn algorithm(&self, headers: &HeaderMap) -> Result<Option<Algorithm>, Refusal> {
        let named = ["x-amz-sdk-checksum-algorithm", "x-amz-checksum-algorithm"]
            .into_iter()
            .find_map(|name| headers.get(name))
            .map(|value| Algorithm::named(value.to_str().unwrap_or_default()))
            .transpose()?;
        Ok(self.value.as_ref().map(|(algorithm, _)| *algorithm).or(self.announced).or(named))
    }

    /// What to sum while the body passes. Where the headers choose nothing, a trailer may still
    /// carry a CRC; those cost next to nothing.
    pub(crate) fn to_take(&self, headers: &HeaderMap) -> Result<Vec<Algorithm>, Refusal> {
        Ok(match self.algorithm(headers)? {
            Some(algorithm) => vec![algorithm],
            None => vec![DEFAULT, Algorithm::Crc32, Algorithm::Crc32c],
        })
    }

    /// Adds what came after the body; what was announced must be there.
    pub(crate) fn with_trailers(mut self, trailers: Option<&HeaderMap>) -> Result<Self, Refusal> {
        let late = trailers.map(value_in).transpose()?.flatten();
        if let Some(announced) = self.announced {
            match late {
                Some((algorithm, value)) if algorithm == announced => {
                    self.value = Some((algorithm, value));
                }
                _ => {
                    return Err(Refusal::new(
                        "MalformedTrailerError",
                        400,
                        "The request contained trailing data that was not well-formed or did not \
                         conform to our published schema.",
                    ));
                }
            }
        } else if self.value.is_none() {
            self.value = late;
        }
        Ok(self)
    }

    /// Refuses bytes that are not those the client meant.
    pub(crate) fn check(&self, sums: &Sums) -> Result<(), Refusal> {
        if self.md5.as_ref().is_some_and(|stated| *stated != sums.md5) {
            return Err(bad_digest(
                "The Content-MD5 you specified did not match what we received.",
            ));
        }
        if let Some((algorithm, value)) = &self.value
            && sums.of(*algorithm) != Some(value.as_slice())
        {
            let name = algorithm.name();
            return Err(bad_digest(&format!(
                "The {name} you specified did not match the calculated checksum."
            )));
        }
        Ok(())
    }
}

fn bad_digest(message: &str) -> Refusal {
    Refusal::new("BadDigest", 400, message.to_owned())
}

fn several() -> Refusal {
    Refusal::new(
        "InvalidRequest",
        400,
        "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
    )
}

/// The one checksum value among these headers.
fn value_in(headers: &HeaderMap) -> Result<Option<(Algorithm, Vec<u8>)>, Refusal> {
    let mut found = None;
    for (name, text) in headers {
        let Some(algorithm) = Algorithm::of_header(name.as_str()) else { continue };
        let value = BASE64.decode(text.as_bytes()).ok();
        let value = value.filter(|value| value.len() == algorithm.bytes()).ok_or_else(|| {
            let message = format!("Value for {name} header is invalid.");
            Refusal::new("InvalidRequest", 400, message)
        })?;
        if found.replace((algorithm, value)).is_some() {
            return Err(several());
        }
    }
    Ok(found)
}

/// Takes the sums of bytes as they pass.
pub(crate) struct Taking {
    md5: md5::Md5,
    sha256: sha2::Sha256,
    sha1: Option<s3s::crypto::Sha1>,
    crcs: Vec<(Algorithm, Crc)>,
}

/// The sums of some bytes: MD5 and SHA-256 always, the others as they were asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) md5: Vec<u8>,
    pub(crate) sha256: Vec<u8>,
    others: Vec<(Algorithm, Vec<u8>)>,
}

impl Taking {
    /// Begins with these beside MD5 and SHA-256.
    pub(crate) fn begin(algorithms: &[Algorithm]) -> Self {
        let mut taking = Self {
            md5: md5::Md5::new(),
            sha256: sha2::Sha256::new(),
            sha1: None,
            crcs: Vec::new(),
        };
        for algorithm in algorithms {
            match algorithm.crc() {
                Some(crc) if !taking.crcs.iter().any(|(known, _)| known == algorithm) => {
                    taking.crcs.push((*algorithm, Crc::new(crc)));
                }
                None if *algorithm == Algorithm::Sha1 => taking.sha1 = Some(S3Sum::new()),
                _ => {}
            }
        }
        taking
    }

    /// The next bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        self.sha256.update(bytes);
        if let Some(sha1) = &mut self.sha1 {
            S3Sum::update(sha1, bytes);
        }
        for (_, crc) in &mut self.crcs {
            crc.update(bytes);
        }
    }

    /// The sums of all that passed.
    pub(crate) fn end(self) -> Sums {
        let mut others: Vec<(Algorithm, Vec<u8>)> = self
            .crcs
            .into_iter()
            .map(|(algorithm, crc)| (algorithm, crc_bytes(algorithm, crc.finalize())))
            .collect();
        if let Some(sha1) = self.sha1 {
            others.push((Algorithm::Sha1, S3Sum::finalize(sha1).to_vec()));
        }
        Sums { md5: self.md5.finalize().to_vec(), sha256: self.sha256.finalize().to_vec(), others }
    }
}

impl Sums {
    /// The sums of bytes in memory.
    pub(crate) fn of_bytes(bytes: &[u8], algorithms: &[Algorithm]) -> Self {
        let mut taking = Taking::begin(algorithms);
        taking.update(bytes);
        taking.end()
    }

    /// The sum of this kind, where it was taken.
    pub(crate) fn of(&self, algorithm: Algorithm) -> Option<&[u8]> {
        if algorithm == Algorithm::Sha256 {
            return Some(&self.sha256);
        }
        self.others.iter().find(|(known, _)| *known == algorithm).map(|(_, sum)| sum.as_slice())
    }
}

/// The last bytes of a sum of 64 bits, as many as the algorithm has.
fn crc_bytes(algorithm: Algorithm, sum: u64) -> Vec<u8> {
    let bytes = sum.to_be_bytes();
    bytes.iter().skip(bytes.len() - algorithm.bytes()).copied().collect()
}

fn crc_value(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |value, byte| (value << 8) | u64::from(*byte))
}

/// The checksum of an object from its parts' sums and sizes.
pub(crate) fn combined(
    algorithm: Algorithm,
    kind: Kind,
    parts: &[(Vec<u8>, u64)],
) -> Option<Checksum> {
    match (kind, algorithm.crc()) {
        (Kind::Composite, _) => {
            let mut all = Vec::with_capacity(parts.len() * algorithm.bytes());
            for (sum, _) in parts {
                all.extend_from_slice(sum);
            }
            let sums = Sums::of_bytes(&all, &[algorithm]);
            let text = format!("{}-{}", BASE64.encode(sums.of(algorithm)?), parts.len());
            Some(Checksum { algorithm, kind, text })
        }
        (Kind::FullObject, Some(crc)) => {
            let mut parts = parts.iter();
            let (first, _) = parts.next()?;
            let sum = parts.fold(crc_value(first), |sum, (next, size)| {
                crc_fast::checksum_combine(crc, sum, crc_value(next), *size)
            });
            Some(Checksum::full(algorithm, &crc_bytes(algorithm, sum)))
        }
        (Kind::FullObject, None) => None,
    }
}

/// Checks that the two go together, as AWS does; the type may be left out.
pub(crate) fn kind_for(algorithm: Algorithm, kind: Option<&str>) -> Result<Kind, Refusal> {
    let refuse = |kind: &str| {
        let algorithm = algorithm.name().to_ascii_lowercase();
        Err(Refusal::new(
            "InvalidRequest",
            400,
            format!(
                "The {kind} checksum type cannot be used with the {algorithm} checksum algorithm."
            ),
        ))
    };
    match (kind, algorithm) {
        (Some("COMPOSITE"), Algorithm::Crc64Nvme) => refuse("COMPOSITE"),
        (Some("FULL_OBJECT"), Algorithm::Sha1 | Algorithm::Sha256) => refuse("FULL_OBJECT"),
        (Some("FULL_OBJECT"), _) | (None, Algorithm::Crc64Nvme) => Ok(Kind::FullObject),
        (Some("COMPOSITE") | None, _) => Ok(Kind::Composite),
        (Some(other), _) => Err(Refusal::new(
            "InvalidRequest",
            400,
            format!("Value for x-amz-checksum-type header is invalid: {other}"),
        )),
    }
}

#[cfg(test)]
mod tests;
