//! Where GIMP 3 keeps the plug-ins of a user: each version has a folder of its own, and a GIMP from Flatpak or Snap
//! keeps them apart from the others.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::Result;

/// What the folders depend on.
struct User {
    /// The home.
    home: Option<PathBuf>,
    /// The folder for settings, such as `~/.config`.
    settings: Option<PathBuf>,
    /// What `GIMP3_DIRECTORY` says: one folder in the place of all versions'.
    named: Option<OsString>,
}

/// The plug-ins folders of the GIMPs that this user has started, the newest of each kind last; that of GIMP 3.0 where
/// none has been.
pub fn plug_ins() -> Result<Vec<PathBuf>> {
    let named = std::env::var_os("GIMP3_DIRECTORY").filter(|n| !n.is_empty());
    User { home: dirs::home_dir(), settings: dirs::config_dir(), named }.plug_ins()
}

impl User {
    fn plug_ins(&self) -> Result<Vec<PathBuf>> {
        let home = self.home.as_deref().unwrap_or(Path::new(""));
        if let Some(named) = &self.named {
            // GIMP, too, takes a name that is not a whole path as one in the home.
            return Ok(vec![home.join(named).join("plug-ins")]);
        }
        let own =
            self.settings.as_ref().ok_or("this user has no configuration folder; set HOME")?.join("GIMP");
        let mut places = vec![own.clone(), home.join(".var/app/org.gimp.GIMP/config/GIMP")];
        places
            .extend(["current", "common"].map(|part| home.join("snap/gimp").join(part).join(".config/GIMP")));
        let mut found: Vec<PathBuf> = Vec::new();
        for version in places.iter().flat_map(|place| versions(place)) {
            // Snap's `current` is a link.
            if !found.iter().any(|other| same(other, &version)) {
                found.push(version);
            }
        }
        if found.is_empty() {
            found.push(own.join("3.0"));
        }
        Ok(found.into_iter().map(|version| version.join("plug-ins")).collect())
    }
}

fn same(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// The folders `3.0`, `3.2`, … in a folder, in this order.
fn versions(gimp: &Path) -> Vec<PathBuf> {
    let minor = |path: &Path| path.file_name()?.to_str()?.strip_prefix("3.")?.parse::<u32>().ok();
    let entries = std::fs::read_dir(gimp).into_iter().flatten().filter_map(|e| Some(e.ok()?.path()));
    let mut there: Vec<(u32, PathBuf)> = entries.filter_map(|p| Some((minor(&p)?, p))).collect();
    there.sort();
    there.into_iter().map(|(_, path)| path).filter(|path| path.is_dir()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A home with a name that has all that is awkward in it, with these folders.
    fn home(folders: &[&str]) -> (tempfile::TempDir, User) {
        let room = tempfile::tempdir().expect("a folder");
        let home = room.path().join("Jörg & Ömer’s home");
        for folder in folders {
            std::fs::create_dir_all(home.join(folder)).expect("made");
        }
        let settings = Some(home.join(".config"));
        (room, User { home: Some(home), settings, named: None })
    }

    /// The folders that are found, as they lie in the home.
    fn found(user: &User) -> Vec<String> {
        let home = user.home.as_deref().expect("a home");
        let shown = |f: &PathBuf| f.strip_prefix(home).expect("in the home").display().to_string();
        user.plug_ins().expect("folders").iter().map(shown).collect()
    }

    #[test]
    fn every_gimp_that_was_started_is_found() {
        let (_room, user) = home(&[
            ".config/GIMP/3.10",
            ".config/GIMP/3.2",
            ".config/GIMP/3.0",
            ".config/GIMP/2.10",
            ".config/GIMP/3.0 backup",
            ".var/app/org.gimp.GIMP/config/GIMP/3.0",
            "snap/gimp/common/.config/GIMP/3.2",
        ]);
        let expected = [
            ".config/GIMP/3.0/plug-ins",
            ".config/GIMP/3.2/plug-ins",
            ".config/GIMP/3.10/plug-ins",
            ".var/app/org.gimp.GIMP/config/GIMP/3.0/plug-ins",
            "snap/gimp/common/.config/GIMP/3.2/plug-ins",
        ];
        assert_eq!(found(&user), expected);
    }

    #[test]
    fn where_only_flatpaks_gimp_is_no_other_folder_is_made() {
        let (_room, user) = home(&[".config", ".var/app/org.gimp.GIMP/config/GIMP/3.2"]);
        assert_eq!(found(&user), [".var/app/org.gimp.GIMP/config/GIMP/3.2/plug-ins"]);
    }

    #[test]
    fn before_the_first_start_it_is_the_folder_of_the_oldest_gimp() {
        let (_room, user) = home(&[]);
        assert_eq!(found(&user), [".config/GIMP/3.0/plug-ins"]);
        let nobody = User { home: None, settings: None, named: None };
        assert!(nobody.plug_ins().expect_err("refused").contains("HOME"));
    }

    #[test]
    fn a_folder_that_the_user_has_named_is_the_only_one() {
        let (_room, mut user) = home(&[".config/GIMP/3.0"]);
        user.named = Some("my gimp".into());
        assert_eq!(found(&user), ["my gimp/plug-ins"]);
        user.named = Some("/elsewhere".into());
        assert_eq!(user.plug_ins(), Ok(vec![PathBuf::from("/elsewhere/plug-ins")]));
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_has_two_names_is_found_once() {
        let (_room, user) = home(&["snap/gimp/393/.config/GIMP/3.0"]);
        let snap = user.home.as_deref().expect("a home").join("snap/gimp");
        std::os::unix::fs::symlink("393", snap.join("current")).expect("a link");
        std::os::unix::fs::symlink("393", snap.join("common")).expect("a link");
        assert_eq!(found(&user), ["snap/gimp/current/.config/GIMP/3.0/plug-ins"]);
    }
}
