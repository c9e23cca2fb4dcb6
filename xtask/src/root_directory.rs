//! A Debian 13 with what tests need, such as an editor, in a root directory of its own, for machines whose system
//! does not have it. It is made with mmdebstrap from the mirror that this machine uses, kept in the cache folder, and entered with
//! mounts that nobody else sees and that end with the command.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Result, onnxruntime, root, run, target};

/// The release that has GIMP 3.0 and Krita 5.2.
pub const SUITE: &str = "trixie";

/// What is in a root directory.
pub struct Contents {
    /// Its folder in the cache folder.
    pub folder: &'static str,
    /// What it is made for, as people call it.
    pub title: &'static str,
    /// What is installed; commas between.
    pub packages: &'static str,
    /// A command for mmdebstrap to run at the end, where `$1` is the root directory.
    pub hook: Option<&'static str>,
}

/// The root directory.
pub struct Root {
    folder: PathBuf,
}

impl Root {
    /// The root in the cache folder; if there is none, it is made or None is returned.
    pub fn find(contents: &Contents, make: bool) -> Result<Option<Root>> {
        let folder = onnxruntime::cache()?.join(contents.folder);
        let stamp = folder.join("IMPASTO");
        let packages = contents.packages;
        let wanted = format!("{SUITE} {packages}\n");
        if std::fs::read_to_string(&stamp).is_ok_and(|there| there == wanted) {
            return Ok(Some(Root { folder }));
        }
        if !make {
            return Ok(None);
        }
        println!("Making a {SUITE} with {} in {}", contents.title, folder.display());
        if folder.exists() {
            std::fs::remove_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        }
        run::all(
            Command::new("mmdebstrap")
                .args(["--quiet", "--variant=minbase", "--aptopt=APT::Install-Recommends \"false\""])
                .arg(format!("--include={packages}"))
                .args(contents.hook.map(|hook| format!("--customize-hook={hook}")))
                .arg(SUITE)
                .arg(&folder)
                .arg(mirror()?),
        )
        .map_err(|e| format!("{e}; it has to be run as root, on Debian or a relative of it"))?;
        std::fs::write(&stamp, wanted).map_err(|e| format!("{}: {e}", stamp.display()))?;
        Ok(Some(Root { folder }))
    }

    /// Where a path inside lies outside.
    pub fn outside(&self, path: &str) -> PathBuf {
        self.folder.join(path.trim_start_matches('/'))
    }

    /// A command that runs inside, in the checkout. The checkout, cargo's folders and the target folder lie where
    /// they lie outside; `/tmp` is empty.
    pub fn command(&self, program: &str) -> Command {
        self.command_with(program, None)
    }

    /// The same where another root directory lies inside, where it lies outside.
    pub fn command_with(&self, program: &str, other: Option<&Root>) -> Command {
        let (cargo, rustup) = (run::cargo_home(), run::folder_of_the_user("RUSTUP_HOME", ".rustup"));
        let path = |p: &Path| p.display().to_string();
        let (checkout, target) = (path(&root()), path(&target()));
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-eu", "-c", ENTER, "enter"]);
        command.arg(&self.folder).arg(&checkout);
        command.args([&checkout, &target, &path(&cargo), &path(&rustup)]);
        command.args(other.map(|other| &other.folder)).arg("--");
        command.args(["env", "-i", "HOME=/tmp", "LANG=C.UTF-8"]);
        command.arg(format!("PATH={}/bin:/usr/bin:/bin", cargo.display()));
        command
            .arg(format!("CARGO_HOME={}", cargo.display()))
            .arg(format!("RUSTUP_HOME={}", rustup.display()));
        for variable in
            ["CARGO_BUILD_JOBS", "CARGO_TERM_COLOR", run::FLAGS, "RUSTUP_TOOLCHAIN", "IMPASTO_TESTS"]
        {
            if let Ok(value) = std::env::var(variable) {
                command.arg(format!("{variable}={value}"));
            }
        }
        command.arg(program);
        command
    }
}

/// root, folder to work in, folders to mount… -- command…. `/tmp` comes first, as other folders may lie in it.
pub const ENTER: &str = r#"
root=$1 work=$2
shift 2
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --rbind /sys "$root/sys"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
while [ "$1" != -- ]; do
    mkdir -p "$root$1"
    mount --bind "$1" "$root$1"
    shift
done
shift
exec chroot "$root" sh -c 'cd "$1" && shift && exec "$@"' in "$work" "$@"
"#;

/// The mirror that this machine's own apt uses.
pub fn mirror() -> Result<String> {
    let folder = Path::new("/etc/apt");
    let mut files = onnxruntime::files(&folder.join("sources.list.d")).unwrap_or_default();
    files.push(folder.join("sources.list"));
    let text: String =
        files.iter().filter_map(|f| std::fs::read_to_string(f).ok()).collect::<Vec<_>>().join("\n");
    let new = text.lines().filter_map(|l| l.strip_prefix("URIs:"));
    let old = text.lines().filter_map(|l| l.strip_prefix("deb "));
    new.chain(old)
        .flat_map(str::split_whitespace)
        .find(|word| word.contains("://") && word.trim_end_matches('/').ends_with("debian"))
        .map(str::to_string)
        .ok_or_else(|| "apt's sources name no Debian mirror".into())
}
