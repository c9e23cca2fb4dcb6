//! What the command makes when all is well.

use std::path::Path;

use impasto::Picture;
use serde_json::Value;

use super::common::{folder, impasto, names, quick, sample, succeed};

fn json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).expect("a report");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn writes_picture_plot_report_and_pictures_on_the_way() {
    let to = folder();
    let at = |name: &str| to.path().join(name);
    succeed(
        quick(&at("out.png"))
            .args(["--save-every", "3", "--plot"])
            .arg(at("loss.svg"))
            .arg("--report")
            .arg(at("report.json")),
    );
    assert_eq!(names(to.path()), ["loss.svg", "out-0003.png", "out-0006.png", "out.png", "report.json"]);
    let picture = Picture::read(&at("out.png")).expect("a picture");
    assert_eq!((picture.width(), picture.height()), (64, 43));
    let report = json(&at("report.json"));
    assert_eq!(report["losses"].as_array().expect("losses").len(), 6);
    assert!(report["loss"].as_f64() < report["first_loss"].as_f64());
    assert_eq!(report["model"], "compact");
    let plot = std::fs::read_to_string(at("loss.svg")).expect("a plot");
    for part in ["<svg", "style/relu1_1", "content/relu4_2"] {
        assert!(plot.contains(part), "the plot has no {part}");
    }
}

#[test]
fn nothing_is_left_in_the_user_s_folders() {
    let (home, to) = (folder(), folder());
    let library = ::impasto::runtime::load().expect("ONNX Runtime");
    let mut job = quick(&to.path().join("out.png"));
    job.env(::impasto::runtime::LIBRARY_VARIABLE, library);
    for variable in ["HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "LOCALAPPDATA", "APPDATA"]
    {
        job.env(variable, home.path());
    }
    succeed(&mut job);
    assert_eq!(names(home.path()), [""; 0]);
    assert_eq!(names(to.path()), ["out.png"]);
}

#[test]
fn the_saved_picture_has_the_loss_that_is_reported() {
    let to = folder();
    let (out, report) = (to.path().join("out.png"), to.path().join("report.json"));
    succeed(quick(&out).args(["--size", "128", "--iterations", "80", "--report"]).arg(&report));
    let mut score = impasto();
    score
        .arg("score")
        .arg(&out)
        .arg("--content")
        .arg(sample("cat.png"))
        .arg("--style")
        .arg(sample("whirls.jpg"));
    let output = succeed(score.args(["--size", "128", "--device", "cpu"])).stdout;
    let output = String::from_utf8_lossy(&output).into_owned();
    let scored: f64 = output
        .lines()
        .next()
        .and_then(|l| l.strip_prefix("loss "))
        .expect("a loss")
        .parse()
        .expect("a number");
    let report = json(&report);
    let said = report["loss"].as_f64().expect("a loss");
    assert!((scored / said - 1.0).abs() < 1e-3, "the report says {said}, the file has {scored}");
    let lowest = report["losses"]
        .as_array()
        .expect("losses")
        .iter()
        .filter_map(Value::as_f64)
        .fold(f64::INFINITY, f64::min);
    assert!((scored / lowest - 1.0).abs() < 0.02, "optimised to {lowest}, the file has {scored}");
    assert!(scored < report["first_loss"].as_f64().expect("a loss") / 100.0);
}

#[test]
fn the_same_seed_and_threads_give_the_same_file() {
    let to = folder();
    let make = |name: &str, more: &[&str]| {
        let out = to.path().join(name);
        succeed(quick(&out).args(["--init", "noise"]).args(more));
        std::fs::read(out).expect("a picture")
    };
    let (first, again, other) = (make("a.png", &[]), make("b.png", &[]), make("c.png", &["--seed", "1"]));
    assert_eq!(first, again);
    assert_ne!(first, other);
}

#[test]
fn json_lines_tell_all_of_the_job() {
    let to = folder();
    let output = succeed(quick(&to.path().join("out.png")).args(["--progress", "json"])).stdout;
    let lines: Vec<Value> = String::from_utf8_lossy(&output)
        .lines()
        .map(|l| serde_json::from_str(l).expect("a JSON line"))
        .collect();
    let progress: Vec<&Value> = lines.iter().filter(|l| l["event"] == "progress").collect();
    assert_eq!(progress.len(), 6);
    assert_eq!((&progress[5]["evaluations"], &progress[5]["planned"]), (&6.into(), &6.into()));
    assert_eq!(lines.last().expect("lines")["event"], "done");
}

#[test]
fn parameters_come_from_a_file_and_options_go_before_it() {
    let to = folder();
    let (params, report) = (to.path().join("p.json"), to.path().join("r.json"));
    std::fs::write(&params, r#"{"version": 1, "style_weight": 0.5, "tv_weight": 3, "iterations": 50}"#)
        .expect("written");
    succeed(quick(&to.path().join("out.jpg")).arg("--params").arg(&params).arg("--report").arg(&report));
    let settings = &json(&report)["settings"];
    assert_eq!(
        (&settings["style_weight"], &settings["tv_weight"], &settings["iterations"]),
        (&0.5.into(), &3.0.into(), &6.into())
    );
}

#[test]
fn the_paper_s_preset_is_the_paper_s_method() {
    let to = folder();
    let report = to.path().join("r.json");
    let mut job = quick(&to.path().join("out.png"));
    succeed(
        job.args(["--preset", "gatys", "--model", "vgg19-random", "--iterations", "1", "--report"])
            .arg(&report),
    );
    let report = json(&report);
    let taps = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"];
    assert_eq!(report["settings"]["style_taps"], serde_json::json!(taps));
    assert_eq!(report["settings"]["content_taps"], serde_json::json!(["relu4_2"]));
    assert_eq!(report["settings"]["init"], "content");
    assert_eq!(
        (&report["settings"]["style_weight"], &report["settings"]["content_weight"]),
        (&1.0.into(), &1.0.into())
    );
}

#[test]
fn help_completions_and_man_page_are_there() {
    for arguments in [&["--help"][..], &["completions", "bash"], &["man"], &["model", "info"], &["devices"]] {
        assert!(succeed(impasto().args(arguments)).stdout.len() > 100, "{arguments:?}");
    }
}
