//! One service's operations and shapes, from the block that holds them.

use crate::{
    ErrorTrait, Kind, Location, Member, Operation, Service, Shape, ShapeId, Structure,
    TimestampFormat, error::Error, index::Entry, reader::Reader,
};

/// The most bytes that a block may inflate to.
const INFLATED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Inflates and reads the block of `entry`. Never panics, whatever the bytes.
pub(crate) fn read(entry: &Entry) -> Result<Service, Error> {
    let deflate = || Error::Deflate { service: entry.name.to_owned() };
    if entry.inflated > INFLATED_BYTES_MAX {
        return Err(deflate());
    }
    let mut bytes = vec![0; entry.inflated];
    let written = libdeflater::Decompressor::new()
        .deflate_decompress(entry.deflated, &mut bytes)
        .map_err(|_| deflate())?;
    if written != entry.inflated {
        return Err(deflate());
    }
    let (operations, shapes) = read_inflated(&bytes)?;
    if u32::try_from(operations.len()) != Ok(entry.operations)
        || u32::try_from(shapes.len()) != Ok(entry.shapes)
    {
        return Err(deflate());
    }
    Ok(Service {
        name: entry.name.to_owned(),
        api_version: entry.api_version.to_owned(),
        service_id: entry.service_id.to_owned(),
        endpoint_prefix: entry.endpoint_prefix.to_owned(),
        signing_name: entry.signing_name.to_owned(),
        event_source: entry.event_source(),
        protocols: entry.protocols.clone(),
        json_version: entry.json_version.map(str::to_owned),
        target_prefix: entry.target_prefix.map(str::to_owned),
        xml_namespace: entry.xml_namespace.map(str::to_owned),
        query_compatible: entry.query_compatible,
        operations,
        shapes,
    })
}

/// Reads what a block inflates to. Never panics, whatever the bytes.
pub(crate) fn read_inflated(bytes: &[u8]) -> Result<(Vec<Operation>, Vec<Shape>), Error> {
    let mut numbers = Reader::new(bytes);
    let text = numbers.text()?;
    let mut block =
        Block { numbers, unmet: text.split_terminator('\0'), strings: Vec::new(), shapes_met: 0 };
    let operations = block.number()?;
    let operations = (0..operations).map(|_| block.operation()).collect::<Result<Vec<_>, _>>()?;
    let mut shapes = Vec::new();
    // A shape's members may name shapes that were not met before.
    while shapes.len() < block.shapes_met {
        shapes.push(block.shape()?);
    }
    if !block.numbers.is_at_end() {
        return Err(block.numbers.damaged("the end of the block"));
    }
    if !operations.is_sorted_by(|a, b| a.name < b.name) {
        return Err(block.numbers.damaged("operations in the order of their names"));
    }
    Ok((operations, shapes))
}

struct Block<'a> {
    numbers: Reader<'a>,
    unmet: std::str::SplitTerminator<'a, char>,
    strings: Vec<&'a str>,
    shapes_met: usize,
}

fn has(flags: u32, bit: u32) -> bool {
    flags & bit != 0
}

