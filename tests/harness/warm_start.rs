//! Jobs that go on from the result of another one.

use std::path::Path;

use super::common::{folder, impasto, quick, stderr, succeed};

fn parsed(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(path).expect("a report")).expect("JSON")
}

#[test]
fn a_job_goes_on_from_its_result() {
    let to = folder();
    let (first, report) = (to.path().join("first.png"), to.path().join("first.json"));
    succeed(quick(&first).args(["--style-weight", "0.7", "--colours", "matched", "--report"]).arg(&report));
    let before = std::fs::read(&first).expect("a picture");
    let (second, next) = (to.path().join("second.png"), to.path().join("second.json"));
    let mut more = impasto();
    // The report may be read from another folder.
    more.current_dir(to.path()).args(["--resume", "first.json", "-o", "second.png", "--iterations", "20"]);
    succeed(more.args(["--device", "cpu", "--quiet", "--report", "second.json"]));
    let (done, went_on) = (parsed(&report), parsed(&next));
    assert_eq!(went_on["settings"]["style_weight"], 0.7);
    assert_eq!(went_on["settings"]["colours"], "matched");
    assert_eq!(went_on["settings"]["init"], "picture");
    assert_eq!(went_on["levels"].as_array().expect("levels").len(), 1);
    assert_eq!(went_on["files"]["content"], done["files"]["content"]);
    assert_eq!(went_on["size"], done["size"]);
    // It starts where the other one ended, and gets further.
    let number = |v: &serde_json::Value| v.as_f64().expect("a number");
    let (end, start) = (number(&done["loss"]), number(&went_on["first_loss"]));
    assert!((start / end - 1.0).abs() < 0.05, "{end} {start}");
    assert!(number(&went_on["loss"]) < 0.9 * end, "{end} {}", went_on["loss"]);
    assert_eq!(std::fs::read(&first).expect("a picture"), before);
    assert!(second.is_file());
    // Over its own start nothing is written, and what is no report is refused.
    for (report, out, code) in
        [("first.json", "first.png", 2), ("first.png", "x.png", 2), ("no.json", "x.png", 2)]
    {
        let mut bad = impasto();
        let output =
            bad.current_dir(to.path()).args(["--resume", report, "-o", out]).output().expect("it starts");
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        assert!(stderr(&output).contains(report) || stderr(&output).contains(out), "{}", stderr(&output));
    }
}

#[test]
fn with_what_the_optimiser_had_learnt_nothing_is_lost() {
    let to = folder();
    let at = |name: &str| to.path().join(name);
    let losses = |name: &str| -> Vec<f64> {
        let report = parsed(&at(name));
        report["losses"].as_array().expect("losses").iter().filter_map(|v| v.as_f64()).collect()
    };
    let lowest = |losses: &[f64]| losses.iter().copied().fold(f64::INFINITY, f64::min);
    let job = |name: &str, iterations: &str, more: &[&str]| {
        let mut command = quick(&at(&format!("{name}.png")));
        // Poolings divide this size, so that its one level is not divided.
        command.args(["--size", "48", "--levels", "1", "--iterations", iterations, "--report"]);
        succeed(command.arg(at(&format!("{name}.json"))).args(more));
    };
    job("whole", "60", &[]);
    // Later the loss falls so slowly that the processor's rounding decides what the history is worth.
    job("half", "20", &["--keep-history"]);
    job("plain", "20", &[]);
    assert!(at("half.history.safetensors").is_file() && !at("plain.history.safetensors").exists());
    let resume = |from: &str, name: &str, more: &[&str]| {
        let mut command = impasto();
        command
            .arg("--resume")
            .arg(at(from))
            .arg("-o")
            .arg(at(&format!("{name}.png")))
            .args(["--iterations", "7"]);
        command
            .args(["--device", "cpu", "--threads", "2", "--quiet", "--report"])
            .arg(at(&format!("{name}.json")));
        command.args(more).output().expect("the command starts")
    };
    for (from, name, more) in [
        ("half.json", "with", &[][..]),
        ("plain.json", "without", &[]),
        // What was learnt of another loss is of no use, and no harm.
        ("half.json", "other", &["--style-weight", "0.5"]),
    ] {
        let output = resume(from, name, more);
        assert!(output.status.success(), "{}", stderr(&output));
    }
    let (whole, with, without) = (losses("whole.json"), losses("with.json"), losses("without.json"));
    assert!((with[0] / lowest(&whole[..20]) - 1.0).abs() < 0.02, "{} {}", with[0], lowest(&whole[..20]));
    let (on, at_once) = (lowest(&with), lowest(&whole[..27]));
    assert!(on < 1.1 * at_once && on < 0.95 * lowest(&without), "{on} {at_once} {}", lowest(&without));
    assert_eq!(losses("other.json").len(), 7);

    // What is no such file, or not all of it, is refused by name.
    let kept = at("half.history.safetensors");
    let whole = std::fs::read(&kept).expect("what was kept");
    for broken in [&b"nothing"[..], &whole[..whole.len() - 7]] {
        std::fs::write(&kept, broken).expect("a file");
        let output = resume("half.json", "broken", &[]);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains("half.history.safetensors"), "{}", stderr(&output));
        assert!(!at("broken.png").exists());
    }
    // It may be deleted.
    std::fs::remove_file(&kept).expect("removed");
    let output = resume("half.json", "deleted", &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    // Without a report there is no place for it.
    let output = quick(&at("x.png")).arg("--keep-history").output().expect("the command starts");
    assert_eq!(output.status.code(), Some(2));
}
