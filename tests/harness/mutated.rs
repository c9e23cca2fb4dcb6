//! Model files with random changes: each is refused with words or works; none ends the program. `fuzz` goes further.

use std::path::{Path, PathBuf};

use impasto::onnx::graph::{Attr, Data, Graph, Tensor};
use impasto::onnx::{self, layouts, vgg};

use super::common::{Run, fixture, folder, names, root};
use super::networks::{graphs, imported, network};

/// Repeatable random numbers (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end.max(1)
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// A few bytes changed, most of them where `head` bytes of structure are; or some taken out, or put in, or the end cut off.
    fn changed(&mut self, whole: &[u8], head: usize) -> Vec<u8> {
        let mut bytes = whole.to_vec();
        for _ in 0..=self.below(4) {
            let region = if self.below(4) > 0 { head.min(bytes.len()) } else { bytes.len() };
            let at = self.below(region);
            match self.below(12) {
                0 => bytes.truncate(at),
                1 => drop(bytes.drain(at..(at + 1 + self.below(9)).min(bytes.len()))),
                2 => {
                    drop(bytes.splice(at..at, (0..=self.below(5)).map(|i| i as u8 * 37).collect::<Vec<_>>()))
                }
                3 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                4 if at < bytes.len() => bytes[at] = *self.pick(&[0, 1, 2, 0x7f, 0x80, 0xff]),
                _ if at < bytes.len() => bytes[at] = self.below(256) as u8,
                _ => {}
            }
        }
        bytes
    }
}

/// Builds the graphs of a model that was let in.
fn used(model: onnx::Result<onnx::Model>, let_in: &mut usize) {
    match model {
        Ok(model) => {
            graphs(&model);
            *let_in += 1;
        }
        Err(e) => assert!(!e.to_string().is_empty()),
    }
}

#[test]
fn the_kept_corpus_of_the_fuzz_targets_is_refused_or_works() {
    let files = |target: &str| {
        let folder = root().join("fuzz").join("corpus").join(target);
        names(&folder).into_iter().map(|name| folder.join(name)).collect::<Vec<_>>()
    };
    let read = |path: &PathBuf| std::fs::read(path).expect("a file of the corpus");
    let mut let_in = 0;
    for path in files("import") {
        used(onnx::import::from_onnx(&read(&path), Path::new("corpus.onnx")), &mut let_in);
    }
    assert_eq!(let_in, 3);
    for path in files("layouts") {
        let bytes = read(&path);
        let in_layout = layouts::in_torchvisions(&bytes, "corpus.safetensors", None);
        used(in_layout.and_then(|bytes| vgg::from_safetensors(&bytes, "corpus")), &mut let_in);
    }
    assert_eq!(let_in, 3 + 6);
    let to = folder();
    for path in files("checkpoint") {
        let copy = to.path().join("corpus.pth");
        std::fs::copy(path, &copy).expect("copied");
        used(onnx::read(&copy), &mut let_in);
    }
    assert_eq!(let_in, 3 + 6 + 3);
}

#[test]
fn onnx_files_with_changed_bytes_are_refused_or_work() {
    let mut random = Random(1);
    let mut let_in = 0;
    for name in ["narrow-old.onnx", "narrow-new.onnx"] {
        let whole = std::fs::read(fixture(name)).expect("a fixture");
        for _ in 0..1000 {
            let bytes = random.changed(&whole, whole.len());
            used(onnx::import::from_onnx(&bytes, Path::new("changed.onnx")), &mut let_in);
        }
    }
    assert!(let_in > 20, "only {let_in} were let in: too much is changed");
}

#[test]
fn safetensors_files_with_changed_bytes_are_refused_or_work() {
    let mut random = Random(2);
    let mut let_in = 0;
    for name in ["narrow.safetensors", "narrow-keras.safetensors"] {
        let whole = std::fs::read(fixture(name)).expect("a fixture");
        let head = 8 + u64::from_le_bytes(whole[..8].try_into().expect("a length")) as usize;
        for _ in 0..1500 {
            let bytes = random.changed(&whole, head);
            let in_layout = layouts::in_torchvisions(&bytes, "changed.safetensors", None);
            used(in_layout.and_then(|bytes| vgg::from_safetensors(&bytes, "changed")), &mut let_in);
        }
    }
    assert!(let_in > 20, "only {let_in} were let in: too much is changed");
}

