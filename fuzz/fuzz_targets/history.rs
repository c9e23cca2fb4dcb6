//! Any bytes as the optimiser's state: each is refused with words, or gives a state that is written and read again.

#![no_main]

use impasto::history::History;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(history) = History::parse(bytes) else { return };
    let written = history.bytes().expect("what was read can be written");
    assert_eq!(History::parse(&written).expect("what was written is read").size(), history.size());
});
