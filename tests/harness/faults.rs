//! Everything that can be wrong from outside: a clear error, an exit code by kind, nothing half-written.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use safetensors::tensor::{Dtype, TensorView};

use super::common::{fixture, folder, impasto, names, quick, sample, stderr};

/// Runs a command that must fail with `code`, say all of `wanted`, and leave no output behind.
fn refuse(command: &mut Command, code: i32, wanted: &[&str], out: &Path) {
    let before = names(out);
    let output = command.output().expect("the command starts");
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{command:?}\n{said}");
    for part in wanted {
        assert!(said.contains(part), "{command:?}: no '{part}' in: {said}");
    }
    assert!(!said.contains("panicked"), "{said}");
    assert_eq!(names(out), before, "{command:?} left something behind");
}

fn with_content(content: &Path, out: &Path) -> Command {
    let mut command = impasto();
    command.arg(content).arg(sample("whirls.jpg")).arg("-o").arg(out.join("out.png"));
    command.args(["--size", "64", "--iterations", "2", "--device", "cpu", "--quiet"]);
    command
}

#[test]
fn pictures() {
    let (from, out) = (folder(), folder());
    let at = |name: &str| from.path().join(name);
    let whole = std::fs::read(sample("cat.png")).expect("the sample");
    let jpeg = std::fs::read(sample("dusk.jpg")).expect("the sample");
    std::fs::write(at("truncated.png"), &whole[..whole.len() / 2]).expect("written");
    std::fs::write(at("truncated.jpg"), &jpeg[..200]).expect("written");
    std::fs::write(at("text.png"), "this is no picture").expect("written");
    std::fs::write(at("zero.png"), "").expect("written");
    image::RgbImage::new(1, 1).save(at("one.png")).expect("written");
    image::RgbImage::new(400, 8).save(at("thin.png")).expect("written");
    for (name, wanted) in [
        ("missing.png", "check the path"),
        ("truncated.png", "incomplete"),
        ("truncated.jpg", "incomplete"),
        ("text.png", "expected PNG"),
        ("zero.png", "is empty"),
        ("one.png", "smallest"),
        ("thin.png", "smallest"),
    ] {
        refuse(&mut with_content(&at(name), out.path()), 3, &[name, wanted], out.path());
    }
    refuse(&mut with_content(from.path(), out.path()), 2, &["go into a folder"], out.path());
    let web = Path::new("https://pictures.example/cat.png");
    refuse(&mut with_content(web, out.path()), 3, &["cat.png", "download it first"], out.path());
    let mut style = impasto();
    style.arg(sample("cat.png")).arg(at("zero.png")).arg("-o").arg(out.path().join("out.png"));
    refuse(&mut style, 3, &["zero.png"], out.path());
    refuse(
        quick(&out.path().join("out.png")).arg("--init").arg(at("text.png")),
        3,
        &["text.png"],
        out.path(),
    );
}

type Tensors = HashMap<String, (Vec<usize>, Vec<f32>)>;

fn narrow() -> Tensors {
    let bytes = std::fs::read(fixture("narrow.safetensors")).expect("the fixture");
    let file = safetensors::SafeTensors::deserialize(&bytes).expect("safetensors");
    let values = |d: &[u8]| d.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    file.tensors().into_iter().map(|(n, t)| (n, (t.shape().to_vec(), values(t.data())))).collect()
}

fn save(tensors: &Tensors, path: &Path, metadata: Option<HashMap<String, String>>) {
    let bytes: HashMap<&String, Vec<u8>> =
        tensors.iter().map(|(n, (_, v))| (n, v.iter().flat_map(|x| x.to_le_bytes()).collect())).collect();
    let views = tensors.iter().map(|(n, (dims, _))| {
        (n.clone(), TensorView::new(Dtype::F32, dims.clone(), &bytes[n]).expect("a tensor"))
    });
    safetensors::serialize_to_file(views, metadata, path).expect("written");
}

