//! Import libraries of GIMP, GTK and what they stand on. Nobody has these for Debian, so they are made of the names that the
//! libraries for Linux export: a library has the same functions on both systems, but for those of this system's own.

use std::path::Path;
use std::process::Command;

use super::build::Windows;
use crate::root_directory::Root;
use crate::{Result, dist, run};

/// What the filter is linked with, by pkg-config's names, which bring the others.
const PACKAGES: [&str; 2] = ["gimpui-3.0", "gimp-3.0"];

/// Where Debian has libraries.
const LIBRARIES: &str = "/usr/lib/x86_64-linux-gnu";

/// How the names of functions begin that libraries have on Linux only. A program that calls one is not linked.
const NOT_ON_WINDOWS: [&str; 8] = [
    "cairo_xcb_",
    "cairo_xlib_",
    "g_desktop_app_info_",
    "g_unix_",
    "gdk_wayland_",
    "gdk_x11_",
    "gtk_plug_",
    "gtk_socket_",
];

/// What a library for Linux exports.
#[derive(Debug, PartialEq)]
struct Exports {
    /// The DLL's name on Windows.
    dll: String,
    functions: Vec<String>,
    variables: Vec<String>,
}

/// Makes the import libraries in `folder`, and a pkg-config that tells what the root directory with GIMP has. Returns the
/// variables by which cargo finds it.
pub fn make(windows: &Windows, gimp: &Root, folder: &Path) -> Result<[String; 2]> {
    let names = libraries(gimp)?;
    for name in &names {
        let file = format!("{LIBRARIES}/lib{name}.so");
        let mut readelf = gimp.command("readelf");
        let told = run::text(readelf.args(["--wide", "--dynamic", "--dyn-syms", &file]))?;
        let exports = exports(&told).map_err(|e| format!("{file}: {e}"))?;
        let definition = folder.join(format!("{name}.def"));
        dist::write(&definition, &exports.definition())?;
        let import = folder.join(format!("lib{name}.dll.a"));
        run::all(
            windows.tool("dlltool")?.arg("--input-def").arg(&definition).arg("--output-lib").arg(&import),
        )?;
    }
    let pkg_config = folder.join("pkg-config");
    // The folder with libraries for Linux, which it would name for cargo, is left out.
    let script = format!(
        "#!/bin/sh\nexec /usr/sbin/chroot '{}' env -u PKG_CONFIG_ALLOW_SYSTEM_LIBS pkg-config \"$@\"\n",
        gimp.outside("/").display()
    );
    dist::write(&pkg_config, &script)?;
    run::all(Command::new("chmod").arg("+x").arg(&pkg_config))?;
    Ok([format!("PKG_CONFIG={}", pkg_config.display()), "PKG_CONFIG_ALLOW_CROSS=1".into()])
}

/// The libraries' names, as linkers are given them.
fn libraries(gimp: &Root) -> Result<Vec<String>> {
    let told = run::text(gimp.command("pkg-config").arg("--libs-only-l").args(PACKAGES))?;
    let mut names: Vec<String> =
        told.split_whitespace().filter_map(|word| word.strip_prefix("-l")).map(str::to_string).collect();
    names.sort();
    names.dedup();
    Ok(names)
}

/// The DLL of a library for Linux: libtool and Meson put the number at the end of both names.
fn dll(soname: &str) -> String {
    match soname.split_once(".so") {
        // The exception.
        Some(("libz", _)) => "zlib1.dll".into(),
        Some((name, number)) => format!("{name}{}.dll", number.replacen('.', "-", 1)),
        None => format!("{soname}.dll"),
    }
}

/// What a library exports, from what readelf tells of it.
fn exports(told: &str) -> Result<Exports> {
    let soname = told.lines().find_map(|line| line.split_once("Library soname: [")?.1.strip_suffix(']'));
    let soname = soname.ok_or("readelf tells no name of a library")?;
    let (mut functions, mut variables) = (Vec::new(), Vec::new());
    for line in told.lines() {
        // `   12: 0000000000008a10   123 FUNC    GLOBAL DEFAULT   14 gimp_main@@VERSION`
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, _, _, kind, "GLOBAL" | "WEAK", "DEFAULT", place, name] = words[..] else { continue };
        let name = name.split('@').next().unwrap_or(name);
        if place == "UND" || place == "ABS" || NOT_ON_WINDOWS.iter().any(|start| name.starts_with(start)) {
            continue;
        }
        match kind {
            "FUNC" | "IFUNC" => functions.push(name.to_string()),
            "OBJECT" => variables.push(name.to_string()),
            _ => {}
        }
    }
    if functions.is_empty() {
        return Err(format!("{soname} exports no functions"));
    }
    Ok(Exports { dll: dll(soname), functions, variables })
}

impl Exports {
    /// A module-definition file, as dlltool reads it.
    fn definition(&self) -> String {
        let functions = self.functions.iter().map(|name| format!("    {name}\n"));
        let variables = self.variables.iter().map(|name| format!("    {name} DATA\n"));
        // With dots in it, a name has to be quoted.
        format!("LIBRARY \"{}\"\nEXPORTS\n{}", self.dll, functions.chain(variables).collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // As readelf writes it.
    const TOLD: &str = " 0x000000000000000e (SONAME)             Library soname: [libgimp-3.0.so.0]\n\
        \x20    3: 0000000000000000     0 FUNC    GLOBAL DEFAULT  UND strlen@GLIBC_2.2.5 (2)\n\
        \x20    4: 0000000000000000     0 FUNC    GLOBAL DEFAULT  UND g_free\n\
        \x20   12: 0000000000008a10   123 FUNC    GLOBAL DEFAULT   14 gimp_main@@GIMP_3\n\
        \x20   13: 0000000000008b10   123 FUNC    GLOBAL DEFAULT   14 g_unix_fd_list_new\n\
        \x20   14: 0000000000008c10   123 FUNC    GLOBAL DEFAULT   14 g_date_time_new_from_unix_utc\n\
        \x20   15: 0000000000009000     8 OBJECT  GLOBAL DEFAULT   20 babl_instance\n\
        \x20   16: 0000000000009100     8 FUNC    LOCAL  DEFAULT   14 hidden\n";

    #[test]
    fn what_both_systems_have_is_exported_under_the_dlls_name() {
        let exports = exports(TOLD).expect("exports");
        let expected = "LIBRARY \"libgimp-3.0-0.dll\"\nEXPORTS\n    gimp_main\n    \
                        g_date_time_new_from_unix_utc\n    babl_instance DATA\n";
        assert_eq!(exports.definition(), expected);
    }

    #[test]
    fn a_file_that_is_no_library_or_exports_nothing_is_refused() {
        assert!(exports("").is_err_and(|e| e.contains("no name")));
        let nothing = TOLD.replace("DEFAULT   14", "DEFAULT  UND");
        assert!(exports(&nothing).is_err_and(|e| e.contains("libgimp-3.0.so.0 exports no functions")));
    }

    #[test]
    fn names_of_dlls_have_the_number_of_the_library_for_linux() {
        for (soname, expected) in [
            ("libgtk-3.so.0", "libgtk-3-0.dll"),
            ("libcairo.so.2", "libcairo-2.dll"),
            ("libgegl-npd-0.4.so", "libgegl-npd-0.4.dll"),
            ("libz.so.1", "zlib1.dll"),
        ] {
            assert_eq!(dll(soname), expected);
        }
    }
}
