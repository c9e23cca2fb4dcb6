//! `impasto model …`

use std::path::Path;

use impasto::onnx::layouts::Preprocessing;
use impasto::onnx::{self, Model};
use impasto::{Result, models};
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

use super::args::{ExportArgs, PreprocessingArg};
use super::terminal::print;

pub fn list() -> Result<()> {
    let mut text = String::new();
    for entry in models::list() {
        let default = if entry.name == models::DEFAULT { " (default)" } else { "" };
        let size = entry.size().map_or("built in".to_string(), |n| HumanBytes(n).to_string());
        // A file that cannot be read is listed all the same, as `model remove` can remove it.
        let licence = match models::open(&entry.name) {
            Ok(model) if model.manifest.licence.is_empty() => "licence not known".to_string(),
            Ok(model) => model.manifest.licence,
            Err(e) => format!("cannot be used: {e}"),
        };
        text += &format!("{:20} {size:10} {licence}{default}\n", entry.name);
    }
    if let Some(folder) = models::folder() {
        text += &format!(
            "More with `impasto model fetch vgg19` and `impasto model import FILE`, which keep them in {}\n",
            folder.display()
        );
    }
    print(text.as_bytes())
}

pub fn info(name: &str) -> Result<()> {
    let mut text = describe(&models::open(name)?);
    if let Some(entry) = models::find(name) {
        if let (Some(path), Some(size)) = (&entry.path, entry.size()) {
            text += &format!("file        {} ({size} bytes)\n", path.display());
        }
        if let Some(sha256) = entry.sha256() {
            text += &format!("SHA-256     {sha256}\n");
        }
    }
    print(text.as_bytes())
}

pub fn fetch(what: &models::Fetch, quiet: bool) -> Result<()> {
    let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(0) };
    let style =
        ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let entry = models::fetch(what, &mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    print(format!("fetched; use it with --model {}\n", entry.name).as_bytes())
}

pub fn remove(name: &str) -> Result<()> {
    let entry = models::remove(name)?;
    let place = entry.path.map_or(String::new(), |p| format!(" ({})", p.display()));
    print(format!("removed {}{place}\n", entry.name).as_bytes())
}

pub fn import(file: &Path, name: Option<&str>, preprocessing: Option<PreprocessingArg>) -> Result<()> {
    let preprocessing = preprocessing.map(|p| match p {
        PreprocessingArg::Torchvision => Preprocessing::Torchvision,
        PreprocessingArg::Caffe => Preprocessing::Caffe,
    });
    let entry = models::import(file, name, preprocessing)?;
    print(format!("imported; use it with --model {}\n", entry.name).as_bytes())
}

pub fn export(args: &ExportArgs) -> Result<()> {
    let model = models::open(&args.model)?;
    let (params, _) = args.params.read()?;
    let mut text = String::new();
    let spec = params.resolve(&model)?.spec(false, 0);
    for path in onnx::export::export(&model, &spec, args.picture_size, &args.output)? {
        text += &format!("{}\n", path.display());
    }
    print(text.as_bytes())
}

fn describe(model: &Model) -> String {
    let m = &model.manifest;
    let taps: Vec<String> = model.taps.iter().map(|tap| format!("{} ({})", tap.name, tap.channels)).collect();
    let mut text = format!("name        {}\nparameters  {}\n", m.name, model.parameters());
    text += &format!("taps        {} (channels)\n", taps.join(" "));
    text += &format!("input       {} · (x − {:?}) / {:?}, x: R, G, B in 0..1\n", m.scale, m.mean, m.std);
    for (label, value) in [("provenance", &m.provenance), ("licence", &m.licence), ("training", &m.training)]
    {
        if !value.is_empty() {
            text += &format!("{label:11} {value}\n");
        }
    }
    text
}