fn with_model(model: &Path, out: &Path) -> Command {
    let mut command = quick(&out.join("out.png"));
    command.arg("--model").arg(model);
    command
}

#[test]
fn models() {
    let (from, out) = (folder(), folder());
    let at = |name: &str| -> PathBuf { from.path().join(name) };
    let refuse_changed = |name: &str, wanted: &[&str], change: &dyn Fn(&mut Tensors)| {
        let mut tensors = narrow();
        change(&mut tensors);
        save(&tensors, &at(name), None);
        refuse(&mut with_model(&at(name), out.path()), 4, &[&[name], wanted].concat(), out.path());
    };
    // A model that is not there comes with a command that can be run as it stands.
    let mut missing = with_model(Path::new("vgg19"), out.path());
    missing.env("XDG_DATA_HOME", from.path());
    refuse(&mut missing, 4, &["there is no model 'vgg19'", "`impasto model fetch vgg19`"], out.path());
    refuse_changed("gap.safetensors", &["features.7.weight before"], &|t| {
        drop(t.remove("features.7.weight"))
    });
    refuse_changed("none.safetensors", &["features.0.weight"], &|t| t.retain(|n, _| n.ends_with("bias")));
    refuse_changed("unbiased.safetensors", &["features.5.bias is missing"], &|t| {
        drop(t.remove("features.5.bias"))
    });
    refuse_changed("nan.safetensors", &["features.5.weight", "NaN"], &|t| {
        t.get_mut("features.5.weight").expect("a tensor").1[3] = f32::NAN;
    });
    refuse_changed("shape.safetensors", &["features.2.weight", "expected [O, 4, h, w]"], &|t| {
        t.get_mut("features.2.weight").expect("a tensor").0 = vec![4, 2, 6, 3];
    });
    refuse_changed("bias.safetensors", &["features.2.bias", "expected [4]"], &|t| {
        t.insert("features.2.bias".into(), (vec![2], vec![0.0; 2]));
    });
    let metadata = HashMap::from([("mean".to_string(), "red".to_string())]);
    save(&narrow(), &at("mean.safetensors"), Some(metadata));
    refuse(&mut with_model(&at("mean.safetensors"), out.path()), 4, &["'mean'", "three numbers"], out.path());

    let whole = std::fs::read(fixture("narrow.safetensors")).expect("the fixture");
    std::fs::write(at("cut.safetensors"), &whole[..whole.len() - 9]).expect("written");
    std::fs::write(at("text.safetensors"), "not tensors at all").expect("written");
    std::fs::write(at("empty.safetensors"), "").expect("written");
    let onnx = std::fs::read(fixture("narrow-old.onnx")).expect("the fixture");
    std::fs::write(at("cut.onnx"), &onnx[..onnx.len() - 9]).expect("written");
    std::fs::write(at("model.bin"), &whole).expect("written");
    for (name, wanted) in [
        ("cut.safetensors", "not a complete safetensors file"),
        ("text.safetensors", "not a complete safetensors file"),
        ("empty.safetensors", "is empty"),
        ("cut.onnx", "not a complete ONNX file"),
        ("missing.onnx", "No such file"),
        ("model.bin", "ends in .safetensors, .pth or .onnx"),
    ] {
        refuse(&mut with_model(&at(name), out.path()), 4, &[name, wanted], out.path());
    }
    refuse(&mut with_model(Path::new("nonesuch"), out.path()), 4, &["nonesuch", "compact"], out.path());
    let mut job = quick(&out.path().join("out.png"));
    refuse(job.args(["--style-taps", "relu1_1,relu9_1"]), 4, &["relu9_1", "relu1_1", "relu4_2"], out.path());
    let mut job = quick(&out.path().join("out.png"));
    refuse(job.args(["--content-taps", "relu6_1"]), 4, &["relu6_1", "compact"], out.path());
}

