//! What a program needs of a Debian system, by what its file says: the packages of the libraries that it is linked
//! with, and their least versions where the file names versions of their symbols.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::{Result, run};

/// The packages that have the libraries, in Debian 13 and in Ubuntu 25.04 and later. `{}` is for the version.
const PACKAGES: [(&str, &str); 21] = [
    ("ld-linux-x86-64.so.2", "libc6"),
    ("ld-linux-aarch64.so.1", "libc6"),
    ("libc.so.6", "libc6"),
    ("libm.so.6", "libc6"),
    ("libgcc_s.so.1", "libgcc-s1"),
    ("libatk-1.0.so.0", "libatk1.0-0t64"),
    ("libbabl-0.1.so.0", "libbabl-0.1-0"),
    ("libcairo.so.2", "libcairo2"),
    ("libgdk-3.so.0", "libgtk-3-0t64"),
    ("libgdk_pixbuf-2.0.so.0", "libgdk-pixbuf-2.0-0"),
    ("libgegl-0.4.so.0", "libgegl-0.4-0t64"),
    ("libgimp-3.0.so.0", "libgimp-3.0-0"),
    ("libgimpbase-3.0.so.0", "libgimp-3.0-0"),
    ("libgimpcolor-3.0.so.0", "libgimp-3.0-0"),
    ("libgimpui-3.0.so.0", "libgimp-3.0-0"),
    ("libgimpwidgets-3.0.so.0", "libgimp-3.0-0"),
    ("libgio-2.0.so.0", "libglib2.0-0t64"),
    ("libglib-2.0.so.0", "libglib2.0-0t64"),
    ("libgobject-2.0.so.0", "libglib2.0-0t64"),
    ("libgtk-3.so.0", "libgtk-3-0t64"),
    ("libpango-1.0.so.0", "libpango-1.0-0"),
];

/// The packages that a program or library needs, as a control file has them.
pub fn debian_packages(file: &Path) -> Result<Vec<String>> {
    let text = run::text(Command::new("objdump").arg("-p").arg(file).env("LC_ALL", "C"))?;
    packages(&text).map_err(|e| format!("{}: {e}", file.display()))
}

/// The same from what `objdump -p` says.
fn packages(text: &str) -> Result<Vec<String>> {
    let mut found: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    let mut library = "";
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["NEEDED", name] => {
                found.entry(package(name)?).or_default();
            }
            ["required", "from", name] => library = name.trim_end_matches(':'),
            // Hash, flags, index, name: 0x069691b4 0x00 05 GLIBC_2.34
            [hash, _, _, symbol] if hash.starts_with("0x") => {
                let Some((_, version)) = symbol.split_once('_') else { continue };
                let numbers: std::result::Result<Vec<u32>, _> = version.split('.').map(str::parse).collect();
                // Names such as GLIBC_ABI_DT_RELR tell no version.
                if let (Ok(numbers), Some(least)) = (numbers, found.get_mut(package(library)?)) {
                    *least = numbers.max(std::mem::take(least));
                }
            }
            _ => {}
        }
    }
    let with_version = |(package, version): (&str, Vec<u32>)| {
        let version: Vec<String> = version.iter().map(u32::to_string).collect();
        if version.is_empty() { package.into() } else { format!("{package} (>= {})", version.join(".")) }
    };
    Ok(found.into_iter().map(with_version).collect())
}

fn package(library: &str) -> Result<&'static str> {
    let known = PACKAGES.iter().find(|(name, _)| *name == library);
    known.map(|(_, package)| *package).ok_or_else(|| {
        format!("it needs {library}, of which no Debian package is known; name it in xtask/src/needs.rs")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "
Dynamic Section:
  NEEDED               libgcc_s.so.1
  NEEDED               libm.so.6
  NEEDED               libc.so.6
  SONAME               libimpasto.so.0

Version definitions:

Version References:
  required from libgcc_s.so.1:
    0x0b792650 0x00 07 GCC_3.0
    0x0d827590 0x00 09 GCC_4.2.0
  required from libm.so.6:
    0x06969189 0x00 04 GLIBC_2.29
  required from libc.so.6:
    0x069691b4 0x00 05 GLIBC_2.34
    0x06969194 0x00 02 GLIBC_2.14
    0x0fd0e42f 0x00 02 GLIBC_ABI_DT_RELR
";

    #[test]
    fn each_package_is_named_once_with_the_newest_symbol() {
        let expected = ["libc6 (>= 2.34)", "libgcc-s1 (>= 4.2.0)"].map(String::from);
        assert_eq!(packages(SAID), Ok(expected.to_vec()));
    }

    #[test]
    fn a_library_without_versions_is_needed_in_any() {
        let gtk = "  NEEDED  libgtk-3.so.0\n  NEEDED  libgdk-3.so.0\n";
        assert_eq!(packages(gtk), Ok(vec!["libgtk-3-0t64".to_string()]));
    }

    #[test]
    fn a_library_that_no_package_is_known_of_is_named() {
        let refused = packages("  NEEDED  libnone.so.3\n").expect_err("refused");
        assert!(refused.contains("libnone.so.3") && refused.contains("needs.rs"), "{refused}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_program_needs_the_c_library() {
        let own = std::env::current_exe().expect("a program");
        let needs = debian_packages(&own).expect("what it needs");
        assert!(needs.iter().any(|n| n.starts_with("libc6 (>= 2.")), "{needs:?}");
    }
}
