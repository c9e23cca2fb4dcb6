//! What runs on any graphics card through WebGPU, with Mesa's Vulkan driver that computes on the processor (`cargo xtask
//! test-webgpu`). ONNX Runtime's provider, its shaders and what Impasto does are those of a card; the speed is not, so pictures are
//! very small. Between both and the driver lies a loader that makes faults (`faulty.c`).

#[path = "../card/jobs.rs"]
mod jobs;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use jobs::{Job, SHALLOW, kinds, sample, succeed};
use serde_json::Value;

/// The folder with ONNX Runtime and its provider, the loader with faults, and a C program.
fn made() -> PathBuf {
    let folder = std::env::var_os("IMPASTO_TEST_WEBGPU").map(PathBuf::from);
    folder.expect("IMPASTO_TEST_WEBGPU is not set; these tests are run by `cargo xtask test-webgpu`")
}

/// What a program needs to find the provider and the driver. Shaders that were compiled once are kept.
fn prepare(command: &mut Command, folder: &Path) {
    command
        .env("IMPASTO_ONNXRUNTIME", made().join("plug-in"))
        .env("ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER", "1");
    command.env("LD_LIBRARY_PATH", made().join("faulty"));
    command.env("FAULTY_LOADER", "/usr/lib/x86_64-linux-gnu/libvulkan.so.1");
    command.env("FAULTY_COUNTS", folder.join("counts.json"));
    command.env("XDG_CACHE_HOME", made().join("cache")).env("MESA_SHADER_CACHE_DIR", made().join("shaders"));
    // ONNX Runtime warns where it leaves a node to the processor.
    command.env("ORT_LOG", "warning");
}

/// The command, on a machine with the driver.
fn impasto(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_impasto"));
    prepare(&mut command, folder);
    command
}

/// A job whose graphs, if it is one on the card, leave no node to the processor.
fn job(device: &str, size: u32, evaluations: u32, set: impl FnOnce(&mut Command)) -> Job {
    let job = jobs::job(impasto, device, size, evaluations, |command| {
        command.arg("-v");
        set(command);
    });
    assert!(!job.said.contains("not assigned to the preferred"), "{}", job.said);
    job
}

/// A small job that may fail, with a cache folder of its own, so that the card is compared with the processor again.
fn attempt(device: &str, set: impl FnOnce(&mut Command)) -> (Output, bool) {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out.png");
    let mut command = impasto(folder.path());
    command.env("XDG_CACHE_HOME", folder.path());
    command.arg(sample("cat.png")).arg(sample("whirls.jpg")).arg("-o").arg(&out);
    command.args(["--size", "48", "--iterations", "4", "--levels", "1", "--device", device, "-v"]);
    set(&mut command);
    let output = command.output().expect("the command starts");
    (output, out.exists())
}

/// A job that fails with exit code 5, writes nothing and says all of these.
fn refused(wanted: &[&str], set: impl FnOnce(&mut Command)) {
    let (output, is_written) = attempt("webgpu", set);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(!is_written);
    for text in wanted {
        assert!(said.contains(text), "no '{text}' in {said}");
    }
}

/// What the log says of the plan of a job, which then is ended.
fn plan(size: &str, set: impl FnOnce(&mut Command)) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = impasto(folder.path());
    command.arg(sample("cat.png")).arg(sample("whirls.jpg")).arg("-o").arg(folder.path().join("out.png"));
    command.args(["--size", size, "--levels", "1", "--device", "webgpu", "-v"]).args(SHALLOW);
    set(&mut command);
    let mut child = command.stderr(Stdio::piped()).spawn().expect("the command starts");
    let mut lines = BufReader::new(child.stderr.take().expect("its messages")).lines().map_while(Result::ok);
    let plan = lines.find(|line| line.contains("MiB expected"));
    child.kill().expect("ended");
    child.wait().expect("ended");
    plan.expect("a plan")
}

/// As on the processor: the loss at the start, but for a part that is rounding, and, as it parts the ways, nearly those after it.
fn assert_same(job: &Job, processor: &Job, rounding: f64, what: &str) {
    let (a, b) = (processor.losses(), job.losses());
    assert_eq!(a.len(), b.len(), "{what}");
    assert!((a[0] - b[0]).abs() < rounding * a[0], "{what}: {} and {}", a[0], b[0]);
    let loss = |job: &Job| job.report["loss"].as_f64().expect("a loss");
    assert!((loss(job) / loss(processor) - 1.0).abs() < 1e-2, "{what}: {} {}", loss(job), loss(processor));
    let (mean, _) = job.apart(processor);
    assert!(mean < 1.0, "{what}: values differ by {mean} in the mean");
}

