//! Pictures of many kinds against Pillow, tifffile and LittleCMS, where Python has them.

use std::process::Command;

use impasto::Picture;

use super::super::common::{folder, python, root, skipped, succeed};

#[test]
fn many_kinds_of_files_are_read_as_pillow_reads_them() {
    let has = |mut python: Command| {
        python.args(["-c", "import PIL, numpy"]).output().is_ok_and(|output| output.status.success())
    };
    let (Some(probe), Some(mut make)) = (python(false), python(false)) else {
        return skipped("comparing with Pillow");
    };
    if !has(probe) {
        return skipped("comparing with Pillow");
    }
    let to = folder();
    succeed(make.arg(root().join("tests/python/pictures.py")).arg(to.path()));
    let list = std::fs::read_to_string(to.path().join("list")).expect("the list");
    let (mut compared, mut wrong) = (0, Vec::new());
    for line in list.lines() {
        let [name, worst, mean] = line.split_whitespace().collect::<Vec<_>>()[..] else {
            panic!("a name and two numbers were expected: {line}")
        };
        let picture = Picture::read(&to.path().join(name)).expect(name);
        let wanted = std::fs::read(to.path().join(format!("{name}.rgb"))).expect("what Pillow reads");
        assert_eq!(wanted.len(), 3 * picture.width() * picture.height(), "{name}");
        let differences: Vec<f32> = wanted
            .iter()
            .enumerate()
            .map(|(i, &v)| {
                let (pixel, c) = (i / 3, i % 3);
                let got = picture.rgb()[[c, pixel / picture.width(), pixel % picture.width()]] * 255.0;
                (got - f32::from(v)).abs()
            })
            .collect();
        let most = differences.iter().copied().fold(0.0, f32::max);
        let average = differences.iter().sum::<f32>() / differences.len() as f32;
        let [worst, mean] = [worst, mean].map(|v| v.parse::<f32>().expect("a number"));
        if most > worst || average > mean {
            wrong.push(format!("{name}: worst {most}, mean {average}"));
        }
        compared += 1;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(compared > 30, "{compared}");
}
