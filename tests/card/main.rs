//! What runs on a CUDA card, on the fake one of `cargo xtask test-card`: ONNX Runtime's own CUDA provider decides which nodes
//! it takes, copies, asks for memory and launches its kernels, and libraries in the place of NVIDIA's do in the computer's
//! memory what those kernels are called. So where a node runs, what is copied, how much memory there is at a time, and that
//! the right values come out of the right places, is as on a card; its speed and its kernels' own arithmetic are not told.

mod jobs;

use std::path::{Path, PathBuf};
use std::process::Command;

use jobs::{Job, SHALLOW, kinds, sample, succeed};

/// The folder with ONNX Runtime and the fake libraries.
fn card() -> PathBuf {
    let folder = std::env::var_os("IMPASTO_TEST_CARD").map(PathBuf::from);
    folder.expect("IMPASTO_TEST_CARD is not set; these tests are run by `cargo xtask test-card`")
}

/// The command, on a machine with the fake card.
fn impasto(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_impasto"));
    command.env("IMPASTO_ONNXRUNTIME", card()).env("LD_LIBRARY_PATH", card());
    command.env("FAKE_CARD_COUNTS", folder.join("counts.json"));
    command
}

fn job(device: &str, size: u32, evaluations: u32, set: impl FnOnce(&mut Command)) -> Job {
    jobs::job(impasto, device, size, evaluations, set)
}

#[test]
fn no_node_of_the_objective_or_the_optimiser_runs_on_the_cpu() {
    let folder = tempfile::tempdir().expect("a folder");
    for model in ["compact", "vgg19-random"] {
        let output = succeed(impasto(folder.path()).args(["devices", "--nodes", model]));
        let text = String::from_utf8(output.stdout).expect("text");
        let (_, card) = text.split_once("cuda:0").expect("a card");
        assert!(card.trim_start().starts_with("works"), "{text}");
        let nodes: Vec<&str> = card.lines().filter(|line| line.contains("ExecutionProvider")).collect();
        assert!(nodes.len() == 1 && nodes[0].ends_with("on CUDAExecutionProvider"), "{text}");
        let count: usize = nodes[0].split_whitespace().next().and_then(|n| n.parse().ok()).expect("a number");
        assert!(count > 150, "{text}");
    }
}

/// The way to the same picture as on the CPU, and on it only factors, dots and losses cross over: a node on the CPU, whose
/// values would, is seen here for settings that `devices` does not try.
#[test]
fn a_job_paints_what_the_cpu_paints_and_copies_next_to_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    for kind in kinds(folder.path()) {
        let run = |device: &str, evaluations: u32| {
            job(device, 93, evaluations, |command| {
                command.args(&kind).arg("--no-tf32");
            })
        };
        let (cpu, few, more) = (run("cpu", 5), run("cuda", 5), run("cuda", 11));
        assert_eq!(few.report["device"], "cuda:0");
        let (a, b) = (cpu.losses(), few.losses());
        // Pairs are in single precision there and in half of it here, so the ways part.
        for (at, tolerance) in [(0, 1e-4), (1, 1e-3), (4, 5e-2)] {
            assert!((a[at] - b[at]).abs() < tolerance * a[at], "{kind:?}: {at}: {} and {}", a[at], b[at]);
        }
        let (mean, _) = few.apart(&cpu);
        assert!(mean < 1.5, "{kind:?}: values differ by {mean} in the mean");
        let more_evaluations = (more.losses().len() - b.len()) as i64;
        assert!(more_evaluations >= 5, "{kind:?}");
        let of_one = |what: &str| (more.count(what) - few.count(what)) / more_evaluations;
        // A hundred bytes for each dot and factor would be too many; one picture of activations has 100 kB.
        assert!(of_one("to_card") < 2000 && of_one("from_card") < 2000, "{kind:?}: {}", more.counts);
        assert!(of_one("kernels") > 100, "{kind:?}: {}", more.counts);
    }
}

#[test]
fn tiles_paint_what_the_whole_picture_does_on_the_cpu() {
    let folder = tempfile::tempdir().expect("a folder");
    for kind in kinds(folder.path()) {
        let run = |device: &str, tile: &[&str]| {
            job(device, 150, 4, |command| {
                command.args(&kind).args(tile).args(SHALLOW).arg("--no-tf32");
            })
        };
        let (whole, tiled) = (run("cpu", &[]), run("cuda", &["--tile-size", "64"]));
        assert_eq!(tiled.report["tile"], 64);
        for (a, b) in whole.losses().iter().zip(tiled.losses()) {
            assert!((a - b).abs() < 1e-3 * a, "{kind:?}: {a} {b}");
        }
        let (mean, _) = tiled.apart(&whole);
        assert!(mean < 0.2, "{kind:?}: {mean}");
    }
}

/// TF32 is for convolutions and Gram matrices, if it is not turned off; what is left then is the small convolution that tries
/// the card.
#[test]
fn tf32_is_a_choice() {
    let (with, without) = (job("cuda", 64, 3, |_| ()), job("cuda", 64, 3, |c| _ = c.arg("--no-tf32")));
    assert!(with.count("tf32") > 50, "{}", with.counts);
    assert_eq!(without.count("tf32"), 1);
    let (rounded, exact) = (with.losses()[0], without.losses()[0]);
    assert!(rounded != exact && (rounded / exact - 1.0).abs() < 1e-3, "{rounded} {exact}");
}

/// Square roots of covariances fail with TF32's rounding: on an H100 the first loss of VGG16's moments was not a number.
#[test]
fn moments_are_computed_in_full_precision() {
    for tile in [&[][..], &["--tile-size", "64"]] {
        let moments = job("cuda", 93, 3, |c| _ = c.args(["--style-loss", "moments"]).args(tile));
        assert_eq!(moments.count("tf32"), 1, "{tile:?}: {}", moments.counts);
    }
}

