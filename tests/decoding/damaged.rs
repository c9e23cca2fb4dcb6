//! Files with bytes changed at random, always the same: an error or a picture, never a panic, an endless loop
//! or more memory than the header says.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use impasto::Picture;
use impasto::picture::PictureInfo;

use super::allocations::counted;
use super::{alone, fixtures};

/// Changed files of each fixture.
const TRIES: u64 = 120;
/// More than this is not decoded: a header may promise anything.
const MOST_BYTES: u64 = 1 << 26;

struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        // Knuth's MMIX.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most.max(1)
    }
}

fn changed(whole: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    for _ in 0..1 + random.below(4) {
        // Headers are short, so half of the changes are made near the start.
        let reach = if random.below(2) == 0 { bytes.len().min(200) } else { bytes.len() };
        let at = random.below(reach);
        match random.below(6) {
            0 => bytes[at] = 0,
            1 => bytes[at] = 0xff,
            2 => bytes[at] ^= 1 << random.below(8),
            3 => bytes[at] = random.below(256) as u8,
            4 => {
                let end = (at + 1 + random.below(8)).min(bytes.len());
                bytes.drain(at..end);
            }
            _ => bytes.truncate(at.max(1)),
        }
        if bytes.is_empty() {
            break;
        }
    }
    bytes
}

#[test]
fn damaged_files_neither_panic_nor_take_more_memory_than_announced() {
    let _alone = alone();
    let (begun, mut slowest) = (Instant::now(), Duration::ZERO);
    let (mut tried, mut read) = (0, 0);
    for (i, path) in fixtures().into_iter().enumerate() {
        let whole = std::fs::read(&path).expect("the fixture");
        for seed in 0..TRIES {
            let bytes = changed(&whole, &mut Random(seed * 1000 + i as u64));
            let name = format!("{} with seed {seed}", path.display());
            let start = Instant::now();
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                let info = PictureInfo::parse(&bytes, &name).ok()?;
                if info.decoding_bytes > MOST_BYTES {
                    return None;
                }
                let measure = || counted(|| Picture::decode(&bytes, &name));
                let (picture, mut used) = measure();
                // Threads of the JPEG decoder may still be at work on an earlier file; what this file takes, it takes every time.
                for _ in 0..3 {
                    if used + bytes.len() as u64 > info.decoding_bytes {
                        std::thread::sleep(Duration::from_millis(20));
                        used = used.min(measure().1);
                    }
                }
                Some((info, picture, used + bytes.len() as u64))
            }));
            slowest = slowest.max(start.elapsed());
            tried += 1;
            let outcome = outcome.unwrap_or_else(|_| panic!("{name}: a panic"));
            let Some((info, picture, used)) = outcome else { continue };
            assert!(
                used <= info.decoding_bytes,
                "{name}: {used} bytes, {} were announced",
                info.decoding_bytes
            );
            if let Ok(picture) = picture {
                assert_eq!([picture.height(), picture.width()], [info.height, info.width], "{name}");
                read += 1;
            }
        }
    }
    assert!(tried > 2500 && read > 100, "{read} of {tried}");
    assert!(slowest < Duration::from_secs(5), "one file took {slowest:?}");
    eprintln!(
        "{read} of {tried} damaged files were read in {:?}, the slowest in {slowest:?}",
        begun.elapsed()
    );
}
