//! Which Linux systems a wheel's programs run on, by the versions of glibc's symbols that they need.

use std::path::Path;
use std::process::Command;

use crate::{Result, run};

/// The libraries that every system has on which such a wheel may be installed (PEP 600).
const EVERYWHERE: [&str; 6] =
    ["libc.so.6", "libm.so.6", "libgcc_s.so.1", "libdl.so.2", "libpthread.so.0", "librt.so.1"];

/// pip's name of the oldest platform that has all that these files need.
pub fn platform(files: &[&Path]) -> Result<String> {
    let mut newest = (2, 17);
    for file in files {
        let told = run::text(Command::new("readelf").args(["-W", "--dynamic", "--version-info"]).arg(file))?;
        newest = newest.max(needed(&told).map_err(|problem| format!("{} {problem}", file.display()))?);
    }
    Ok(format!("manylinux_{}_{}_{}", newest.0, newest.1, std::env::consts::ARCH))
}

/// The newest version of glibc that is named in what readelf tells of a file.
fn needed(told: &str) -> std::result::Result<(u32, u32), String> {
    let libraries = told.lines().filter(|line| line.contains("(NEEDED)"));
    let names = libraries.filter_map(|line| Some(line.split_once('[')?.1.split_once(']')?.0));
    if let Some(name) = names.into_iter().find(|n| !EVERYWHERE.contains(n) && !n.starts_with("ld-linux")) {
        return Err(format!("needs {name}, which not every Linux system has; link it statically"));
    }
    let version = |name: &str| -> Option<(u32, u32)> {
        let (major, rest) = name.strip_prefix("GLIBC_")?.split_once('.')?;
        Some((major.parse().ok()?, rest.split('.').next()?.parse().ok()?))
    };
    told.split_whitespace().filter_map(version).max().ok_or_else(|| "needs no glibc, it seems".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_glibc_is_found_by_number() {
        let told = " 0x0001 (NEEDED)   Shared library: [libc.so.6]\n  Name: GLIBC_2.9  Flags: none\n  Name: GLIBC_2.34\n\
                    Name: GLIBC_2.2.5  Flags: none  Version: 3";
        assert_eq!(needed(told), Ok((2, 34)));
        assert!(needed("nothing").is_err());
    }

    #[test]
    fn a_library_that_is_not_everywhere_is_refused() {
        let told = " 0x0001 (NEEDED)   Shared library: [libstdc++.so.6]\n  Name: GLIBC_2.34";
        assert!(needed(told).expect_err("refused").contains("libstdc++.so.6"));
    }
}
