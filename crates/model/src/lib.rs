//! What each AWS service calls its operations and members.
mod shape;

pub use crate::shape::{
    ErrorTrait, Kind, Location, Member, Operation, Protocol, Service, Shape, ShapeId, Structure,
    TimestampFormat,
};
