//! Models from files that other programs wrote (tests/python/make_fixtures.py).

use std::path::Path;

use impasto::onnx::graph::{Attr, Graph, Tensor};
use impasto::onnx::{self, GraphTarget, Model, ObjectiveSpec, Pooling, objective};

use super::common::{Run, Values, fixture, folder, impasto, noise, quick, stderr, succeed};
use super::networks::{between, bytes, graphs, imported, network, node};

const SIZE: [usize; 4] = [1, 3, 51, 70];

fn taps_of(model: &Model) -> Values {
    let style = ["relu1_1", "relu2_2", "relu3_4", "relu5_1"].map(String::from).to_vec();
    let content = vec!["relu4_2".to_string()];
    let spec = ObjectiveSpec { style, content, pooling: Pooling::Max, ..ObjectiveSpec::default() };
    let graph = objective::features(model, &spec, GraphTarget::Any).expect("features");
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

type Change = &'static dyn Fn(&mut Graph);

fn ints(values: &[i64]) -> Attr {
    Attr::Ints(values.to_vec())
}

fn set(graph: &mut Graph, name: &str, attribute: &str, value: Attr) {
    node(graph, name).attrs.insert(attribute.to_string(), value);
}

/// Nodes that cannot run, or cannot be differentiated, each with the name that the error must tell.
const BROKEN: &[(&str, Change)] = &[
    ("conv2_1", &|g| node(g, "conv2_1").inputs.truncate(1)),
    ("conv2_1", &|g| node(g, "conv2_1").inputs.clear()),
    ("conv2_1", &|g| node(g, "conv2_1").inputs[1].clear()),
    ("conv2_1", &|g| node(g, "conv2_1").inputs[1] = "nowhere".into()),
    ("conv2_1", &|g| node(g, "conv2_1").inputs[1] = "w1_1".into()),
    ("conv2_1", &|g| node(g, "conv2_1").inputs[1] = "b2_1".into()),
    ("conv2_1", &|g| node(g, "conv2_1").inputs[1] = "pool1".into()),
    ("conv2_1", &|g| node(g, "conv2_1").inputs[2] = "b1_1".into()),
    ("conv2_1", &|g| node(g, "conv2_1").inputs.push("b2_1".into())),
    // A node without an output is no part of the network; the next one misses it.
    ("relu2_1", &|g| node(g, "conv2_1").outputs.clear()),
    ("conv2_1", &|g| set(g, "conv2_1", "pads", ints(&[1]))),
    ("conv2_1", &|g| set(g, "conv2_1", "pads", Attr::Int(1))),
    ("conv2_1", &|g| set(g, "conv2_1", "pads", ints(&[-1, 1, 3, 1]))),
    ("conv2_1", &|g| set(g, "conv2_1", "pads", ints(&[i64::MAX; 4]))),
    ("conv2_1", &|g| set(g, "conv2_1", "strides", ints(&[0, 0]))),
    ("conv2_1", &|g| set(g, "conv2_1", "strides", ints(&[-2, -2]))),
    ("conv2_1", &|g| set(g, "conv2_1", "strides", ints(&[2, 2]))),
    ("conv2_1", &|g| set(g, "conv2_1", "strides", ints(&[]))),
    ("conv2_1", &|g| set(g, "conv2_1", "dilations", ints(&[0, 1]))),
    ("conv2_1", &|g| set(g, "conv2_1", "dilations", ints(&[i64::MAX, i64::MAX]))),
    ("conv2_1", &|g| set(g, "conv2_1", "kernel_shape", ints(&[3]))),
    ("conv2_1", &|g| set(g, "conv2_1", "kernel_shape", ints(&[5, 5]))),
    ("conv2_1", &|g| set(g, "conv2_1", "group", Attr::Int(0))),
    ("conv2_1", &|g| set(g, "conv2_1", "group", Attr::Int(2))),
    ("conv2_1", &|g| set(g, "conv2_1", "auto_pad", Attr::Text("SAME_UPPER".into()))),
    ("conv2_1", &|g| set(g, "conv2_1", "auto_pad", Attr::Text("nonsense".into()))),
    // Smaller activations than the picture's have no place in the losses.
    ("relu2_1", &|g| set(g, "conv2_1", "pads", ints(&[0; 4]))),
    ("relu2_1", &|g| node(g, "relu2_1").inputs.clear()),
    ("relu2_1", &|g| node(g, "relu2_1").inputs[0].clear()),
    ("relu2_1", &|g| node(g, "relu2_1").inputs[0] = "nowhere".into()),
    ("relu2_1", &|g| node(g, "relu2_1").inputs[0] = "relu3_1".into()),
    ("relu2_1", &|g| node(g, "relu2_1").inputs.push("pool1".into())),
    ("relu2_2", &|g| node(g, "relu2_2").outputs = vec!["relu2_1".into()]),
    ("pool1", &|g| node(g, "pool1").inputs.clear()),
    ("pool1", &|g| node(g, "pool1").attrs.clear()),
    ("pool1", &|g| drop(node(g, "pool1").attrs.remove("strides"))),
    ("pool1", &|g| set(g, "pool1", "strides", ints(&[0, 0]))),
    ("pool1", &|g| set(g, "pool1", "ceil_mode", Attr::Int(1))),
    ("pool1", &|g| set(g, "pool1", "pads", ints(&[1; 4]))),
    ("pool1", &|g| {
        set(g, "pool1", "strides", ints(&[3, 3]));
        set(g, "pool1", "kernel_shape", ints(&[3, 3]));
    }),
    ("mine", &|g| _ = between(g, "conv1_1", "Add", "mine")),
    ("mine", &|g| between(g, "conv1_1", "Add", "mine").inputs.push("b2_1".into())),
    ("mine", &|g| between(g, "conv1_1", "Mul", "mine").inputs.push("pool1".into())),
    ("mine", &|g| between(g, "conv1_1", "Sub", "mine").inputs[0].clear()),
    ("mine", &|g| _ = between(g, "conv1_1", "Erf", "mine")),
    ("mine", &|g| _ = between(g, "conv1_1", "Cos", "mine")),
    ("mine", &|g| _ = between(g, "conv1_1", "Concat", "mine")),
    ("mine", &|g| _ = between(g, "conv1_1", "Pad", "mine")),
    ("mine", &|g| transposed(g, Some(&[0, 1, 2, 9]))),
    ("mine", &|g| transposed(g, Some(&[0, 1]))),
    ("mine", &|g| transposed(g, Some(&[0, 1, 2, 2]))),
    ("mine", &|g| transposed(g, Some(&[0, 1, 2, -1]))),
    ("mine", &|g| transposed(g, Some(&[]))),
    ("relu1_1", &|g| transposed(g, Some(&[0, 1, 3, 2]))),
    ("relu1_1", &|g| transposed(g, None)),
    ("mine", &|g| {
        let bound = g.constant("bound", Tensor::f32(&[1], vec![0.0]));
        between(g, "conv1_1", "Clip", "mine").inputs.push(bound);
    }),
    ("mine", &|g| drop(between(g, "conv1_1", "Clip", "mine").attrs.insert("min".into(), Attr::Float(0.0)))),
    ("mine", &|g| {
        let number = g.constant("number", Tensor::i64s(&[1]));
        between(g, "conv1_1", "Add", "mine").inputs.push(number);
    }),
];

fn transposed(graph: &mut Graph, perm: Option<&[i64]>) {
    let node = between(graph, "conv1_1", "Transpose", "mine");
    node.attrs.extend(perm.map(|perm| ("perm".to_string(), ints(perm))));
}

#[test]
fn a_node_that_cannot_run_or_has_no_gradient_is_named_when_the_model_comes_in() {
    assert_eq!(imported(&network()).expect("a model").taps.len(), 4);
    for (at, (name, change)) in BROKEN.iter().enumerate() {
        let mut graph = network();
        change(&mut graph);
        let e = imported(&graph).map(|_| ()).expect_err(&format!("{at}: {name} is broken")).to_string();
        assert!(e.contains("net.onnx") && e.contains(&format!("'{name}'")), "{at}: {e}");
    }
}

#[test]
fn the_command_refuses_a_broken_network_on_import_and_in_a_job() {
    let to = folder();
    let path = to.path().join("broken.onnx");
    let wanted = |output: std::process::Output| {
        assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
        assert!(stderr(&output).contains("broken.onnx: node 'mine' (Transpose)"), "{}", stderr(&output));
    };
    let mut graph = network();
    transposed(&mut graph, Some(&[0, 1, 2, 9]));
    std::fs::write(&path, bytes(&graph)).expect("written");
    wanted(in_home(to.path()).args(["model", "import"]).arg(&path).output().expect("it starts"));
    wanted(quick(&to.path().join("out.png")).arg("--model").arg(&path).output().expect("it starts"));
    assert!(!to.path().join("impasto").join("models").exists());
}

/// Puts a node `Constant` with one attribute in front.
fn constant(graph: &mut Graph, name: &str, attribute: &str, value: Attr) {
    let node = onnx::graph::Node {
        op: "Constant".into(),
        name: name.into(),
        inputs: Vec::new(),
        outputs: vec![name.into()],
        attrs: [(attribute.to_string(), value)].into(),
    };
    graph.nodes.insert(0, node);
}

/// What stands between convolution and ReLU without harm.
const LEGAL: &[Change] = &[
    &|_| (),
    &|g| constant(g, "unused", "value_float", Attr::Float(1.0)),
    &|g| constant(g, "unused", "value_string", Attr::Text("text".into())),
    &|g| constant(g, "unused", "value_ints", ints(&[1, 2])),
    &|g| {
        constant(g, "c", "value_float", Attr::Float(0.5));
        between(g, "conv1_1", "Mul", "mine").inputs.push("c".into());
    },
    &|g| {
        constant(g, "c", "value_floats", Attr::Floats(vec![0.5]));
        between(g, "conv1_1", "Sub", "mine").inputs.insert(0, "c".into());
    },
    &|g| {
        constant(g, "c", "value", Attr::Tensor(Tensor::f32(&[4, 1, 1], vec![0.1, 0.2, 0.3, 0.4])));
        between(g, "conv1_1", "Add", "mine").inputs.push("c".into());
    },
    &|g| {
        constant(g, "lines", "value_ints", ints(&[0, 0, 1, 1, 0, 0, 1, 1]));
        set(g, "conv2_1", "pads", ints(&[0; 4]));
        let pad = between(g, "pool1", "Pad", "mine");
        pad.inputs.push("lines".into());
        pad.attrs.insert("mode".into(), Attr::Text("edge".into()));
    },
    &|g| {
        // A second name for a constant, as torch writes for weights that are shared.
        constant(g, "c", "value_float", Attr::Float(0.5));
        let mut alias = g.nodes[0].clone();
        (alias.op, alias.inputs, alias.outputs) = ("Identity".into(), vec!["c".into()], vec!["other".into()]);
        alias.attrs.clear();
        g.nodes.insert(1, alias);
        between(g, "conv1_1", "Mul", "mine").inputs.push("other".into());
    },
    &|g| _ = between(g, "relu1_1", "Dropout", "mine"),
    &|g| {
        let low = g.scalar(-0.5);
        between(g, "conv1_1", "Clip", "mine").inputs.push(low);
    },
    &|g| between(g, "conv1_1", "Clip", "mine").inputs.push(String::new()),
    &|g| _ = between(g, "conv1_1", "Sigmoid", "mine"),
    &|g| drop(node(g, "conv1_1").attrs.remove("kernel_shape")),
    &|g| set(g, "pool1", "dilations", ints(&[1, 1])),
    &|g| node(g, "pool1").outputs.push("indices".into()),
    &|g| node(g, "pool1").op = "AveragePool".into(),
    &|g| node(g, "conv2_1").inputs.truncate(2),
    &|g| {
        transposed(g, Some(&[0, 1, 3, 2]));
        let back = between(g, "mine", "Transpose", "back");
        back.attrs.insert("perm".into(), ints(&[0, 1, 3, 2]));
    },
    &|g| {
        // A classifier, and what no tap needs.
        let mut last = between(g, "relu3_1", "Erf", "tail").clone();
        (last.op, last.name, last.outputs) = ("Flatten".into(), "flat".into(), vec!["flat".into()]);
        g.nodes.push(last.clone());
        (last.op, last.name, last.inputs) = ("Relu".into(), "relu6".into(), vec!["flat".into()]);
        last.outputs = vec!["relu6".into()];
        g.nodes.push(last);
    },
];

#[test]
fn legal_networks_come_in_and_their_objectives_load() {
    for (at, change) in LEGAL.iter().enumerate() {
        let mut graph = network();
        change(&mut graph);
        let model = imported(&graph).unwrap_or_else(|e| panic!("{at}: {e}"));
        assert_eq!(model.taps.len(), 4, "{at}");
        Run::new(&graphs(&model));
        let average = ObjectiveSpec {
            style: vec!["relu3_1".into()],
            content: vec!["relu2_2".into()],
            pooling: Pooling::Average,
            ..ObjectiveSpec::default()
        };
        Run::new(
            &objective::objective(&model, &average, GraphTarget::Any).unwrap_or_else(|e| panic!("{at}: {e}")),
        );
    }
}

#[test]
fn names_in_a_file_do_not_meet_those_of_the_objective() {
    let to = folder();
    let paint = |graph: &Graph, name: &str| {
        let path = to.path().join(format!("{name}.onnx"));
        std::fs::write(&path, bytes(graph)).expect("written");
        let out = to.path().join(format!("{name}.png"));
        succeed(quick(&out).arg("--model").arg(path).args(["--tv-weight", "1"]));
        std::fs::read(out).expect("a picture")
    };
    let mut graph = network();
    let plain = paint(&graph, "plain");
    let names =
        ["picture", "loss", "gradient", "mask", "input", "free", "normalise/input", "style/relu1_1/gram"];
    let values: Vec<String> = graph.nodes.iter().map(|node| node.outputs[0].clone()).collect();
    for (value, name) in values.iter().zip(names) {
        for node in &mut graph.nodes {
            let of_node = node.inputs.iter_mut().chain(&mut node.outputs).chain([&mut node.name]);
            of_node.filter(|n| *n == value).for_each(|n| *n = name.to_string());
        }
    }
    assert!(paint(&graph, "others") == plain);
}

#[test]
fn a_second_import_under_a_name_replaces_the_first_and_a_name_is_listed_once() {
    let home = folder();
    let models = home.path().join("impasto").join("models");
    let import = |file: &str| {
        succeed(in_home(home.path()).args(["model", "import", "--name", "dup"]).arg(fixture(file)));
    };
    let listed = || {
        let list =
            String::from_utf8(succeed(in_home(home.path()).args(["model", "list"])).stdout).expect("UTF-8");
        list.lines().filter(|line| line.starts_with("dup ")).count()
    };
    for (file, kept) in [
        ("narrow.safetensors", "dup.safetensors"),
        ("narrow-old.onnx", "dup.onnx"),
        ("narrow-new.onnx", "dup.onnx"),
        ("narrow-legacy.pth", "dup.safetensors"),
    ] {
        import(file);
        assert_eq!((super::common::names(&models), listed()), (vec![kept.to_string()], 1), "{file}");
    }
    // A file that is refused changes nothing.
    let broken = home.path().join("broken.onnx");
    std::fs::write(&broken, "nothing").expect("written");
    let refused = in_home(home.path()).args(["model", "import", "--name", "dup"]).arg(&broken).output();
    assert_eq!(refused.expect("it starts").status.code(), Some(4));
    assert_eq!(super::common::names(&models), ["dup.safetensors"]);
    // Two that were put there by hand, and one under a name that is built in.
    std::fs::copy(fixture("narrow-old.onnx"), models.join("dup.onnx")).expect("copied");
    std::fs::copy(fixture("narrow-old.onnx"), models.join("compact.onnx")).expect("copied");
    std::fs::create_dir(models.join("folder.onnx")).expect("made");
    let list =
        String::from_utf8(succeed(in_home(home.path()).args(["model", "list"])).stdout).expect("UTF-8");
    assert_eq!((listed(), list.lines().filter(|l| l.starts_with("compact ")).count()), (1, 1), "{list}");
    assert!(!list.contains("folder "), "{list}");
    succeed(in_home(home.path()).args(["model", "remove", "dup"]));
    assert_eq!(listed(), 0);
}

#[test]
fn a_model_s_name_goes_before_a_file_that_is_called_the_same() {
    let home = folder();
    let at = |name: &str| home.path().join(name);
    succeed(
        in_home(home.path()).args(["model", "import", "--name", "mine.onnx"]).arg(fixture("narrow-old.onnx")),
    );
    std::fs::write(at("mine.onnx"), "no model").expect("written");
    std::fs::write(at("compact"), "no model").expect("written");
    let info = |name: &str| {
        let output = in_home(home.path()).current_dir(home.path()).args(["model", "info", name]).output();
        let output = output.expect("it starts");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned() + &stderr(&output))
    };
    let (code, said) = info("mine.onnx");
    assert!(code == Some(0) && said.contains("relu5_4 (8)"), "{said}");
    assert_eq!(info("./mine.onnx").0, Some(4));
    let (code, said) = info("compact");
    assert!(code == Some(0) && !said.contains("file  "), "{said}");
    assert_eq!(info("./compact").0, Some(4));
}