#[test]
fn checkpoints_with_changed_bytes_are_refused_or_work() {
    let mut random = Random(3);
    let mut let_in = 0;
    let to = folder();
    let path = to.path().join("changed.pth");
    for name in ["narrow-legacy.pth", "narrow-archive.pth"] {
        let whole = std::fs::read(fixture(name)).expect("a fixture");
        for _ in 0..700 {
            std::fs::write(&path, random.changed(&whole, whole.len())).expect("written");
            used(onnx::read(&path), &mut let_in);
        }
    }
    assert!(let_in > 20, "only {let_in} were let in: too much is changed");
}

/// A value for an attribute or a constant that makes sense somewhere, if not here.
fn attribute(random: &mut Random) -> Attr {
    let numbers = [-2, -1, 0, 1, 2, 3, 4, 9, i64::MAX, i64::MIN, 1 << 40];
    match random.below(6) {
        0 => Attr::Int(*random.pick(&numbers)),
        1 => Attr::Float(*random.pick(&[0.0, 1.0, -1.0, f32::NAN, f32::INFINITY, 1e38])),
        2 => {
            Attr::Text((*random.pick(&["NOTSET", "VALID", "SAME_UPPER", "edge", "reflect", ""])).to_string())
        }
        _ => Attr::Ints((0..random.below(6)).map(|_| *random.pick(&numbers)).collect()),
    }
}

/// Changes a network as somebody may who writes it by hand.
fn change(random: &mut Random, graph: &mut Graph) {
    const OPS: [&str; 22] = [
        "Conv",
        "Relu",
        "MaxPool",
        "AveragePool",
        "Add",
        "Sub",
        "Mul",
        "Div",
        "Clip",
        "Sqrt",
        "Sigmoid",
        "Sin",
        "Neg",
        "Identity",
        "Pad",
        "Transpose",
        "ReduceMean",
        "ReduceSum",
        "Dropout",
        "Concat",
        "Shape",
        "Constant",
    ];
    const ATTRIBUTES: [&str; 14] = [
        "kernel_shape",
        "pads",
        "strides",
        "dilations",
        "group",
        "auto_pad",
        "ceil_mode",
        "perm",
        "mode",
        "axes",
        "keepdims",
        "storage_order",
        "value_float",
        "value_ints",
    ];
    const DIMS: [&[usize]; 8] =
        [&[], &[1], &[4], &[4, 1, 1], &[1, 6, 1, 1], &[6, 4, 1, 1], &[0], &[1, 1, 2, 2]];
    let mut values: Vec<String> = graph.nodes.iter().map(|node| node.outputs[0].clone()).collect();
    values.extend(graph.constants.keys().cloned());
    values.extend(["image", "", "nowhere", "picture", "loss"].map(String::from));
    let at = random.below(graph.nodes.len());
    let value = random.pick(&values).clone();
    let node = &mut graph.nodes[at];
    match random.below(9) {
        0 => node.op = random.pick(&OPS).to_string(),
        1 => drop(node.inputs.pop()),
        2 => node.inputs.push(value),
        3 => {
            let input = random.below(node.inputs.len());
            node.inputs.iter_mut().skip(input).take(1).for_each(|input| *input = value.clone());
        }
        4 => node.outputs = vec![value],
        5 | 6 => drop(node.attrs.insert(random.pick(&ATTRIBUTES).to_string(), attribute(random))),
        7 => {
            let other = random.below(graph.nodes.len());
            graph.nodes.swap(at, other);
        }
        _ => {
            let names: Vec<String> = graph.constants.keys().cloned().collect();
            let dims = *random.pick(&DIMS);
            let count = dims.iter().product();
            let data = match random.below(4) {
                0 => Data::I64(vec![1; count]),
                _ => Data::F32(vec![0.5; count].into()),
            };
            graph.constants.insert(random.pick(&names).clone(), Tensor { dims: dims.to_vec(), data });
        }
    }
}

#[test]
fn networks_that_are_let_in_after_changes_run() {
    let mut random = Random(4);
    let (mut let_in, mut refused) = (0, 0);
    for _ in 0..3000 {
        let mut graph = network();
        for _ in 0..=random.below(3) {
            change(&mut random, &mut graph);
        }
        let Ok(model) = imported(&graph) else {
            refused += 1;
            continue;
        };
        let objective = graphs(&model);
        let_in += 1;
        if let_in % 2 == 0 {
            // ONNX Runtime checks every node when it loads a graph.
            Run::new(&objective);
        }
    }
    assert!(let_in > 100 && refused > 100, "{let_in} were let in, {refused} refused");
}
