//! Any bytes as a picture file: the header and the picture agree, samples are in their range, and nothing
//! panics. The seeds are the small files of `tests/fixtures/pictures`.

#![no_main]

use impasto::Picture;
use impasto::picture::PictureInfo;
use libfuzzer_sys::fuzz_target;

/// A header may promise more than a fuzzer should decode again and again.
const MOST_BYTES: u64 = 1 << 28;

fuzz_target!(|bytes: &[u8]| {
    let Ok(info) = PictureInfo::parse(bytes, "fuzzed") else {
        assert!(Picture::decode(bytes, "fuzzed").is_err(), "the header is refused, the picture is not");
        return;
    };
    if info.decoding_bytes > MOST_BYTES {
        return;
    }
    let Ok(picture) = Picture::decode(bytes, "fuzzed") else { return };
    assert_eq!([picture.height(), picture.width()], [info.height, info.width]);
    assert_eq!(picture.alpha().is_some(), info.has_alpha);
    assert!(picture.rgb().iter().all(|v| (0.0..=1.0).contains(v)));
    assert!(picture.alpha().is_none_or(|a| a.iter().all(|v| (0.0..=1.0).contains(v))));
});