#[test]
fn a_manifest_that_makes_no_sense_is_refused_with_its_field() {
    let to = folder();
    let whole = std::fs::read(fixture("narrow.safetensors")).expect("a fixture");
    let tensors = safetensors::SafeTensors::deserialize(&whole).expect("safetensors");
    for (field, json) in [
        ("reference_channels", r#"{"reference_channels": [0]}"#),
        ("reference_channels", r#"{"reference_channels": [64, -1]}"#),
        ("mean", r#"{"mean": [NaN, 0, 0]}"#),
        ("std", r#"{"std": [0.2, 0.2, -0.2]}"#),
        ("scale", r#"{"scale": 1e38}"#),
    ] {
        let metadata = [("impasto".to_string(), json.to_string())].into();
        let path = to.path().join("odd.safetensors");
        safetensors::serialize_to_file(tensors.tensors(), Some(metadata), &path).expect("written");
        let onnx = to.path().join("odd.onnx");
        std::fs::write(&onnx, network().to_bytes("odd", "", &[("impasto", json)])).expect("written");
        for path in [&path, &onnx] {
            let e = onnx::read(path).map(|_| ()).expect_err("a model").to_string();
            assert!(e.contains("odd.") && e.contains(&format!("'{field}'")), "{json}: {e}");
        }
    }
}

/// Tiles begin where all of five poolings do.
#[test]
fn a_model_with_five_poolings_has_the_same_loss_in_tiles() {
    let to = folder();
    let path = deep(to.path());
    let losses = |tile: &[&str]| {
        let report = to.path().join("report.json");
        let mut job = quick(&to.path().join("out.png"));
        job.arg("--model").arg(&path).arg("--report").arg(&report).args(tile);
        job.args(["--size", "399", "--levels", "1", "--iterations", "4", "--style-taps", "relu6_1"]);
        succeed(job.args(["--content-taps", "relu6_1"]));
        let report: serde_json::Value =
            serde_json::from_slice(&std::fs::read(report).expect("a report")).expect("JSON");
        assert_eq!(report["tile"].is_null(), tile.is_empty());
        report["losses"].as_array().expect("losses").iter().filter_map(|v| v.as_f64()).collect::<Vec<_>>()
    };
    let (whole, tiled) = (losses(&[]), losses(&["--tile-size", "300"]));
    assert!(whole.len() >= 3 && whole[0] > 0.0, "{whole:?}");
    for (a, b) in whole.iter().zip(&tiled) {
        assert!((a - b).abs() < 1e-3 * a, "{whole:?} {tiled:?}");
    }
}

/// A file of a network with one narrow convolution in each of six blocks.
fn deep(to: &Path) -> std::path::PathBuf {
    let mut graph = Graph::default();
    let mut value = graph.input(onnx::graph::Port::new("image", &["1", "3", "H", "W"]));
    for block in 1..=6u32 {
        let input = if block == 1 { 3 } else { 4 };
        let weights: Vec<f32> = noise(4 * input * 9, block).iter().map(|v| 0.3 * (v - 0.45)).collect();
        let weights = graph.constant("w", Tensor::f32(&[4, input, 3, 3], weights));
        value = graph.add_with("Conv", "conv", &[&value, &weights], [("pads", ints(&[1; 4]))]);
        value = graph.add("Relu", "relu", &[&value]);
        let attrs = [("kernel_shape", ints(&[2, 2])), ("strides", ints(&[2, 2]))];
        value = graph.add_with("MaxPool", "pool", &[&value], attrs);
    }
    let path = to.join("deep.onnx");
    std::fs::write(&path, bytes(&graph)).expect("written");
    path
}