#[test]
fn the_card_is_named_and_no_node_runs_on_the_processor() {
    let folder = tempfile::tempdir().expect("a folder");
    for way in ["plug-in", "inside"] {
        let mut command = impasto(folder.path());
        let output =
            succeed(command.env("IMPASTO_ONNXRUNTIME", made().join(way)).args(["devices", "--nodes"]));
        let text = String::from_utf8(output.stdout).expect("text");
        let (_, card) = text.split_once("webgpu").expect("a card");
        assert!(card.trim_start().starts_with("works (llvmpipe"), "{text}");
        assert!(card.contains("never chosen by itself"), "{text}");
        let nodes: Vec<&str> = card.lines().filter(|line| line.contains("ExecutionProvider")).collect();
        assert!(nodes.len() == 1 && nodes[0].ends_with("on WebGpuExecutionProvider"), "{way}: {text}");
    }
}

#[test]
fn jobs_of_all_kinds_paint_what_the_processor_paints() {
    let folder = tempfile::tempdir().expect("a folder");
    for kind in kinds(folder.path()) {
        let run = |device: &str| job(device, 48, 4, |command| _ = command.args(&kind));
        let card = run("webgpu");
        assert_eq!(card.report["device"], "webgpu");
        // The roots of nearly singular matrices multiply rounding (measured: 1.6e-5).
        let rounding = if kind.contains(&"moments".to_string()) { 1e-4 } else { 1e-5 };
        assert_same(&card, &run("cpu"), rounding, &format!("{kind:?}"));
    }
}

#[test]
fn tiles_paint_what_the_whole_picture_does_on_the_processor() {
    let folder = tempfile::tempdir().expect("a folder");
    let all = kinds(folder.path());
    // Moments, masks, and regions.
    for kind in [&all[1], &all[4], &all[5]] {
        let run = |device: &str, tile: &[&str]| {
            job(device, 84, 2, |command| _ = command.args(kind).args(tile).args(SHALLOW))
        };
        let tiled = run("webgpu", &["--tile-size", "64"]);
        assert_eq!(tiled.report["tile"], 64);
        for (a, b) in run("cpu", &[]).losses().iter().zip(tiled.losses()) {
            assert!((a - b).abs() < 1e-3 * a, "{kind:?}: {a} {b}");
        }
    }
}

#[test]
fn the_build_with_the_provider_inside_paints_the_same() {
    let inside = job("webgpu", 48, 3, |c| _ = c.env("IMPASTO_ONNXRUNTIME", made().join("inside")));
    assert_same(&inside, &job("cpu", 48, 3, |_| ()), 1e-5, "inside");
}