impl Block<'_> {
    fn number(&mut self) -> Result<u32, Error> {
        self.numbers.number()
    }

    fn string(&mut self) -> Result<String, Error> {
        let text = match self.numbers.length()?.checked_sub(1) {
            None => {
                let met = self.unmet.next().ok_or_else(|| self.numbers.damaged("a string"))?;
                self.strings.push(met);
                Some(met)
            }
            Some(at) => self.strings.get(at).copied(),
        };
        text.map(str::to_owned).ok_or_else(|| self.numbers.damaged("a string met before"))
    }

    fn string_if(&mut self, present: bool) -> Result<Option<String>, Error> {
        present.then(|| self.string()).transpose()
    }

    fn shape_id(&mut self) -> Result<ShapeId, Error> {
        let id = match self.numbers.length()?.checked_sub(1) {
            None => {
                self.shapes_met += 1;
                self.shapes_met - 1
            }
            Some(at) if at < self.shapes_met => at,
            Some(_) => return Err(self.numbers.damaged("a shape met before")),
        };
        u32::try_from(id).map(ShapeId).map_err(|_| self.numbers.damaged("fewer shapes"))
    }

    fn status(&mut self) -> Result<u16, Error> {
        u16::try_from(self.number()?).map_err(|_| self.numbers.damaged("an HTTP status"))
    }

    fn operation(&mut self) -> Result<Operation, Error> {
        let flags = self.number()?;
        let mut operation = Operation {
            name: self.string()?,
            method: self.string()?,
            uri: self.string()?,
            status: self.status()?,
            input: has(flags, 1).then(|| self.member()).transpose()?,
            output: has(flags, 2).then(|| self.member()).transpose()?,
            result_wrapper: self.string_if(has(flags, 4))?,
            host_prefix: self.string_if(has(flags, 8))?,
            unsigned: has(flags, 16),
            errors: Vec::new(),
        };
        for _ in 0..self.number()? {
            operation.errors.push(self.shape_id()?);
        }
        Ok(operation)
    }

    fn member(&mut self) -> Result<Member, Error> {
        let flags = self.number()?;
        let mut member = Member {
            name: self.string()?,
            shape: self.shape_id()?,
            location: self.location(flags >> 2 & 7)?,
            wire_name: self.string_if(has(flags, 2))?,
            required: has(flags, 1),
            sensitive: has(flags, 32),
            ..Member::default()
        };
        if has(flags, 64) {
            let more = self.number()?;
            member.streaming = has(more, 2);
            member.flattened = has(more, 4);
            member.xml_attribute = has(more, 8);
            member.json_value = has(more, 16);
            member.idempotency_token = has(more, 32);
            member.event_payload = has(more, 256);
            member.query_name = self.string_if(has(more, 1))?;
            if has(more, 64) {
                member.timestamp_format = self.timestamp_format()?;
            }
            if has(more, 128) {
                let prefix = Some(self.string()?).filter(|prefix| !prefix.is_empty());
                member.xml_namespace = Some((prefix, self.string()?));
            }
        }
        Ok(member)
    }

    fn location(&self, number: u32) -> Result<Location, Error> {
        Ok(match number {
            0 => Location::Body,
            1 => Location::Uri,
            2 => Location::Query,
            3 => Location::Header,
            4 => Location::HeaderPrefix,
            5 => Location::Status,
            _ => return Err(self.numbers.damaged("a location")),
        })
    }

    fn timestamp_format(&mut self) -> Result<Option<TimestampFormat>, Error> {
        Ok(match self.number()? {
            0 => None,
            1 => Some(TimestampFormat::Iso8601),
            2 => Some(TimestampFormat::Rfc822),
            3 => Some(TimestampFormat::Unix),
            _ => return Err(self.numbers.damaged("a format of moments")),
        })
    }

    fn shape(&mut self) -> Result<Shape, Error> {
        let flags = self.number()?;
        let flattened = has(flags, 32);
        let name = self.string()?;
        let kind = match flags & 15 {
            0 => Kind::Structure(self.structure()?),
            1 => Kind::List { member: self.member()?, flattened },
            2 => Kind::Map { key: self.member()?, value: self.member()?, flattened },
            3 => Kind::String,
            4 => Kind::Integer,
            5 => Kind::Long,
            6 => Kind::Float,
            7 => Kind::Boolean,
            8 => Kind::Blob,
            9 => Kind::Timestamp(self.timestamp_format()?),
            10 => Kind::Document,
            _ => return Err(self.numbers.damaged("a kind of shape")),
        };
        Ok(Shape { name, kind, sensitive: has(flags, 16) })
    }

    fn structure(&mut self) -> Result<Structure, Error> {
        let flags = self.number()?;
        let mut structure =
            Structure { union: has(flags, 4), event_stream: has(flags, 8), ..Structure::default() };
        for _ in 0..self.number()? {
            structure.members.push(self.member()?);
        }
        if has(flags, 1) {
            let at = self.number()?;
            if usize::try_from(at).is_ok_and(|at| at >= structure.members.len()) {
                return Err(self.numbers.damaged("the place of a member"));
            }
            structure.payload = Some(at);
        }
        let code = self.string_if(has(flags, 16))?;
        let status = has(flags, 32).then(|| self.status()).transpose()?;
        let error = ErrorTrait { code, status, sender_fault: has(flags, 64) };
        structure.error = has(flags, 2).then_some(error);
        Ok(structure)
    }
}
