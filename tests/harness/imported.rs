//! Models from files that other programs wrote (tests/python/make_fixtures.py).

use impasto::onnx::{self, Model, Pooling, Size, Spec, objective};

use super::common::{Run, Values, fixture, folder, impasto, noise, stderr, succeed};

const SIZE: [usize; 4] = [1, 3, 51, 70];

fn taps_of(model: &Model) -> Values {
    let style = ["relu1_1", "relu2_2", "relu3_4", "relu5_1"].map(String::from).to_vec();
    let content = vec!["relu4_2".to_string()];
    let spec = Spec { style, content, pooling: Pooling::Max, ..Spec::default() };
    let graph = objective::features(model, &spec, Size::Any).expect("features");
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
            |m: &Model| m.taps.iter().map(|t| (t.name.clone(), t.channels, t.block)).collect::<Vec<_>>();
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

/// The command, with an empty home.
fn in_home(home: &std::path::Path) -> std::process::Command {
    let mut command = impasto();
    command.env("XDG_DATA_HOME", home).env("HOME", home);
    command
}

#[test]
fn import_keeps_a_model_under_a_name() {
    let home = folder();
    let with_home = || in_home(home.path());
    succeed(with_home().args(["model", "import"]).arg(fixture("narrow-old.onnx")).args(["--name", "mine"]));
    let list = succeed(with_home().args(["model", "list"])).stdout;
    assert!(String::from_utf8_lossy(&list).lines().any(|l| l.starts_with("mine ")));
    let info = succeed(with_home().args(["model", "info", "mine"])).stdout;
    assert!(String::from_utf8_lossy(&info).contains("relu5_4 (8)"));
}

/// The same weights, of which it is said that they want Caffe's preprocessing.
fn as_caffe(to: &std::path::Path) -> std::path::PathBuf {
    let bytes = std::fs::read(fixture("narrow.safetensors")).expect("a fixture");
    let tensors = safetensors::SafeTensors::deserialize(&bytes).expect("safetensors");
    let metadata = [("mean".to_string(), "123.68,116.779,103.939".to_string())].into();
    let path = to.join("caffe.safetensors");
    safetensors::serialize_to_file(tensors.tensors(), Some(metadata), &path).expect("written");
    path
}

#[test]
fn checkpoints_and_keras_weights_equal_the_safetensors_file_of_the_same_weights() {
    let to = folder();
    let (own, caffe) = (fixture("narrow.safetensors"), as_caffe(to.path()));
    for (file, like) in
        [("narrow-legacy.pth", &own), ("narrow-archive.pth", &own), ("narrow-keras.safetensors", &caffe)]
    {
        let model = onnx::read(&fixture(file)).unwrap_or_else(|e| panic!("{e}"));
        let wanted = onnx::read(like).expect("safetensors");
        assert_eq!(model.taps.len(), 16, "{file}");
        for (a, b) in model.manifest.mean.iter().zip(wanted.manifest.mean) {
            assert!((a - b).abs() < 1e-6, "{file}");
        }
        assert_eq!(taps_of(&model), taps_of(&wanted), "{file}");
    }
}

#[test]
fn what_is_imported_from_a_checkpoint_is_small_and_described() {
    let home = folder();
    let with_home = || in_home(home.path());
    let file = fixture("narrow-legacy.pth");
    succeed(with_home().args(["model", "import"]).arg(&file).args(["--name", "mine"]));
    succeed(with_home().args(["model", "import", "--preprocessing", "caffe", "--name", "other"]).arg(&file));
    let info = |name: &str| {
        let out = succeed(with_home().args(["model", "info", name])).stdout;
        String::from_utf8(out).expect("UTF-8")
    };
    let mine = info("mine");
    assert!(mine.contains("relu5_1 (8)") && !mine.contains("relu5_2"), "{mine}");
    let sha256 = mine.lines().find_map(|l| l.strip_prefix("SHA-256     ")).expect("a hash");
    assert_eq!(sha256.len(), 64);
    assert!(mine.contains("mine.safetensors (") && mine.contains("[0.485, 0.456, 0.406]"), "{mine}");
    assert!(info("other").contains("0.48501"), "{}", info("other"));
    let list = String::from_utf8(succeed(with_home().args(["model", "list"])).stdout).expect("UTF-8");
    assert!(list.lines().any(|l| l.starts_with("mine ") && l.contains("licence not known")), "{list}");
    assert!(list.lines().any(|l| l.starts_with("compact ") && l.contains("built in")), "{list}");
}

#[test]
fn a_checkpoint_that_is_broken_or_evil_is_refused_and_runs_nothing() {
    let to = folder();
    let whole = std::fs::read(fixture("narrow-legacy.pth")).expect("a fixture");
    let witness = to.path().join("witness");
    // A pickle that would call os.system.
    let mut evil = b"\x80\x02cposix\nsystem\nq\x00X".to_vec();
    let call = format!("touch {}", witness.display());
    evil.extend((call.len() as u32).to_le_bytes());
    evil.extend(call.as_bytes());
    evil.extend(b"q\x01\x85q\x02Rq\x03.");
    for (name, bytes) in [
        ("vgg19-dcbb9e9d.pth", whole.clone()),
        ("cut.pth", whole[..whole.len() / 2].to_vec()),
        ("few.pth", whole[..40].to_vec()),
        ("empty.pth", Vec::new()),
        ("text.pth", b"this is no checkpoint".to_vec()),
        ("evil.pth", evil),
    ] {
        let path = to.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        let output = in_home(to.path()).args(["model", "import"]).arg(&path).output().expect("it starts");
        assert_eq!(output.status.code(), Some(4), "{name}: {}", stderr(&output));
        assert!(stderr(&output).contains(name), "{}", stderr(&output));
    }
    assert!(!witness.exists() && !to.path().join("impasto").join("models").exists());
}