/// The C example with options and parameters.
#[test]
fn a_program_in_c_paints_what_it_paints_on_the_processor() {
    let folder = tempfile::tempdir().expect("a folder");
    let picture = |name: &str, seed: u32| {
        let path = folder.path().join(name);
        let value = |x: u32, y: u32, c: u32| ((x * (3 + c) + y * y * seed + x * y) % 256) as u8;
        let pixel = |x, y| image::Rgb([0, 1, 2].map(|c| value(x, y, c)));
        let pixels = image::RgbImage::from_fn(48, 40, pixel).into_raw();
        std::fs::write(&path, [&b"P6\n48 40\n255\n"[..], &pixels].concat()).expect("a picture");
        path
    };
    let (content, style) = (picture("content.ppm", 1), picture("style.ppm", 2));
    let painted = ["webgpu", "cpu"].map(|device| {
        let out = folder.path().join(format!("{device}.ppm"));
        let mut program = Command::new(made().join("stylise"));
        prepare(&mut program, folder.path());
        let libraries = [made().join("lib"), made().join("faulty")];
        program.env("LD_LIBRARY_PATH", std::env::join_paths(libraries).expect("a list"));
        program.arg(&content).arg(&style).arg(&out).arg(r#"{"size": 48, "iterations": 3}"#);
        succeed(program.arg(format!(r#"{{"device": "{device}"}}"#)));
        image::open(out).expect("a picture").to_rgb8()
    });
    let apart = painted[0].as_raw().iter().zip(painted[1].as_raw()).map(|(a, b)| f64::from(a.abs_diff(*b)));
    let mean = apart.sum::<f64>() / painted[0].as_raw().len() as f64;
    assert!(mean < 1.0, "values differ by {mean} in the mean");
}

#[test]
fn a_device_that_is_lost_is_an_error() {
    // Before the first evaluation, and in the middle of the optimisation.
    for after in ["4", "150"] {
        refused(&["was lost", "--device cpu"], |c| {
            _ = c.args(["--iterations", "200"]).env("FAULTY_LOST_AFTER", after)
        });
    }
}

#[test]
fn wrong_values_are_an_error_before_the_job_begins() {
    refused(&["computes wrong values", "--device cpu"], |c| _ = c.env("FAULTY_SKIP", "97"));
}

#[test]
fn without_a_loader_or_a_driver_the_error_says_what_to_install() {
    let empty = tempfile::tempdir().expect("a folder");
    std::fs::write(empty.path().join("libvulkan.so.1"), "no library").expect("written");
    refused(&["there is no Vulkan loader", "libvulkan1"], |c| _ = c.env("LD_LIBRARY_PATH", empty.path()));
    refused(&["install the card's driver"], |c| _ = c.env("VK_ICD_FILENAMES", "/nonesuch.json"));
    let card = |c: &mut Command| _ = c.args(["--device", "webgpu:1"]);
    let (output, _) = attempt("cpu", card);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[test]
fn a_program_is_not_chosen_by_itself_and_a_slow_card_only_if_nothing_is_faster() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |set: &dyn Fn(&mut Command)| {
        job("auto", 48, 2, |command| {
            command.env("XDG_CACHE_HOME", folder.path());
            set(command);
        })
    };
    let cards = folder.path().join("impasto").join("graphics-cards.json");
    assert_eq!(run(&|_| ()).report["device"], "cpu");
    assert!(!cards.exists());
    // A card, as its driver says, but it is not fast.
    let as_card =
        |command: &mut Command| _ = command.env("FAULTY_KIND", "1").env("FAULTY_NAME", "Some Graphics");
    assert_eq!(run(&as_card).report["device"], "cpu");
    let mut kept: Value = serde_json::from_slice(&std::fs::read(&cards).expect("kept")).expect("JSON");
    let (key, outcome) = kept.as_object_mut().expect("cards").iter_mut().next().expect("a card");
    assert!(key.contains("Some Graphics") && key.contains("compact"), "{key}");
    assert!(outcome["times_as_fast"].as_f64().is_some_and(|times| times < 1.0), "{outcome}");
    outcome["times_as_fast"] = 3.into();
    std::fs::write(&cards, kept.to_string()).expect("written");
    assert_eq!(run(&as_card).report["device"], "webgpu");
}

#[test]
fn wrong_values_make_auto_take_the_processor() {
    let (output, is_written) = attempt("auto", |command| {
        command.env("FAULTY_KIND", "2").env("FAULTY_NAME", "Some Graphics").env("FAULTY_SKIP", "97");
    });
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && is_written, "{said}");
    assert!(said.contains("computes wrong values") && said.contains("the processor is used"), "{said}");
}

/// The driver says that there is more memory than there is.
#[test]
fn a_card_that_runs_out_of_memory_gets_smaller_tiles() {
    let run = |device: &str| {
        job(device, 192, 1, |command| {
            command.args(SHALLOW).env("FAULTY_HEAP", "900000000000").env("FAULTY_KIND", "2");
            command.env("FAULTY_MEMORY", "36000000");
        })
    };
    let card = run("webgpu");
    assert_eq!(card.report["tile"], 128);
    assert!(card.said.contains("not enough memory; the size is begun again, in tiles of"), "{}", card.said);
    assert!(card.count("refused") > 0 && card.count("peak") <= 36_000_000, "{}", card.counts);
    let (a, b) = (run("cpu").losses()[0], card.losses()[0]);
    assert!((a - b).abs() < 1e-3 * a, "{a} {b}");
}

/// Where not even the smallest tile has memory, the message says so and nothing is written.
#[test]
fn a_card_without_memory_is_an_error() {
    let (output, is_written) = attempt("webgpu", |command| _ = command.env("FAULTY_MEMORY", "16000000"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(7) && !is_written, "{output:?}");
    assert!(said.contains("not enough memory") && said.contains("smaller size"), "{said}");
}

#[test]
fn a_card_with_small_limits_gets_tiles() {
    let bound = |bytes: &str| {
        plan("2400", |command| _ = command.args(["--max-memory", "900G"]).env("FAULTY_BINDING", bytes))
    };
    assert!(bound("2147483648").contains("expected, no tiles"));
    // The least that WebGPU asks of a card; the first activations of this picture have twice of it.
    assert!(bound("134217728").contains("expected, tiles of"));
    // A card of its own with little memory, as its driver says.
    let small = plan("600", |command| {
        command.env("FAULTY_HEAP", "300000000").env("FAULTY_KIND", "2").env("FAULTY_NAME", "Some Graphics");
    });
    assert!(small.contains("expected, tiles of"), "{small}");
}