/// A level whose border poolings leave over has two parts, and the second takes L-BFGS's pairs from the card and back to it: its
/// first step is no leap. On two photographs, after 20, 30 and 40 evaluations, it led to 0.76 to 1.3 times the loss, and to 2.7
/// to 4.3 times without scale and pairs.
#[test]
fn the_second_part_of_a_level_goes_on_with_the_pairs_of_the_first() {
    for device in ["cpu", "cuda"] {
        let losses = job(device, 93, 30, |c| _ = c.arg("--no-tf32")).losses();
        let (first, second) = losses.split_at(20);
        let lowest = first.iter().copied().fold(f64::INFINITY, f64::min);
        assert!(second[0] < 2.0 * lowest && second[1] < 1.8 * second[0], "{device}: {losses:?}");
    }
}

/// Memory is asked for by the first evaluations, and none after them.
#[test]
fn later_evaluations_ask_for_no_memory() {
    // Poolings divide this size, so that its one level is not divided.
    let run = |evaluations| job("cuda", 48, evaluations, |_| ());
    let (few, more) = (run(26), run(32));
    assert!(more.losses().len() > few.losses().len());
    assert_eq!(more.count("allocations"), few.count("allocations"));
    assert_eq!(more.count("live"), 0);
}

#[test]
fn a_budget_is_kept_on_the_card() {
    let run = |set: fn(&mut Command)| job("cuda", 500, 2, |command| set(command.args(SHALLOW)));
    let enough = run(|_| ());
    assert!(enough.report["tile"].is_null());
    let budget = 160_000_000;
    assert!(enough.count("peak") > budget, "{}", enough.counts);
    let tight = run(|command| {
        command.args(["--max-memory", "160000000"]);
    });
    assert!(!tight.report["tile"].is_null());
    assert!(tight.count("peak") < budget, "{}", tight.counts);
    // Without a budget, most of what the driver says is free.
    let shared = run(|command| {
        command.env("FAKE_CARD_FREE", "160000000");
    });
    assert!(!shared.report["tile"].is_null());
    assert!(shared.count("peak") < budget, "{}", shared.counts);
}

/// CUDA counts cards in an order of its own; here NVML knows another card before the one that computes.
#[test]
fn the_memory_that_is_planned_for_is_that_of_the_card_that_computes() {
    let run = |free: &str, other: &str| {
        job("cuda", 500, 2, |command| {
            command.args(SHALLOW).env("FAKE_CARD_FREE", free).env("FAKE_CARD_OTHER_FREE", other);
        })
    };
    assert!(run("8000000000", "100000000").report["tile"].is_null());
    assert!(!run("150000000", "8000000000").report["tile"].is_null());
}

/// Another program took the memory between the driver's answer and the job.
#[test]
fn a_card_that_runs_out_of_memory_gets_smaller_tiles() {
    let run = |device: &str| {
        job(device, 300, 3, |command| {
            command.env("FAKE_CARD_MEMORY", "40000000").env("FAKE_CARD_FREE", "8000000000");
            command.args(SHALLOW).arg("--no-tf32");
        })
    };
    let (cpu, card) = (run("cpu"), run("cuda"));
    assert!(card.report["tile"].as_u64().is_some_and(|tile| tile < 300), "{}", card.report["tile"]);
    assert!(card.said.contains("not enough memory; the size is begun again, in tiles of"), "{}", card.said);
    assert!(card.count("peak") <= 40_000_000 && card.count("live") == 0, "{}", card.counts);
    let (mean, _) = card.apart(&cpu);
    assert!(mean < 0.2, "{mean}");
}

/// Where not even the smallest tile has room, the message says so and nothing is written.
#[test]
fn a_card_with_no_memory_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out.png");
    let mut command = impasto(folder.path());
    command.arg(sample("cat.png")).arg(sample("whirls.jpg")).arg("-o").arg(&out);
    command.args(["--size", "200", "--device", "cuda", "--quiet"]);
    command.env("FAKE_CARD_MEMORY", "3000000").env("FAKE_CARD_FREE", "8000000000");
    let output = command.output().expect("the command starts");
    assert!(!output.status.success() && !out.exists());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("memory"), "{errors}");
}

#[test]
fn a_card_that_is_not_there_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = impasto(folder.path());
    command.arg(sample("cat.png")).arg(sample("whirls.jpg")).arg("-o").arg(folder.path().join("out.png"));
    let output = command.args(["--size", "64", "--device", "cuda:3"]).output().expect("the command starts");
    assert!(!output.status.success());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("cuda:3") && errors.contains("--device cpu"), "{errors}");
    assert!(errors.contains("CUDA sees one card, cuda:0"), "{errors}");
}

#[test]
fn options_that_the_environment_names_reach_the_provider() {
    let with = |options: &str| {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = impasto(folder.path());
        command.arg(sample("cat.png")).arg(sample("whirls.jpg")).arg("-o").arg(folder.path().join("out.png"));
        command.args(["--size", "64", "--iterations", "2", "--device", "cuda", "--quiet"]);
        command.env("IMPASTO_PROVIDER_OPTIONS", options).output().expect("the command starts")
    };
    assert!(with("do_copy_in_default_stream=1,use_ep_level_unified_stream=0").status.success());
    let unknown = with("no_such_option=1");
    assert!(!unknown.status.success());
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("no_such_option"), "{unknown:?}");
}

#[test]
fn without_a_word_the_card_is_taken() {
    assert_eq!(job("auto", 64, 2, |_| ()).report["device"], "cuda:0");
}
