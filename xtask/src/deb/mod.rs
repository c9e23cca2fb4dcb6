//! Debian packages of the command, the C library and GIMP's filter. They are laid out here from what cargo has built,
//! and packed by dpkg-deb; Debian's own tools for sources are not needed.

mod control;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::archive::{self, EPOCH, Entry};
use crate::third_party::{self, Part};
use crate::{Result, binary, build, c_library, dist, gimp, needs, root, run, target};
use control::{Package, VERSION, architecture};

/// ONNX Runtime, whose package has another name with each version.
const ONNXRUNTIME: &str = "libonnxruntime1.21 | libonnxruntime1.22 | libonnxruntime1.23 | libonnxruntime1.24";

/// Where GIMP 3 looks for the plug-ins of all users, below the folder for libraries.
const PLUG_INS: &str = "gimp/3.0/plug-ins";

/// The name of the filter's metadata and icon.
const COMPONENT: &str = "org.gimp.GIMP.Plugin.Impasto";

/// A package that is being laid out.
struct Tree {
    folder: PathBuf,
    about: Package,
    /// More files for dpkg: name and text.
    files: Vec<(&'static str, String)>,
}

/// Builds the programs and makes the packages: the files. Without GIMP's development files there is none of the
/// filter, and that is said.
pub fn make() -> Result<Vec<PathBuf>> {
    architecture()?;
    build()?;
    dist::build_c_library()?;
    let room = target().join("deb");
    if room.exists() {
        std::fs::remove_dir_all(&room).map_err(|e| format!("{}: {e}", room.display()))?;
    }
    let mut trees = vec![command(&room)?, library(&room)?, development(&room)?];
    match gimp::Place::find(false) {
        Ok(place) => trees.push(filter(&room, &place)?),
        Err(problem) => println!("Without GIMP's filter: {problem}"),
    }
    trees.into_iter().map(|tree| tree.pack(&room)).collect()
}

fn command(room: &Path) -> Result<Tree> {
    let program = binary();
    let mut depends = needs::debian_packages(&program)?;
    depends.push(ONNXRUNTIME.into());
    let tree = Tree::new(
        room,
        Package {
            name: "impasto",
            section: "graphics",
            multi_arch_same: false,
            depends,
            summary: "repaints a photograph in the style of a painting",
            description: &[
                "Impasto is a command for neural style transfer after Gatys, Ecker and\n\
                 Bethge. It reads and writes the usual picture formats, and works on\n\
                 pictures of any size within the memory that there is.",
                "A neural network and fourteen style pictures are inside the program. It\n\
                 runs on an ordinary processor.",
            ],
        },
    );
    dist::copy(&program, &tree.path("usr/bin"), None)?;
    dist::strip(&tree.path("usr/bin/impasto"), dist::Symbols::None)?;
    let said = |words: &[&str]| run::text(Command::new(&program).args(words));
    tree.write("usr/share/man/man1/impasto.1.gz", &archive::gzip(said(&["man"])?.as_bytes())?)?;
    for (shell, file) in [
        ("bash", "bash-completion/completions/impasto"),
        ("zsh", "zsh/vendor-completions/_impasto"),
        ("fish", "fish/vendor_completions.d/impasto.fish"),
    ] {
        tree.write(&format!("usr/share/{file}"), said(&["completions", shell])?.as_bytes())?;
    }
    tree.document("changelog.gz", &root().join("CHANGELOG.md"))?;
    tree.document("model-card.md.gz", &root().join("docs").join("model-card.md"))?;
    tree.third_party(&[Part::Command])?;
    Ok(tree)
}

fn library(room: &Path) -> Result<Tree> {
    let mut depends = needs::debian_packages(&c_library())?;
    depends.push(ONNXRUNTIME.into());
    let mut tree = Tree::new(
        room,
        Package {
            name: "libimpasto0",
            section: "libs",
            multi_arch_same: true,
            depends,
            summary: "repaints a picture in the style of another (C library)",
            description: &["libimpasto gives neural style transfer to image editors and other programs.\n\
                 It works on pictures in memory, with progress, cancelling and selections."],
        },
    );
    let lib = tree.path(&lib()?);
    dist::library(&lib)?;
    // Only programs are linked through the plain name.
    let plain = lib.join("libimpasto.so");
    std::fs::remove_file(&plain).map_err(|e| format!("{}: {e}", plain.display()))?;
    tree.files = vec![
        ("shlibs", format!("libimpasto 0 libimpasto0 (>= {})\n", env!("CARGO_PKG_VERSION"))),
        ("triggers", "activate-noawait ldconfig\n".into()),
    ];
    tree.document("model-card.md.gz", &root().join("docs").join("model-card.md"))?;
    tree.third_party(&[Part::Library])?;
    Ok(tree)
}

fn development(room: &Path) -> Result<Tree> {
    let tree = Tree::new(
        room,
        Package {
            name: "libimpasto-dev",
            section: "libdevel",
            multi_arch_same: true,
            depends: vec![format!("libimpasto0 (= {VERSION})"), "libc6-dev".into()],
            summary: "repaints a picture in the style of another (development files)",
            description: &[
                "libimpasto gives neural style transfer to image editors and other programs.",
                "This package has the header, the static library, the file for pkg-config\n\
                 and examples in C, C++ and Python.",
            ],
        },
    );
    let lib = lib()?;
    dist::copy(&root().join("include").join("impasto.h"), &tree.path("usr/include"), None)?;
    dist::static_library(&tree.path(&lib))?;
    dist::link(&dist::library_name(), &tree.path(&lib).join("libimpasto.so"))?;
    let triplet = architecture()?.1;
    tree.write(
        &format!("{lib}/pkgconfig/impasto.pc"),
        dist::pkg_config("/usr", &format!("lib/{triplet}")).as_bytes(),
    )?;
    for file in crate::onnxruntime::files(&root().join("ffi").join("examples"))? {
        dist::copy(&file, &tree.path("usr/share/doc/libimpasto-dev/examples"), None)?;
    }
    tree.document("c-library.md.gz", &root().join("docs").join("c-library.md"))?;
    tree.third_party(&[Part::Library])?;
    Ok(tree)
}

fn filter(room: &Path, place: &gimp::Place) -> Result<Tree> {
    let program = gimp::program(place)?;
    let mut depends = needs::debian_packages(&program)?;
    depends.extend([format!("libimpasto0 (= {VERSION})"), "gimp (>= 3.0)".into()]);
    let tree = Tree::new(
        room,
        Package {
            name: "gimp-plugin-impasto",
            section: "graphics",
            multi_arch_same: false,
            depends,
            summary: "filter for GIMP that repaints a layer in the style of a painting",
            description: &["Filters, Artistic, Neural Style Transfer in GIMP 3: its dialog shows a draft\n\
                 while you change settings. It supports selections, layer masks and all of\n\
                 GIMP's precisions, and can be called by scripts."],
        },
    );
    let folder = format!("{}/{PLUG_INS}/impasto", lib()?);
    dist::copy(&program, &tree.path(&folder), Some("impasto"))?;
    dist::strip(&tree.path(&folder).join("impasto"), dist::Symbols::None)?;
    dist::thumbnails(&tree.path(&folder).join("thumbnails"))?;
    gimp::translations(&tree.path(&folder).join("locale"))?;
    let packaging = root().join("packaging").join("gimp");
    let (metadata, icon) = (format!("{COMPONENT}.metainfo.xml"), format!("{COMPONENT}.svg"));
    dist::copy(&packaging.join(metadata), &tree.path("usr/share/metainfo"), None)?;
    dist::copy(&packaging.join(icon), &tree.path("usr/share/icons/hicolor/scalable/apps"), None)?;
    tree.document("gimp.md.gz", &root().join("docs").join("gimp.md"))?;
    tree.third_party(&[Part::Filter])?;
    Ok(tree)
}

/// The folder for libraries of this architecture.
fn lib() -> Result<String> {
    Ok(format!("usr/lib/{}", architecture()?.1))
}

impl Tree {
    fn new(room: &Path, about: Package) -> Tree {
        Tree { folder: room.join(about.name), about, files: Vec::new() }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    fn write(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path(path);
        let problem = |e: std::io::Error| format!("{}: {e}", path.display());
        std::fs::create_dir_all(path.parent().unwrap_or(&self.folder)).map_err(problem)?;
        std::fs::write(&path, bytes).map_err(problem)
    }

    /// A file in the package's folder of documents, compressed as its name says.
    fn document(&self, name: &str, from: &Path) -> Result<()> {
        let bytes = std::fs::read(from).map_err(|e| format!("{}: {e}", from.display()))?;
        let bytes = if name.ends_with(".gz") { archive::gzip(&bytes)? } else { bytes };
        self.write(&format!("usr/share/doc/{}/{name}", self.about.name), &bytes)
    }

    /// The licences of others in it.
    fn third_party(&self, parts: &[Part]) -> Result<()> {
        let page = archive::gzip(third_party::page(parts)?.as_bytes())?;
        self.write(&format!("usr/share/doc/{}/THIRD-PARTY.md.gz", self.about.name), &page)
    }

    /// Writes what all packages have, and packs it.
    fn pack(mut self, room: &Path) -> Result<PathBuf> {
        self.document("copyright", &root().join("packaging").join("debian").join("copyright"))?;
        let changelog = archive::gzip(control::changelog()?.as_bytes())?;
        self.write(&format!("usr/share/doc/{}/changelog.Debian.gz", self.about.name), &changelog)?;
        self.files.push(("control", control::control(&self.about, &self.folder)?));
        self.files.push(("md5sums", control::md5sums(&self.folder)?));
        for (name, text) in &self.files {
            self.write(&format!("DEBIAN/{name}"), text.as_bytes())?;
        }
        set_permissions(&self.folder)?;
        let file = room.join(format!("{}_{VERSION}_{}.deb", self.about.name, architecture()?.0));
        let mut pack = Command::new("dpkg-deb");
        // With several threads the bytes depend on their number.
        pack.args(["--root-owner-group", "-Zxz", "--threads-max=1", "--build"]).arg(&self.folder).arg(&file);
        run::text(pack.env(EPOCH, archive::epoch()?.to_string()))?;
        Ok(file)
    }
}

/// Gives folders and files the permissions that packages have, whatever those were that they were made with.
#[cfg(unix)]
fn set_permissions(folder: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let above = std::iter::once((PathBuf::new(), Entry::Folder));
    for (path, entry) in above.chain(archive::entries(folder)?) {
        // Nobody runs a library.
        let is_library = path.to_string_lossy().contains(".so.");
        let mode = match entry {
            Entry::Link(_) => continue,
            Entry::File(executable) if !executable || is_library => 0o644,
            Entry::Folder | Entry::File(_) => 0o755,
        };
        let path = folder.join(path);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode))
            .map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn set_permissions(_: &Path) -> Result<()> {
    Ok(())
}
