//! Folders that are put among an editor's plug-ins: a file in each tells that it is ours, and only such a folder
//! is replaced or removed.

use std::path::{Path, PathBuf};

use crate::Result;

/// How a folder of ours is known.
pub struct Folder {
    /// The file by which it is known.
    pub marker: &'static str,
    /// The line that this file begins with.
    pub mark: &'static str,
    /// The command that makes such folders.
    pub install: &'static str,
    /// The command that removes them.
    pub uninstall: &'static str,
}

impl Folder {
    /// Whether a folder of ours lies here; false where nothing is. Anything else must be neither replaced nor
    /// removed, and is an error.
    pub fn is_ours(&self, folder: &Path) -> Result<bool> {
        let Ok(there) = folder.symlink_metadata() else { return Ok(false) };
        let marker = folder.join(self.marker);
        let marked = || std::fs::read_to_string(marker).is_ok_and(|text| text.starts_with(self.mark));
        if there.is_dir() && marked() {
            return Ok(true);
        }
        Err(format!(
            "{} is left alone: it was not made by `{}`, whose folders have a file {}. Move it elsewhere, or remove \
             it yourself if it is an older one",
            folder.display(),
            self.install,
            self.marker
        ))
    }

    /// What is in the file by which a folder is known.
    pub fn note(&self) -> String {
        format!(
            "{}`{}` replaces this folder, `{}` removes it.\nKeep nothing of your own in it.\n",
            self.mark, self.install, self.uninstall
        )
    }

    /// Marks a folder as ours and puts it there, whole or not at all. One of ours that is there already goes into
    /// `room`.
    pub fn replace(&self, new: &Path, there: &Path, room: &Path) -> Result<()> {
        let problem = |e: std::io::Error| format!("{}: {e}", there.display());
        std::fs::write(new.join(self.marker), self.note()).map_err(problem)?;
        if self.is_ours(there)? {
            std::fs::rename(there, room.join("before")).map_err(problem)?;
        }
        std::fs::rename(new, there).map_err(problem)
    }

    /// Removes those of these folders that are ours, and says which. What is not ours is an error in the end.
    pub fn remove(&self, folders: impl Iterator<Item = PathBuf>) -> Result<()> {
        let (mut found, mut refused) = (false, Vec::new());
        for folder in folders {
            match self.is_ours(&folder) {
                Ok(false) => continue,
                Ok(true) => {
                    std::fs::remove_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
                    println!("{} is removed", folder.display());
                    found = true;
                }
                Err(problem) => refused.push(problem),
            }
        }
        if !refused.is_empty() {
            return Err(refused.join("; "));
        }
        if !found {
            println!("There is nothing to remove.");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOLDER: Folder =
        Folder { marker: "MARKER", mark: "Ours\n", install: "xtask put", uninstall: "xtask take" };
    const NAME: &str = "impasto";

    /// A plug-ins folder with a folder in it that has these files.
    fn plug_ins(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let own = folder.path().join(NAME);
        std::fs::create_dir(&own).expect("made");
        for (name, text) in files {
            std::fs::write(own.join(name), text).expect("written");
        }
        folder
    }

    fn remove(plug_ins: &Path) -> Result<()> {
        FOLDER.remove(std::iter::once(plug_ins.join(NAME)))
    }

    #[test]
    fn what_is_put_there_is_known_replaced_and_removed() {
        let (there, rooms) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        for program in ["the first", "the second"] {
            let new = plug_ins(&[("impasto", program)]);
            let room = tempfile::tempdir_in(rooms.path()).expect("a folder");
            FOLDER.replace(&new.path().join(NAME), &there.path().join(NAME), room.path()).expect("put there");
            let found = std::fs::read_to_string(there.path().join(NAME).join("impasto")).expect("there");
            assert_eq!(found, program);
        }
        remove(there.path()).expect("removed");
        assert!(there.path().is_dir() && !there.path().join(NAME).exists());
        remove(there.path()).expect("there is nothing to remove");
    }

    #[test]
    fn a_folder_of_others_is_left_alone() {
        for files in
            [&[][..], &[("Cargo.toml", "[package]")], &[("impasto", "a program")], &[("MARKER", "mine")]]
        {
            let there = plug_ins(files);
            let refused = remove(there.path()).expect_err("refused");
            let folder = there.path().join(NAME);
            assert!(
                refused.contains(&folder.display().to_string()) && refused.contains("MARKER"),
                "{refused}"
            );
            // What is asked before a folder is replaced.
            assert_eq!(FOLDER.is_ours(&folder), Err(refused));
            for (name, text) in files {
                assert_eq!(std::fs::read_to_string(folder.join(name)).expect("still there"), *text);
            }
            assert!(folder.is_dir());
        }
    }

    #[test]
    fn a_file_named_like_the_folder_is_left_alone() {
        let there = tempfile::tempdir().expect("a folder");
        let file = there.path().join(NAME);
        std::fs::write(&file, "mine").expect("written");
        remove(there.path()).expect_err("refused");
        assert_eq!(std::fs::read_to_string(file).expect("still there"), "mine");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_left_alone_even_to_a_folder_of_ours() {
        let (real, there) = (plug_ins(&[("MARKER", "Ours\n")]), tempfile::tempdir().expect("a folder"));
        let link = there.path().join(NAME);
        std::os::unix::fs::symlink(real.path().join(NAME), &link).expect("a link");
        remove(there.path()).expect_err("refused");
        assert!(link.is_symlink() && real.path().join(NAME).join("MARKER").is_file());
    }
}
