//! Whether a library's file is whole, by what its own header says of its length. A system's loader maps a file that is
//! cut off without a word, and the program ends with SIGBUS at the first page that is not there.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// What is wrong with a library's file that ends before its parts do (ELF, PE or Mach-O). None for a file that is whole,
/// that cannot be read, or of another kind: the loader has words for these.
pub(super) fn cut_off(path: &Path) -> Option<String> {
    let mut file = Contents::open(path)?;
    let end = match file.bytes(0, 4)?.as_slice() {
        b"\x7fELF" => file.elf_end(),
        [b'M', b'Z', ..] => file.pe_end(),
        b"\xcf\xfa\xed\xfe" => file.mach_o_end(),
        b"\xca\xfe\xba\xbe" => file.universal_end(),
        _ => return None,
    };
    let length = file.length;
    match end {
        Some(end) if end <= length => None,
        Some(end) => Some(format!("is cut off: it has {length} of {end} bytes; download it again")),
        None => Some(format!("is cut off: its header is longer than its {length} bytes; download it again")),
    }
}

/// A file of which a few tables are read.
struct Contents {
    file: File,
    length: u64,
    big_endian: bool,
}

impl Contents {
    fn open(path: &Path) -> Option<Self> {
        let file = File::open(path).ok()?;
        let length = file.metadata().ok()?.len();
        Some(Contents { file, length, big_endian: false })
    }

    /// None where the file ends before.
    fn bytes(&mut self, at: u64, count: usize) -> Option<Vec<u8>> {
        if at.checked_add(count as u64)? > self.length {
            return None;
        }
        let mut bytes = vec![0; count];
        self.file.seek(SeekFrom::Start(at)).ok()?;
        self.file.read_exact(&mut bytes).ok()?;
        Some(bytes)
    }

    /// An unsigned number of at most eight bytes.
    fn number(&mut self, at: u64, count: usize) -> Option<u64> {
        let mut bytes = self.bytes(at, count)?;
        if !self.big_endian {
            bytes.reverse();
        }
        Some(bytes.iter().fold(0, |all, &byte| all << 8 | u64::from(byte)))
    }

    /// The end of the segments, the sections and the two tables of these. Where a table is not there whole, its own end.
    fn elf_end(&mut self) -> Option<u64> {
        /// A section that takes no bytes of the file.
        const NOBITS: u64 = 8;
        let wide = self.number(4, 1)? == 2;
        self.big_endian = self.number(5, 1)? == 2;
        // Where the fields are, and how long addresses are.
        let (tables, counts, word) = if wide { ([32, 40], [54, 58], 8) } else { ([28, 32], [42, 46], 4) };
        let segment = if wide { [8, 32] } else { [4, 16] };
        let section = if wide { [24, 32] } else { [16, 20] };
        let mut end = 0;
        for (table, (count, [offset, size])) in
            tables.into_iter().zip(counts.into_iter().zip([segment, section]))
        {
            let start = self.number(table, word)?;
            let (entry, count_of) = (self.number(count, 2)?, self.number(count + 2, 2)?);
            end = end.max(start.saturating_add(entry * count_of));
            for index in 0..count_of {
                let at = start.saturating_add(index * entry);
                let is_section = table == tables[1];
                if is_section && self.number(at.saturating_add(4), 4).is_none_or(|kind| kind == NOBITS) {
                    continue;
                }
                let mut field = |offset| self.number(at.saturating_add(offset), word);
                if let (Some(offset), Some(size)) = (field(offset), field(size)) {
                    end = end.max(offset.saturating_add(size));
                }
            }
        }
        Some(end)
    }

    /// The end of the sections.
    fn pe_end(&mut self) -> Option<u64> {
        let header = self.number(0x3c, 4)?;
        let (sections, optional) = (self.number(header + 6, 2)?, self.number(header + 20, 2)?);
        let mut end = 0;
        for index in 0..sections {
            let at = header + 24 + optional + 40 * index;
            end = end.max(self.number(at + 20, 4)? + self.number(at + 16, 4)?);
        }
        Some(end)
    }

