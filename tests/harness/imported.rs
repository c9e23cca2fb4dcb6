//! Models from files that other programs wrote (tests/python/make_fixtures.py).

use impasto::onnx::{self, Model, Pooling, Spec, objective};

use super::common::{Run, Values, fixture, folder, impasto, noise, succeed};

const SIZE: [usize; 4] = [1, 3, 51, 70];

fn taps_of(model: &Model) -> Values {
    let style = ["relu1_1", "relu2_2", "relu3_4", "relu5_1"].map(String::from).to_vec();
    let content = vec!["relu4_2".to_string()];
    let spec = Spec { style, content, total_variation: false, pooling: Pooling::Max, masked: false };
    let graph = objective::features(model, &spec, None).expect("features");
    Run::new(&graph).with(&[("picture", &SIZE, &noise(SIZE.iter().product(), 4))])
}

#[test]
fn an_onnx_export_equals_the_safetensors_file_of_the_same_weights() {
    let wanted = onnx::read(&fixture("narrow.safetensors")).expect("safetensors");
    assert_eq!(wanted.taps.len(), 16);
    let values = taps_of(&wanted);
    for name in ["narrow-old.onnx", "narrow-new.onnx"] {
        let model = onnx::read(&fixture(name)).unwrap_or_else(|e| panic!("{e}"));
        let channels =
            |m: &Model| m.taps.iter().map(|(n, t)| (n.clone(), t.channels, t.block)).collect::<Vec<_>>();
        assert_eq!(channels(&model), channels(&wanted), "{name}");
        for (output, (dims, got)) in taps_of(&model) {
            let (wanted_dims, wanted) = &values[&output];
            assert_eq!(&dims, wanted_dims);
            let largest = wanted.iter().fold(0.0f32, |m, v| m.max(v.abs()));
            let worst = got.iter().zip(wanted).fold(0.0f32, |m, (a, b)| m.max((a - b).abs()));
            assert!(largest > 0.0 && worst <= 1e-5 * largest, "{name} {output}: {worst} of {largest}");
        }
    }
}

#[test]
fn import_keeps_a_model_under_a_name() {
    let home = folder();
    let with_home = || {
        let mut command = impasto();
        command.env("XDG_DATA_HOME", home.path()).env("HOME", home.path());
        command
    };
    succeed(with_home().args(["model", "import"]).arg(fixture("narrow-old.onnx")).args(["--name", "mine"]));
    let list = succeed(with_home().args(["model", "list"])).stdout;
    assert!(String::from_utf8_lossy(&list).lines().any(|l| l.starts_with("mine ")));
    let info = succeed(with_home().args(["model", "info", "mine"])).stdout;
    assert!(String::from_utf8_lossy(&info).contains("relu5_4 (8)"));
}
