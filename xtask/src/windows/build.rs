//! Building for Windows, in a root directory.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::archive::{self, EPOCH};
use crate::root_directory::{Contents, Root};
use crate::{Result, root, run, target};

/// What is built for, by Rust's name.
pub const TARGET: &str = "x86_64-pc-windows-gnu";

/// Debian has no standard library for Windows, but its sources, which are built along.
const ROOT: Contents = Contents {
    folder: "windows-root",
    title: "a compiler for Windows and Wine",
    packages: "ca-certificates,rustc-web,cargo-web,rust-web-src,gcc,libc6-dev,gcc-mingw-w64-x86-64-win32,\
               wine,wine64,python3",
    hook: None,
};

/// The sources of the standard library, in the root directory.
const STANDARD_LIBRARY: &str = "/usr/lib/rustlib/src/rust/library";

/// How fast what is built runs, and how soon it is built.
#[derive(Clone, Copy, PartialEq)]
pub enum Speed {
    /// As it is given to users.
    Full,
    /// With few optimisations, for tests.
    Quick,
}

/// Where programs for Windows are built, and tried.
pub struct Windows {
    place: Root,
}

impl Windows {
    /// The root directory, if it is there or `make` is set.
    pub fn find(make: bool) -> Result<Option<Windows>> {
        if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
            return Ok(Root::find(&ROOT, make)?.map(|place| Windows { place }));
        }
        match make {
            true => Err("programs for Windows are built on Linux on x86-64".into()),
            false => Ok(None),
        }
    }

    /// The root directory, which is made if it is not there.
    pub fn make() -> Result<Windows> {
        Windows::find(true)?.ok_or_else(|| "there is no root directory for Windows".into())
    }

    /// A command that runs in the root directory, in the checkout.
    pub fn command(&self, program: &str) -> Command {
        self.place.command(program)
    }

    /// One of mingw-w64's programs. The time that it writes into files is that of archives.
    pub fn tool(&self, name: &str) -> Result<Command> {
        let mut tool = self.command("env");
        tool.arg(format!("{EPOCH}={}", archive::epoch()?)).arg(format!("x86_64-w64-mingw32-{name}"));
        Ok(tool)
    }

    /// What a package's licences are, as Debian has it.
    pub fn copyright(&self, package: &str) -> PathBuf {
        self.place.outside("/usr/share/doc").join(package).join("copyright")
    }

    /// Downloads what is built there, as the root directory has no network: what this workspace and the standard library
    /// depend on.
    pub fn fetch(&self) -> Result<()> {
        let library = self.place.outside(STANDARD_LIBRARY).join("sysroot/Cargo.toml");
        [root().join("Cargo.toml"), library].iter().try_for_each(|manifest| fetch(manifest))
    }

    /// Builds packages, each by itself as on other systems, and returns the folder in which their programs are.
    pub fn build(&self, packages: &[&str], speed: Speed) -> Result<PathBuf> {
        self.fetch()?;
        for package in packages {
            let build = self.command("env");
            run::all(cargo(build, &[], "build", speed)?.args(["--package", package]))?;
        }
        Ok(programs(speed))
    }

    /// Builds the program of a workspace of its own against libraries for which there are import libraries in the folder `imports`,
    /// with these variables and with another root directory inside. Returns the folder in which it is.
    pub fn build_against(
        &self,
        imports: &Path,
        manifest: &Path,
        variables: &[String],
        other: &Root,
        speed: Speed,
    ) -> Result<PathBuf> {
        self.fetch()?;
        fetch(manifest)?;
        let build = self.place.command_with("env", Some(other));
        let mut build = cargo(build, variables, "rustc", speed)?;
        build.arg("--manifest-path").arg(manifest);
        // Only the program is linked with them.
        run::all(build.arg("--").arg(format!("-Lnative={}", imports.display())))?;
        Ok(programs(speed))
    }
}

/// Lets `env` run cargo, with these variables besides the usual ones. What is built is still to be added.
fn cargo(mut env: Command, variables: &[String], task: &str, speed: Speed) -> Result<Command> {
    env.args(ENVIRONMENT).args(variables).arg(format!("CARGO_TARGET_DIR={}", target_folder(speed).display()));
    env.arg(match speed {
        // The linker writes the time into programs.
        Speed::Full => format!("{EPOCH}={}", archive::epoch()?),
        Speed::Quick => "CARGO_PROFILE_RELEASE_OPT_LEVEL=1".into(),
    });
    env.args(["/usr/bin/cargo", task, "--release", "--offline", "--locked"]);
    env.args(["-Zbuild-std=std,panic_unwind", "--target", TARGET]);
    Ok(env)
}

/// Downloads what a workspace depends on, as its lock file says.
fn fetch(manifest: &Path) -> Result<()> {
    let mut fetch = Command::new(run::cargo());
    fetch.args(["fetch", "--quiet", "--locked", "--manifest-path"]).arg(manifest);
    // The standard library's own manifests use what is not stable yet.
    run::all(fetch.env("RUSTC_BOOTSTRAP", "1"))
}

/// What cargo and rustc are told.
const ENVIRONMENT: [&str; 6] = [
    "RUSTC=/usr/bin/rustc",
    // Lets a released compiler build the standard library.
    "RUSTC_BOOTSTRAP=1",
    "CARGO_PROFILE_RELEASE_DEBUG=0",
    "CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc",
    "CC_x86_64_pc_windows_gnu=x86_64-w64-mingw32-gcc",
    "AR_x86_64_pc_windows_gnu=x86_64-w64-mingw32-ar",
];

/// Cargo's target folder: another compiler's files are not mixed with these, nor both speeds' programs.
pub fn target_folder(speed: Speed) -> PathBuf {
    target().join(match speed {
        Speed::Full => "windows",
        Speed::Quick => "windows-quick",
    })
}

/// Where the programs lie that are built.
fn programs(speed: Speed) -> PathBuf {
    target_folder(speed).join(TARGET).join("release")
}
