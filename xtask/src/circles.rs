//! `cargo xtask circles`: no file of a crate imports another that imports it, by whatever way. What a module re-exports of the
//! files below it (`pub use`) counts as an import of those files, by those who use it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, UseTree, Visibility};

use crate::Result;

/// The crates that are looked at: their `src` folders.
const CRATES: [&str; 6] = ["src", "onnx/src", "ffi/src", "plugin-gimp/src", "xtask/src", "ffi/types/src"];

/// A module, by the names from the crate's root.
type Module = Vec<String>;

/// The files of a crate.
struct Crate {
    files: BTreeMap<Module, syn::File>,
    /// What a module re-exports: a name, and where it comes from.
    exports: BTreeMap<Module, BTreeMap<String, Vec<String>>>,
}

/// Fails with the files of each circle.
pub fn check(root: &Path) -> Result<()> {
    let mut text = String::new();
    for folder in CRATES.iter().map(|name| root.join(name)).filter(|folder| folder.is_dir()) {
        for circle in Crate::read(&folder)?.circles() {
            text += &format!("{}: {}\n", folder.display(), circle.join(" → "));
        }
    }
    if text.is_empty() { Ok(()) } else { Err(format!("files that import each other:\n{text}")) }
}

impl Crate {
    fn read(folder: &Path) -> Result<Self> {
        let mut paths = Vec::new();
        collect(folder, &mut paths)?;
        let mut files = BTreeMap::new();
        for path in paths {
            let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            let file = syn::parse_file(&text).map_err(|e| format!("{}: {e}", path.display()))?;
            files.insert(module_of(folder, &path), file);
        }
        Ok(Self::new(files))
    }

    fn new(mut files: BTreeMap<Module, syn::File>) -> Self {
        let tests: BTreeSet<Module> =
            files.iter().flat_map(|(module, file)| test_files(module, file)).collect();
        files.retain(|module, _| !tests.contains(module));
        let mut exports: BTreeMap<Module, BTreeMap<String, Vec<String>>> = BTreeMap::new();
        for (module, file) in &files {
            for item in &file.items {
                let Item::Use(item) = item else { continue };
                if matches!(item.vis, Visibility::Inherited) {
                    continue;
                }
                for path in leaves(&item.tree) {
                    if let Some(name) = path.last() {
                        exports.entry(module.clone()).or_default().insert(name.clone(), path.clone());
                    }
                }
            }
        }
        Crate { files, exports }
    }

    /// The file that a path means, from inside of a module.
    fn target(&self, from: &Module, path: &[String], depth: usize) -> Option<Module> {
        let mut at: Module = match path.first()?.as_str() {
            "crate" => Vec::new(),
            "self" => from.clone(),
            "super" => from[..from.len().checked_sub(1)?].to_vec(),
            first => {
                let mut child = from.clone();
                child.push(first.to_string());
                if !self.files.contains_key(&child) {
                    return None;
                }
                child
            }
        };
        for name in &path[1..] {
            if name == "super" {
                at.pop();
                continue;
            }
            let mut child = at.clone();
            child.push(name.clone());
            if self.files.contains_key(&child) {
                at = child;
                continue;
            }
            let exported = self.exports.get(&at).and_then(|names| names.get(name));
            return match exported.filter(|_| depth < 8) {
                Some(path) => self.target(&at, path, depth + 1).or(Some(at)),
                None => Some(at),
            };
        }
        Some(at)
    }

    /// The files that each file imports.
    fn imports(&self) -> BTreeMap<Module, BTreeSet<Module>> {
        let mut imports = BTreeMap::new();
        for (module, file) in &self.files {
            let mut paths = Paths::default();
            paths.visit_file(file);
            let mut found: BTreeSet<Module> =
                paths.found.iter().filter_map(|path| self.target(module, path, 0)).collect();
            found.remove(module);
            imports.insert(module.clone(), found);
        }
        imports
    }

    /// The circles, each as the names of its files from one back to itself.
    fn circles(&self) -> Vec<Vec<String>> {
        let imports = self.imports();
        let name = |module: &Module| if module.is_empty() { "lib".to_string() } else { module.join("::") };
        let mut seen = BTreeSet::new();
        let mut circles = Vec::new();
        for start in imports.keys().filter(|module| !module.is_empty()) {
            // The shortest way back.
            let mut ways: Vec<Vec<&Module>> = vec![vec![start]];
            let mut reached = BTreeSet::from([start]);
            while let Some(way) = (!ways.is_empty()).then(|| ways.remove(0)) {
                for next in way.last().and_then(|last| imports.get(*last)).into_iter().flatten() {
                    if next == start {
                        let members: BTreeSet<&Module> = way.iter().copied().collect();
                        if seen.insert(members) {
                            circles.push(way.iter().copied().chain([start]).map(name).collect());
                        }
                    } else if !next.is_empty() && reached.insert(next) {
                        ways.push(way.iter().copied().chain([next]).collect());
                    }
                }
            }
        }
        circles
    }
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    let entries = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, paths)?;
        } else if path.extension().is_some_and(|e| e == "rs") {
            paths.push(path);
        }
    }
    Ok(())
}

fn module_of(folder: &Path, path: &Path) -> Module {
    let relative = path.strip_prefix(folder).unwrap_or(path).with_extension("");
    let mut module: Module = relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if module.last().is_some_and(|last| last == "mod")
        || module.len() == 1 && ["lib", "main"].contains(&module[0].as_str())
    {
        module.pop();
    }
    module
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|a| {
        a.path().is_ident("cfg")
            && a.meta.require_list().is_ok_and(|list| {
                let condition = list.tokens.to_string();
                // What is in `any(windows, test)` is in programs, too.
                condition.contains("test") && !condition.starts_with("any")
            })
    })
}

