//! Who wants to know of an object; queue, retry, dead letter.
