//! Any bytes as a report to go on from: each is refused with words, or gives the files and parameters of a job, which say
//! the same when they are written and read again.

#![no_main]

use impasto::report::Earlier;
use impasto::Params;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(earlier) = Earlier::parse(bytes) else { return };
    let text = serde_json::to_string(&earlier.params).expect("parameters are JSON");
    assert_eq!(Params::from_json(&text).expect("what was written is read"), earlier.params);
});
