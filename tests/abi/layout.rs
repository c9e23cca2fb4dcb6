//! The ABI itself: sizes, offsets, constants and exported functions against the list in `abi.txt`. A change
//! there is a decision: run with IMPASTO_WRITE_ABI=1, look at the difference, raise IMPASTO_ABI if a program
//! that is compiled already would break.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::library;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The header's structs with their fields, in order.
fn structs(header: &str) -> Vec<(String, Vec<String>)> {
    let mut out: Vec<(String, Vec<String>)> = Vec::new();
    let mut inside = false;
    for line in header.lines() {
        if let Some(name) = line.strip_prefix("typedef struct ").and_then(|l| l.strip_suffix(" {")) {
            out.push((name.to_string(), Vec::new()));
            inside = true;
        } else if line.starts_with('}') {
            inside = false;
        } else if let (true, Some(field), false) =
            (inside, line.strip_suffix(';'), line.contains('*') && line.trim_start().starts_with('*'))
        {
            let name = field.rsplit([' ', '*']).next().expect("a name");
            out.last_mut().expect("a struct").1.push(name.to_string());
        }
    }
    out
}

#[test]
fn the_abi_is_the_one_that_was_decided_on() {
    let Some(library) = library::file() else { return };
    let header = std::fs::read_to_string(root().join("include/impasto.h")).expect("the header");
    let mut text = String::new();
    let constants = header.lines().filter_map(|l| l.strip_prefix("#define IMPASTO_")).filter(|l| *l != "H");
    for line in constants {
        text += &format!("constant IMPASTO_{line}\n");
    }

    let folder = tempfile::tempdir().expect("a folder");
    let (source, program): (PathBuf, PathBuf) =
        (folder.path().join("layout.c"), folder.path().join("layout"));
    let mut code = "#include <impasto.h>\n#include <stdio.h>\nint main(void) {\n".to_string();
    for (name, fields) in structs(&header) {
        code += &format!("printf(\"struct {name} %zu bytes\\n\", sizeof({name}));\n");
        for field in fields {
            code += &format!(
                "printf(\"  {field} at %zu, %zu bytes\\n\", offsetof({name}, {field}), sizeof((({name} *)0)->{field}));\n"
            );
        }
    }
    std::fs::write(&source, code + "return 0;\n}\n").expect("written");
    let cc = std::env::var("CC").unwrap_or_else(|_| "cc".to_string());
    output(Command::new(cc).arg("-I").arg(root().join("include")).arg(&source).arg("-o").arg(&program));
    text += &output(&mut Command::new(&program));

    let mut functions: Vec<String> = output(Command::new("nm").args(["-D", "--defined-only"]).arg(library))
        .lines()
        .filter_map(|l| l.rsplit(' ').next().map(str::to_string))
        .collect();
    functions.sort();
    for function in functions {
        text += &format!("function {function}\n");
    }

    let path = root().join("tests/abi/abi.txt");
    if std::env::var_os("IMPASTO_WRITE_ABI").is_some() {
        std::fs::write(&path, &text).expect("written");
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(there == text, "the ABI has changed:\n{text}\nbefore:\n{there}");
}

/// What `abi.txt`, and so the C compiler, says of a struct: its size, then the offset and the size of each field.
fn written(name: &str) -> (usize, Vec<(String, usize, usize)>) {
    let text = std::fs::read_to_string(root().join("tests/abi/abi.txt")).expect("abi.txt");
    let mut lines = text.lines().skip_while(|line| !line.starts_with(&format!("struct {name} ")));
    let number = |text: &str| text.parse::<usize>().expect("a number");
    let size = number(lines.next().expect(name).split(' ').nth(2).expect("a size"));
    let fields = lines.map_while(|line| line.strip_prefix("  ")).map(|line| {
        let words: Vec<&str> = line.split([' ', ',']).collect();
        (words[0].to_string(), number(words[2]), number(words[4]))
    });
    (size, fields.collect())
}

#[test]
fn the_structs_for_rust_have_the_layout_that_the_c_compiler_sees() {
    use impasto_abi::*;
    fn size_of_field<T, F>(_: fn(&T) -> &F) -> usize {
        size_of::<F>()
    }
    macro_rules! same {
        ($type:ident: $($field:ident)*) => {
            let fields = vec![$((
                stringify!($field).to_string(),
                std::mem::offset_of!($type, $field),
                size_of_field(|s: &$type| &s.$field),
            )),*];
            assert_eq!((size_of::<$type>(), fields), written(stringify!($type)), stringify!($type));
        };
    }
    same!(ImpastoPicture: data stride width height layout sample encoding reserved);
    same!(ImpastoStyle: struct_size picture weight scale region name);
    same!(ImpastoProgress: struct_size phase evaluations planned reserved loss seconds seconds_left preview level
        levels width height left top right bottom);
    same!(ImpastoJob: struct_size content output styles style_count mask init params progress user_data on_cancel
        reserved);
}
