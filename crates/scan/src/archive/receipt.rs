//! What says that an object has been read and its findings are out.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use tokio::sync::OwnedSemaphorePermit;

use super::ledger::{Ledger, UnitId};

/// Goes along with an object. Where it is dropped, the object is as good as never read.
#[derive(Debug)]
pub(crate) struct Receipt {
    ledger: Arc<Mutex<Ledger>>,
    unit: Option<UnitId>,
    key: String,
    has_failed: Arc<AtomicBool>,
    /// The object's share of memory.
    _room: OwnedSemaphorePermit,
}

/// Says that the rest of an object cannot be read.
pub(crate) struct Failing(Arc<AtomicBool>);

impl Receipt {
    pub(crate) fn new(
        ledger: Arc<Mutex<Ledger>>,
        unit: Option<UnitId>,
        key: String,
        room: OwnedSemaphorePermit,
    ) -> Self {
        Self { ledger, unit, key, has_failed: Arc::default(), _room: room }
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    pub(crate) fn failing(&self) -> Failing {
        Failing(Arc::clone(&self.has_failed))
    }

    /// The object has been examined, and what was found in it handed on.
    pub(crate) fn done(self) {
        if self.has_failed.load(Relaxed) {
            return self.failed();
        }
        let mut ledger = self.ledger.lock().expect("no holder panics");
        match self.unit {
            Some(unit) => ledger.done(unit, &self.key),
            None => ledger.read_after_all(&self.key),
        }
    }

    /// The object could not be read, and this was said.
    pub(crate) fn failed(self) {
        self.ledger.lock().expect("no holder panics").failed(self.unit, &self.key);
    }
}

impl Failing {
    pub(crate) fn fail(&self) {
        self.0.store(true, Relaxed);
    }
}