    /// The end of the segments of a 64-bit file.
    fn mach_o_end(&mut self) -> Option<u64> {
        const SEGMENT: u64 = 0x19;
        let mut at = 32;
        let mut end = 0;
        for _ in 0..self.number(16, 4)? {
            let (kind, size) = (self.number(at, 4)?, self.number(at + 4, 4)?);
            if kind == SEGMENT {
                end = end.max(self.number(at + 40, 8)?.saturating_add(self.number(at + 48, 8)?));
            }
            at += size.max(8);
        }
        Some(end)
    }

    /// The end of the files for each processor that a universal file holds.
    fn universal_end(&mut self) -> Option<u64> {
        self.big_endian = true;
        let mut end = 0;
        for index in 0..self.number(4, 4)? {
            let at = 8 + 20 * index;
            end = end.max(self.number(at + 8, 4)? + self.number(at + 12, 4)?);
        }
        Some(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(bytes: &[u8]) -> Option<String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("library");
        std::fs::write(&path, bytes).expect("written");
        cut_off(&path)
    }

    /// Numbers, each at its place and of its length, in a file of `length` bytes.
    fn file(length: usize, start: &[u8], numbers: &[(usize, usize, u64)], big_endian: bool) -> Vec<u8> {
        let mut bytes = vec![0; length];
        bytes[..start.len()].copy_from_slice(start);
        for &(at, count, number) in numbers {
            let number = number.to_be_bytes();
            let mut number = number[8 - count..].to_vec();
            if !big_endian {
                number.reverse();
            }
            bytes[at..at + count].copy_from_slice(&number);
        }
        bytes
    }

    #[test]
    fn files_of_each_kind_are_cut_off_where_their_last_part_is() {
        // One segment that ends at 180, one section that ends at 200 and one without room, tables at 64 and at 220.
        let wide = [(32, 8, 64), (40, 8, 220), (54, 2, 56), (56, 2, 1), (58, 2, 64), (60, 2, 2)];
        let parts =
            [(72, 8, 80), (96, 8, 100), (224, 4, 1), (244, 8, 150), (252, 8, 50), (288, 4, 8), (308, 8, 999)];
        let elf = |class: u8, order: u8| [0x7f, b'E', b'L', b'F', class, order];
        let narrow = [(28, 4, 52), (32, 4, 120), (42, 2, 32), (44, 2, 1), (46, 2, 40), (48, 2, 1)];
        let parts_32 = [(56, 4, 80), (68, 4, 30), (124, 4, 1), (136, 4, 160), (140, 4, 40)];
        let pe = [(0x3c, 4, 64), (70, 2, 1), (84, 2, 16), (64 + 40 + 16, 4, 50), (64 + 40 + 20, 4, 150)];
        let mach_o =
            [(16, 4, 2), (32, 4, 2), (36, 4, 24), (56, 4, 0x19), (60, 4, 72), (96, 8, 150), (104, 8, 50)];
        let fat = [(4, 4, 1), (16, 4, 150), (20, 4, 50)];
        for (name, whole, bytes) in [
            ("ELF", 348, file(348, &elf(2, 1), &[&wide[..], &parts].concat(), false)),
            ("ELF, big-endian", 348, file(348, &elf(2, 2), &[&wide[..], &parts].concat(), true)),
            ("ELF, 32 bits", 200, file(200, &elf(1, 1), &[&narrow[..], &parts_32].concat(), false)),
            ("PE", 200, file(200, b"MZ", &pe, false)),
            ("Mach-O", 200, file(200, b"\xcf\xfa\xed\xfe", &mach_o, false)),
            ("Mach-O for several", 200, file(200, b"\xca\xfe\xba\xbe", &fat, true)),
        ] {
            assert_eq!(problem(&bytes), None, "{name}");
            let said = problem(&bytes[..whole - 1]).expect(name);
            assert!(said.contains(&format!("it has {} of {whole} bytes", whole - 1)), "{name}: {said}");
            for length in [5, 20, 40, 60, 100, 130, 170] {
                assert!(problem(&bytes[..length]).is_some(), "{name}, {length} bytes");
            }
        }
    }

    #[test]
    fn a_program_is_whole_and_other_files_are_left_to_the_loader() {
        let own = std::env::current_exe().expect("a program");
        assert_eq!(cut_off(&own), None);
        for bytes in [&b""[..], b"x", b"no library at all"] {
            assert_eq!(problem(bytes), None);
        }
        assert_eq!(cut_off(Path::new("nonesuch")), None);
    }
}