#[test]
fn parameters() {
    let out = folder();
    let bad: [(&str, &str, &str); 22] = [
        ("--size", "0", "size"),
        ("--size", "15", "16"),
        ("--size", "1000000000000", "32768"),
        ("--size", "99999999999999999999999", "size"),
        ("--size", "-5", "size"),
        ("--iterations", "0", "iterations"),
        ("--iterations", "1000000000000", "iterations"),
        ("--style-weight", "-1", "style_weight"),
        ("--style-weight", "NaN", "--style-weight"),
        ("--style-weight", "inf", "--style-weight"),
        ("--content-weight", "1e12", "content_weight"),
        ("--tv-weight", "-0.1", "tv_weight"),
        ("--style-size", "0", "style_size"),
        ("--threads", "1000000000000", "threads"),
        ("--seed", "-1", "seed"),
        ("--device", "toaster", "toaster"),
        ("--save-every", "0", "--save-every"),
        ("--threads", "two", "--threads"),
        ("--tap-weight", "style/relu1_1=nan", "--tap-weight"),
        ("--init", "", "--init"),
        ("--blend", "a.png,region=", "--blend"),
        ("--blend", "a.png,weight=1,weight=2", "weight is given twice"),
    ];
    for (option, value, wanted) in bad {
        let mut job = quick(&out.path().join("out.png"));
        // `quick` has set some of them; the last one counts.
        let arguments = [format!("{option}={value}")];
        let output = job.args(&arguments).output().expect("the command starts");
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{option} {value}: {said}");
        assert!(said.contains(wanted), "{option} {value}: {said}");
        assert!(names(out.path()).is_empty());
    }
    let all = ["--style-weight", "0", "--content-weight", "0"];
    refuse(quick(&out.path().join("out.png")).args(all), 2, &["nothing to do"], out.path());

    let from = folder();
    let params = from.path().join("p.json");
    for (text, wanted) in [
        (r#"{"stile_weight": 1}"#, "stile_weight"),
        (r#"{"version": 99}"#, "version: 99"),
        (r#"{"size": "big"}"#, "invalid type"),
        (r#"{"size": -3}"#, "-3"),
        (r#"{"size": 8}"#, "size: 8 is out of range"),
        ("{", "p.json"),
    ] {
        std::fs::write(&params, text).expect("written");
        refuse(
            quick(&out.path().join("out.png")).arg("--params").arg(&params),
            2,
            &["p.json", wanted],
            out.path(),
        );
    }
}

/// What has no end is not read until the memory is full, which would take the whole machine with it.
#[cfg(unix)]
#[test]
fn files_without_an_end() {
    let (from, out) = (folder(), folder());
    let model = from.path().join("zero.safetensors");
    std::os::unix::fs::symlink("/dev/zero", &model).expect("a link");
    let model = model.to_string_lossy().into_owned();
    let as_folder = from.path().join("folder.pth");
    std::fs::create_dir(&as_folder).expect("a folder");
    for (options, code, wanted) in [
        (["--params", "/dev/zero"], 2, "/dev/zero: cannot be read: it is longer than 16 MiB"),
        (["--model", &model], 4, "is a folder or a device"),
        (["--model", &as_folder.to_string_lossy()], 4, "is a folder or a device"),
    ] {
        refuse(quick(&out.path().join("out.png")).args(options), code, &[wanted], out.path());
    }
    let mut resumed = impasto();
    resumed.args(["--resume", "/dev/zero", "-o"]).arg(out.path().join("out.png"));
    refuse(&mut resumed, 2, &["/dev/zero: cannot be read: it is longer than 256 MiB"], out.path());
}

#[test]
fn masks_that_leave_nothing_are_named() {
    let (from, out) = (folder(), folder());
    let black = |name: &str, of: &str| -> PathBuf {
        let [h, w] = impasto::Picture::read(&sample(of)).expect("the sample").size();
        let path = from.path().join(name);
        image::RgbImage::new(w as u32, h as u32).save(&path).expect("written");
        path
    };
    let (mask, part) = (black("mask.png", "cat.png"), black("part.png", "whirls.jpg"));
    for (option, path, wanted) in [
        ("--part", &part, "part.png: is black all over"),
        ("--region", &mask, "mask.png: is black all over"),
        ("--mask", &mask, "mask.png: selects nothing"),
    ] {
        refuse(quick(&out.path().join("out.png")).arg(option).arg(path), 3, &[wanted], out.path());
    }
}

#[test]
fn outputs() {
    let out = folder();
    refuse(&mut quick(&out.path().join("out.bmp")), 2, &["out.bmp", ".png"], out.path());
    refuse(&mut quick(&out.path().join("no").join("out.png")), 6, &["folder does not exist"], out.path());
    std::fs::create_dir(out.path().join("folder.json")).expect("made");
    let folder = out.path().join("folder.json");
    refuse(quick(&out.path().join("out.png")).arg("--report").arg(folder), 6, &["is a folder"], out.path());
    let report = out.path().join("no").join("report.json");
    refuse(quick(&out.path().join("out.png")).arg("--report").arg(report), 6, &["report.json"], out.path());
    refuse(quick(&out.path().join("out.png")).args(["--plot", "loss.gif"]), 2, &["loss.gif"], out.path());

    // The content picture is never written over.
    let own = out.path().join("own.png");
    std::fs::copy(sample("cat.png"), &own).expect("copied");
    let mut job = impasto();
    job.arg(&own).arg(sample("whirls.jpg")).arg("-o").arg(&own);
    refuse(&mut job, 2, &["own.png", "choose another name"], out.path());
    assert_eq!(std::fs::read(&own).expect("there"), std::fs::read(sample("cat.png")).expect("there"));
}

/// A limit on the size of files fails writes in the middle, as a disk does that fills up.
#[cfg(unix)]
#[test]
fn a_disk_that_fills_up() {
    let out = folder();
    let path = out.path().join("out.png");
    std::fs::write(&path, "an older result").expect("written");
    let job = quick(&path);
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "trap '' XFSZ; ulimit -f 4; exec \"$@\"", "sh"])
        .arg(job.get_program())
        .args(job.get_args());
    refuse(&mut shell, 6, &["out.png", "cannot be written"], out.path());
    assert_eq!(std::fs::read_to_string(&path).expect("there"), "an older result");
}

#[test]
fn onnxruntime_that_is_missing_or_no_such_library() {
    let out = folder();
    let mut job = quick(&out.path().join("out.png"));
    refuse(job.env("IMPASTO_ONNXRUNTIME", "/nonesuch"), 5, &["IMPASTO_ONNXRUNTIME", "/nonesuch"], out.path());
    let home = folder();
    let mut job = quick(&out.path().join("out.png"));
    job.env_remove("IMPASTO_ONNXRUNTIME").env("HOME", home.path()).env_remove("XDG_CACHE_HOME");
    refuse(&mut job, 5, &["Looked in", "cargo xtask setup"], out.path());
    let text = home.path().join("libonnxruntime.so");
    std::fs::write(&text, "no library").expect("written");
    let mut job = quick(&out.path().join("out.png"));
    refuse(job.env("IMPASTO_ONNXRUNTIME", &text), 5, &["libonnxruntime.so"], out.path());
}

#[test]
fn cuda_where_there_is_none() {
    let devices = impasto().arg("devices").output().expect("the command starts");
    if String::from_utf8_lossy(&devices.stdout).lines().any(|l| l.starts_with("cuda") && l.contains("works"))
    {
        return super::common::skipped("this machine has CUDA");
    }
    let out = folder();
    let job = || quick(&out.path().join("out.png"));
    refuse(job().args(["--device=cuda"]), 5, &["cuda:0", "--device cpu"], out.path());
    refuse(job().args(["--device=cuda:3"]), 5, &["cuda:3"], out.path());
}
