//! The example programs in C, C++ and Python, and that they make what the command makes.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use impasto::Picture;

use crate::library;

const PARAMS: &str = r#"{"size": 64, "iterations": 6, "strength": 60}"#;
const ENGINE: &str = r#"{"device": "cpu", "threads": 2}"#;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn example(name: &str) -> PathBuf {
    root().join("ffi").join("examples").join(name)
}

fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {:?}\n{said}", output.status);
    output
}

/// A folder with the sample pictures as PPM and a libimpasto.so to link with.
struct Workshop {
    folder: tempfile::TempDir,
}

impl Workshop {
    fn new() -> Option<Self> {
        let library = library::file()?;
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::copy(&library, folder.path().join("libimpasto.so")).expect("copied");
        // Its soname, which the program will ask for.
        std::fs::copy(&library, folder.path().join("libimpasto.so.0")).expect("copied");
        let shop = Workshop { folder };
        shop.bring("cat.png", "content", None);
        shop.bring("whirls.jpg", "style", None);
        Some(shop)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a sample picture there as PNG, without a profile, and as PPM: the same pixels.
    fn bring(&self, from: &str, to: &str, size: Option<(usize, usize)>) {
        let mut picture = Picture::read(&root().join("assets/sample").join(from)).expect("the sample");
        if let Some((height, width)) = size {
            picture = picture.resized(height, width).expect("resized");
        }
        let png = self.path(&format!("{to}.png"));
        Picture::new(picture.into_rgb(), None).expect("a picture").write(&png).expect("written");
        write_ppm(&self.path(&format!("{to}.ppm")), &Picture::read(&png).expect("a picture"));
    }

    fn compile(&self, compiler: &str, flags: &[&str], sources: &[&str]) -> PathBuf {
        let program = self.path("program");
        let mut command = Command::new(compiler);
        command
            .args(flags)
            .args(["-Wall", "-Wextra", "-Werror", "-pedantic", "-I"])
            .arg(root().join("include"));
        command.args(sources.iter().map(|s| example(s))).arg("-L").arg(self.folder.path());
        succeed(command.args(["-limpasto", "-o"]).arg(&program));
        program
    }

    /// Runs a program as the examples are run and returns the picture's bytes.
    fn run(&self, command: &mut Command) -> Vec<u8> {
        let out = self.path("out.ppm");
        command.arg(self.path("content.ppm")).arg(self.path("style.ppm")).arg(&out).args([PARAMS, ENGINE]);
        let output = succeed(command.env("LD_LIBRARY_PATH", self.folder.path()));
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("cancelled; once more") && said.contains("6 of 6 evaluations"), "{said}");
        std::fs::read(out).expect("a picture")
    }

    /// What the command makes of the same pictures with the same parameters.
    fn of_command(&self) -> Vec<u8> {
        let (params, out) = (self.path("params.json"), self.path("command.png"));
        std::fs::write(&params, PARAMS).expect("written");
        let mut command = Command::new(env!("CARGO_BIN_EXE_impasto"));
        command.arg(self.path("content.png")).arg(self.path("style.png"));
        command.arg("-o").arg(&out).arg("--params").arg(&params);
        succeed(command.args(["--device", "cpu", "--threads", "2", "--quiet"]));
        let ppm = self.path("command.ppm");
        write_ppm(&ppm, &Picture::read(&out).expect("a picture"));
        std::fs::read(ppm).expect("a picture")
    }
}

fn write_ppm(path: &Path, picture: &Picture) {
    let (h, w) = (picture.height(), picture.width());
    let mut bytes = format!("P6\n{w} {h}\n255\n").into_bytes();
    for y in 0..h {
        for x in 0..w {
            bytes.extend([0, 1, 2].map(|c| (picture.rgb()[[c, y, x]] * 255.0).round() as u8));
        }
    }
    std::fs::write(path, bytes).expect("written");
}

