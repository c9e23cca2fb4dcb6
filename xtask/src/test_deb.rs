//! Tests the Debian packages in a Debian 13 that has nothing else: a root directory of its own, made from the mirror
//! that this machine uses and kept in the cache folder, of which each run gets a copy.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::root_directory::{ENTER, SUITE, mirror};
use crate::{Result, deb, dist, onnxruntime, root, run};

/// What apt installs while the packages are tested. It is downloaded when the root is made, as a test has no network.
const DOWNLOADED: &str = "libonnxruntime1.21 gimp gcc libc6-dev pkgconf appstream lintian";

/// Makes the packages and tests them with `tests/debian/try.sh`.
pub fn test() -> Result<()> {
    let packages = deb::make()?;
    let clean = clean_root()?;
    let problem = |e: std::io::Error| format!("{}: {e}", clean.display());
    let room =
        tempfile::Builder::new().prefix("debian-").tempdir_in(onnxruntime::cache()?).map_err(problem)?;
    let copy = room.path().join("root");
    run::all(Command::new("cp").args(["--archive", "--reflink=auto"]).arg(&clean).arg(&copy))?;
    for package in &packages {
        dist::copy(package, &copy.join("packages"), None)?;
    }
    let checkout = root();
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-eu", "-c", ENTER, "enter"]);
    command.arg(&copy).arg(&checkout).arg(&checkout).arg("--");
    command.args(["env", "-i", "HOME=/tmp/home", "LANG=C.UTF-8", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]);
    command.args(["sh", "tests/debian/try.sh", "/packages"]);
    run::all(&mut command)
}

/// The root that each test gets a copy of.
fn clean_root() -> Result<PathBuf> {
    let folder = onnxruntime::cache()?.join("debian-root");
    let stamp = folder.join("IMPASTO");
    let wanted = format!("{SUITE} {DOWNLOADED}\n");
    if std::fs::read_to_string(&stamp).is_ok_and(|there| there == wanted) {
        return Ok(folder);
    }
    println!("Making a {SUITE} in {}", folder.display());
    remove(&folder)?;
    let mut make = Command::new("mmdebstrap");
    make.args(["--quiet", "--variant=minbase", "--skip=cleanup/apt", "--include=ca-certificates"]);
    // The apt of this machine gets the packages, with its own ways to the mirror.
    make.arg(format!(
        "--customize-hook=APT_CONFIG=\"$MMDEBSTRAP_APT_CONFIG\" apt-get install --quiet=2 --yes --download-only \
         --no-install-recommends {DOWNLOADED}"
    ));
    make.arg(SUITE).arg(&folder).arg(mirror()?);
    run::all(&mut make)
        .map_err(|e| format!("{e}; it has to be run as root, on Debian or a relative of it"))?;
    std::fs::write(&stamp, wanted).map_err(|e| format!("{}: {e}", stamp.display()))?;
    Ok(folder)
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    Ok(())
}
