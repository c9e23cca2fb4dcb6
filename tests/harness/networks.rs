//! Networks as ONNX files that tests change, and what they give.

use impasto::onnx::graph::{Attr, Graph, Node, Port, Tensor};
use impasto::onnx::{self, GraphTarget, Model, ObjectiveSpec, objective, peak_memory, receptive};

use super::common::noise;

/// The channels of each convolution, block by block.
const BLOCKS: [&[usize]; 3] = [&[4], &[6, 6], &[5]];

/// A narrow VGG-like network: nodes `conv1_1`, `relu1_1`, `pool1`, …
pub fn network() -> Graph {
    let mut graph = Graph::default();
    let mut value = graph.input(Port::new("image", &["1", "3", "H", "W"]));
    let mut input = 3;
    for (block, widths) in BLOCKS.iter().enumerate() {
        let block = block + 1;
        if block > 1 {
            let two = || Attr::Ints(vec![2, 2]);
            let attrs = [("kernel_shape", two()), ("strides", two())];
            value = graph.add_with("MaxPool", &format!("pool{}", block - 1), &[&value], attrs);
        }
        for (place, &output) in widths.iter().enumerate() {
            let name = format!("{block}_{}", place + 1);
            let seed = (10 * block + place) as u32;
            let weights: Vec<f32> = noise(output * input * 9, seed).iter().map(|v| v - 0.45).collect();
            let weights = graph.constant(&format!("w{name}"), Tensor::f32(&[output, input, 3, 3], weights));
            let bias = graph.constant(&format!("b{name}"), Tensor::f32(&[output], vec![0.1; output]));
            let attrs = [("kernel_shape", Attr::Ints(vec![3, 3])), ("pads", Attr::Ints(vec![1; 4]))];
            let conv = graph.add_with("Conv", &format!("conv{name}"), &[&value, &weights, &bias], attrs);
            value = graph.add("Relu", &format!("relu{name}"), &[&conv]);
            input = output;
        }
    }
    graph.output(&value, &["1", "5", "h", "w"]);
    graph
}

/// The node of that name.
pub fn node<'a>(graph: &'a mut Graph, name: &str) -> &'a mut Node {
    graph.nodes.iter_mut().find(|node| node.name == name).expect("a node of that name")
}

/// Puts a node of one output between the value `before` and those who read it, and returns it.
pub fn between<'a>(graph: &'a mut Graph, before: &str, op: &str, name: &str) -> &'a mut Node {
    let at = 1 + graph.nodes.iter().position(|node| node.outputs[0] == before).expect("a value");
    for node in &mut graph.nodes[at..] {
        node.inputs.iter_mut().filter(|input| *input == before).for_each(|input| *input = name.to_string());
    }
    let new = Node {
        op: op.to_string(),
        name: name.to_string(),
        inputs: vec![before.to_string()],
        outputs: vec![name.to_string()],
        attrs: Default::default(),
    };
    graph.nodes.insert(at, new);
    &mut graph.nodes[at]
}

/// The network as an ONNX file.
pub fn bytes(graph: &Graph) -> Vec<u8> {
    graph.to_bytes("network", "", &[])
}

/// What the importer makes of the network.
pub fn imported(graph: &Graph) -> onnx::Result<Model> {
    onnx::import::from_onnx(&bytes(graph), std::path::Path::new("net.onnx"))
}

/// The losses that a model's first and last taps are asked for.
pub fn spec_of(model: &Model) -> ObjectiveSpec {
    let mut style: Vec<String> = model.taps.iter().map(|tap| tap.name.clone()).collect();
    let content = style.last().cloned().into_iter().collect();
    style.drain(1..style.len().max(2) - 1);
    ObjectiveSpec { style, content, masked: true, ..ObjectiveSpec::default() }
}

/// Builds every graph of a model that was let in, which must not fail, and returns the objective for any size.
pub fn graphs(model: &Model) -> Graph {
    let spec = spec_of(model);
    let blocks = model.taps.iter().map(|tap| tap.block).max().expect("a tap");
    let side = 2 << blocks;
    for size in [GraphTarget::Cpu([side, side + 3]), GraphTarget::Device([side, side])] {
        let graph = objective::objective(model, &spec, size).unwrap_or_else(|e| panic!("{e}"));
        assert!(peak_memory::bytes(&graph) > 0);
        objective::tile(model, &spec, size).unwrap_or_else(|e| panic!("{e}"));
    }
    let features = objective::features(model, &spec, GraphTarget::Any).unwrap_or_else(|e| panic!("{e}"));
    assert!(receptive::radius(&features) < 1 << 24);
    let average = ObjectiveSpec { pooling: onnx::Pooling::Average, ..spec.clone() };
    objective::objective(model, &average, GraphTarget::Any).unwrap_or_else(|e| panic!("{e}"));
    objective::objective(model, &spec, GraphTarget::Any).unwrap_or_else(|e| panic!("{e}"))
}