#[test]
fn c_and_python_make_what_the_command_makes() {
    let Some(shop) = Workshop::new() else { return };
    let expected = shop.of_command();
    let program = shop.compile("cc", &["-std=c11"], &["stylise.c"]);
    assert!(shop.run(&mut Command::new(&program)) == expected, "C differs");
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let mut command = Command::new(python);
    command.arg(example("stylise.py")).arg(shop.path("libimpasto.so"));
    assert!(shop.run(&mut command) == expected, "Python differs");
}

/// The program in docs/c-library.md, with a `main` that calls it.
#[test]
fn the_program_on_the_page_of_the_c_library_paints() {
    let Some(shop) = Workshop::new() else { return };
    let page = std::fs::read_to_string(root().join("docs/c-library.md")).expect("the page");
    let code = page.split("```c\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a program");
    let main = r#"
static unsigned char photo[3 * 32 * 24], art[3 * 32 * 32];

int main(void)
{
    size_t changed = 0;
    for (size_t i = 0; i < sizeof art; i++) {
        art[i] = (unsigned char)(i * i % 251);
    }
    if (!paint(photo, 32, 24, art, 32, 32)) {
        return 1;
    }
    for (size_t i = 0; i < sizeof photo; i++) {
        changed += photo[i] != 0;
    }
    return changed > sizeof photo / 2 ? 0 : 2;
}
"#;
    let source = shop.path("page.c");
    std::fs::write(&source, format!("{code}{main}")).expect("written");
    let program = shop.compile("cc", &["-std=c11"], &[source.to_str().expect("UTF-8")]);
    succeed(Command::new(program).env("LD_LIBRARY_PATH", shop.folder.path()));
}

#[test]
fn cpp_makes_what_the_command_makes() {
    let Some(shop) = Workshop::new() else { return };
    // The C++ example paints in place, so its content has the size that is worked on already.
    shop.bring("cat.png", "content", Some((43, 64)));
    let expected = shop.of_command();
    let program = shop.compile("c++", &["-std=c++17"], &["stylise.cpp", "stylise_main.cpp"]);
    assert!(shop.run(&mut Command::new(&program)) == expected, "C++ differs");
}

/// A host that has opened an ONNX Runtime of its own, from another file.
#[test]
fn another_onnx_runtime_in_the_process_does_no_harm() {
    let (Some(shop), Some(packages)) = (Workshop::new(), std::env::var_os("IMPASTO_PYTHONPATH")) else {
        return;
    };
    let expected = shop.of_command();
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let mut command = Command::new(python);
    let code = "import sys, runpy, onnxruntime; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')";
    command.arg("-c").arg(code).arg(example("stylise.py")).arg(shop.path("libimpasto.so"));
    assert!(shop.run(command.env("PYTHONPATH", packages)) == expected);
}

/// Memory faults and leaks outside ONNX Runtime's own code.
#[test]
fn the_c_example_is_clean_under_valgrind() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        eprintln!("skipped: valgrind is not installed");
        return;
    }
    let Some(shop) = Workshop::new() else { return };
    let program = shop.compile("cc", &["-std=c11", "-g"], &["stylise.c"]);
    let mut command = Command::new("valgrind");
    command.args([
        "--error-exitcode=99",
        "--leak-check=full",
        "--show-leak-kinds=definite",
        "--errors-for-leak-kinds=definite",
        "--quiet",
    ]);
    command.arg(format!("--suppressions={}", root().join("tests/abi/onnxruntime.supp").display()));
    let out = shop.path("out.ppm");
    command.arg(&program).arg(shop.path("content.ppm")).arg(shop.path("style.ppm")).arg(&out);
    command
        .args([r#"{"size": 32, "style_size": 32, "iterations": 4}"#, r#"{"device": "cpu", "threads": 1}"#]);
    succeed(command.env("LD_LIBRARY_PATH", shop.folder.path()));
}
