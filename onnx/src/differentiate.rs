//! Reverse-mode differentiation of a graph: the nodes that compute a scalar's gradient are appended to
//! the graph itself, so that one run of the model gives the value and the gradient (Griewank and
//! Walther, "Evaluating Derivatives", 2008, chapter 3). The rule of each operator is in `rules`.

use std::collections::{HashMap, HashSet};

use crate::error::{Error, Result};
use crate::graph::{Graph, Node, Tensor};
use crate::operators::{self, Gradient};
use crate::rules;
use crate::shapes::Shapes;

/// Appends to `graph` the gradient of the scalar `of` with respect to the value `wrt`, an input or any other, and returns
/// the gradient's name; it has the shape of `wrt`.
///
/// Errors: a node between the two that is not as its operator needs it, or that has no rule ([`Error::BadNode`]), and an
/// `of` that does not depend on `wrt`.
pub fn gradient(graph: &mut Graph, of: &str, wrt: &str) -> Result<String> {
    let nodes = graph.nodes.clone();
    let active = active(&nodes, wrt);
    if !active.contains(of) {
        return Err(Error::BadSpec(format!("'{of}' does not depend on '{wrt}', so it has no gradient")));
    }
    let shapes = Shapes::infer(graph);
    let mut gradients: HashMap<String, String> = HashMap::new();
    let one = graph.constant("gradient/seed", Tensor::scalar(1.0));
    gradients.insert(of.to_string(), one);

    for node in nodes.iter().rev() {
        let Some(output) = node.output().filter(|output| *output != wrt) else { continue };
        let Some(g) = gradients.remove(output) else { continue };
        if node.outputs.iter().skip(1).any(|o| gradients.contains_key(o)) {
            return Err(Error::bad_node(node, "only the first output may be differentiated"));
        }
        // From here on the inputs that the operator needs are there.
        operators::check(node)?;
        let mut context = rules::Context { graph, node, forward: &nodes, shapes: &shapes, g: &g };
        for (input, contribution) in rules::apply(&mut context, &|name: &str| active.contains(name))? {
            let sum = match gradients.remove(&input) {
                Some(other) => rules::sum(graph, &shapes, &input, [other, contribution]),
                None => contribution,
            };
            gradients.insert(input, sum);
        }
    }
    gradients.remove(wrt).ok_or_else(|| Error::BadSpec(format!("no gradient of '{of}' reaches '{wrt}'")))
}

/// The values that depend on `wrt`.
fn active(nodes: &[Node], wrt: &str) -> HashSet<String> {
    let mut active = HashSet::from([wrt.to_string()]);
    for node in nodes {
        if operators::gradient(node) == Gradient::Zero {
            continue;
        }
        if node.inputs.iter().any(|i| active.contains(i)) {
            active.extend(node.outputs.iter().cloned());
        }
    }
    active
}