/// The files that are only for tests.
fn test_files(module: &Module, file: &syn::File) -> Vec<Module> {
    let modules = file.items.iter().filter_map(|item| match item {
        Item::Mod(ItemMod { content: None, attrs, ident, .. }) if is_test(attrs) => Some(ident.to_string()),
        _ => None,
    });
    modules.map(|name| module.iter().cloned().chain([name]).collect()).collect()
}

/// The paths of a `use`, each as its names.
fn leaves(tree: &UseTree) -> Vec<Vec<String>> {
    match tree {
        UseTree::Path(path) => leaves(&path.tree)
            .into_iter()
            .map(|rest| [path.ident.to_string()].into_iter().chain(rest).collect())
            .collect(),
        UseTree::Name(name) if name.ident == "self" => vec![Vec::new()],
        UseTree::Name(name) => vec![vec![name.ident.to_string()]],
        UseTree::Rename(rename) => vec![vec![rename.ident.to_string()]],
        UseTree::Glob(_) => vec![Vec::new()],
        UseTree::Group(group) => group.items.iter().flat_map(leaves).collect(),
    }
}

/// The paths that a file names, as from its own module, but for those that it re-exports and those of its tests.
#[derive(Default)]
struct Paths {
    found: Vec<Vec<String>>,
    /// In how many modules that stand in the file itself what is visited lies.
    depth: usize,
}

impl Paths {
    /// Keeps a path. In a module in the file, `super` is the file's own module.
    fn keep(&mut self, path: Vec<String>) {
        let ups = path.iter().take(self.depth).take_while(|name| *name == "super").count();
        let rest = path[ups..].to_vec();
        match ups {
            0 => self.found.push(rest),
            _ if rest.first().is_some_and(|name| name == "super") => self.found.push(rest),
            _ => self.found.push([vec!["self".to_string()], rest].concat()),
        }
    }
}

impl<'a> Visit<'a> for Paths {
    fn visit_item_use(&mut self, item: &'a ItemUse) {
        if matches!(item.vis, Visibility::Inherited) && !is_test(&item.attrs) {
            leaves(&item.tree).into_iter().for_each(|path| self.keep(path));
        }
    }

    fn visit_item_mod(&mut self, item: &'a ItemMod) {
        if !is_test(&item.attrs) {
            self.depth += 1;
            visit::visit_item_mod(self, item);
            self.depth -= 1;
        }
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        if path.segments.len() > 1 {
            self.keep(path.segments.iter().map(|s| s.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circles(files: &[(&str, &str)]) -> Vec<Vec<String>> {
        let files = files.iter().map(|(path, text)| {
            (module_of(Path::new("src"), &Path::new("src").join(path)), syn::parse_file(text).expect("Rust"))
        });
        Crate::new(files.collect()).circles()
    }

    #[test]
    fn one_direction_is_no_circle_and_two_are() {
        let one = ("a.rs", "use crate::b::B; pub struct A(B);");
        assert!(circles(&[("lib.rs", "mod a; mod b;"), one, ("b.rs", "pub struct B;")]).is_empty());
        let found = circles(&[
            ("lib.rs", "mod a; mod b;"),
            one,
            ("b.rs", "pub fn f(_: crate::a::A) {} pub struct B;"),
        ]);
        assert_eq!(found, [["a", "b", "a"]]);
    }

    #[test]
    fn a_re_export_stands_for_the_file_behind_it() {
        let parent = ("room/mod.rs", "mod x; mod y; pub use x::X;");
        let x = ("room/x.rs", "pub struct X;");
        let y = ("room/y.rs", "use super::X; pub fn f(_: X) {}");
        assert!(circles(&[("lib.rs", "mod room;"), parent, x, y]).is_empty());
        let back = ("room/x.rs", "use super::y; pub struct X;");
        assert_eq!(circles(&[("lib.rs", "mod room;"), parent, back, y]), [["room::x", "room::y", "room::x"]]);
    }

    #[test]
    fn tests_may_import_what_they_like() {
        let a = ("a.rs", "pub struct A; #[cfg(test)] mod tests { use crate::b::B; }");
        let b = ("b.rs", "use crate::a::A; pub struct B(A);");
        assert!(circles(&[("lib.rs", "mod a; mod b;"), a, b]).is_empty());
    }

    #[test]
    fn a_module_in_a_file_is_a_part_of_the_file() {
        let parent = ("room/mod.rs", "mod x; use x::X;");
        let inside = "mod part { use super::X; pub fn f(_: super::X) {} } pub struct X;";
        assert!(circles(&[("lib.rs", "mod room;"), parent, ("room/x.rs", inside)]).is_empty());
        let out = "mod part { use super::super::Room; } pub struct X;";
        assert_eq!(circles(&[("lib.rs", "mod room;"), parent, ("room/x.rs", out)]).len(), 1);
    }

    #[test]
    fn a_module_for_tests_and_for_another_system_is_looked_at() {
        let a = ("a.rs", "use crate::b::B; pub struct A;");
        let b = ("b.rs", "use crate::a::A; pub struct B(A);");
        assert_eq!(circles(&[("lib.rs", "#[cfg(any(windows, test))] mod a; mod b;"), a, b]).len(), 1);
        assert!(circles(&[("lib.rs", "#[cfg(all(test, unix))] mod a; mod b;"), a, b]).is_empty());
    }
}
