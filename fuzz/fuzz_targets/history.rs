//! Any bytes as the optimiser's state: each is refused with words, or gives a state that is written and read again.

#![no_main]

use impasto::saved_state::SavedState;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(state) = SavedState::parse(bytes) else { return };
    let written = state.bytes().expect("what was read can be written");
    assert_eq!(SavedState::parse(&written).expect("what was written is read").size(), state.size());
});
