//! Names that Windows does not take as other systems do: those of devices, such as `CON.png`, what Windows leaves out at a name's
//! end, and paths of more than 260 characters.

/// What `NUL` is called where it takes whatever is written.
pub const NULL: &str = "NUL";

/// Why a file of this name cannot be written on Windows; None if it can.
pub fn problem(name: &str) -> Option<&'static str> {
    if is_device(name) {
        return Some("is the name of a device in Windows; choose another name");
    }
    if name.contains(':') {
        return Some("has a colon in its name, which Windows does not allow; choose another name");
    }
    let ends_badly = name.ends_with(['.', ' ']) && !matches!(name, "." | "..");
    ends_badly.then_some("ends with a dot or a space, which Windows leaves out; choose another name")
}

/// Whether Windows means a device by this name, whatever its ending.
pub fn is_device(name: &str) -> bool {
    let stem = name.split(['.', ':']).next().unwrap_or_default().trim_end_matches(' ').to_ascii_uppercase();
    if matches!(stem.as_str(), "CON" | "PRN" | "AUX" | NULL | "CONIN$" | "CONOUT$") {
        return true;
    }
    let number = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
    number.is_some_and(|number| {
        let mut characters = number.chars();
        matches!((characters.next(), characters.next()), (Some('0'..='9' | '¹' | '²' | '³'), None))
    })
}

/// The most UTF-16 units of a path that is left as it is: room for a temporary name, and for a folder's limit of 248.
const LONGEST: usize = 200;

/// A full path in the form that may have 32767 characters, if it is so long that it needs that.
pub fn long(path: &str) -> Option<String> {
    let is_long = path.encode_utf16().count() > LONGEST;
    if !is_long || path.starts_with(r"\\?\") || path.starts_with(r"\\.\") {
        return None;
    }
    Some(match path.strip_prefix(r"\\") {
        Some(share) => format!(r"\\?\UNC\{share}"),
        None => format!(r"\\?\{path}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_devices_are_known_with_any_ending_and_case() {
        for name in
            ["NUL", "con", "Con.png", "aux.tar.gz", "com1.png", "LPT9", "COM¹.jpg", "prn .png", "CONOUT$"]
        {
            assert!(is_device(name), "{name}");
        }
        for name in ["cone.png", "com.png", "com10.png", "xcon", "null.png", "lpt", "", ".con"] {
            assert!(!is_device(name), "{name}");
        }
    }

    #[test]
    fn what_windows_would_change_in_a_name_is_refused() {
        assert_eq!(problem("Bild ä.png"), None);
        assert_eq!(problem(".."), None);
        for (name, word) in
            [("out.png.", "dot"), ("out.png ", "space"), ("a:b.png", "colon"), ("nul.png", "device")]
        {
            assert!(problem(name).is_some_and(|p| p.contains(word)), "{name}");
        }
    }

    #[test]
    fn only_long_paths_are_changed() {
        let deep = "a".repeat(300);
        assert_eq!(long(r"C:\short.png"), None);
        assert_eq!(long(&format!(r"C:\{deep}")), Some(format!(r"\\?\C:\{deep}")));
        assert_eq!(long(&format!(r"\\server\share\{deep}")), Some(format!(r"\\?\UNC\server\share\{deep}")));
        assert_eq!(long(&format!(r"\\?\C:\{deep}")), None);
    }
}
