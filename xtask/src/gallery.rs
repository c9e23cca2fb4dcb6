//! docs/gallery.md and its pictures: what each control does to the sample photographs.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Result, binary, dist, root, run};

/// A picture: the part of the gallery that it opens, if it does, the name of its file, the options that make it, and
/// what is said of it. `{assets}` stands for the sample pictures, `{made}` for the folder of the gallery's own.
type Entry = (&'static str, &'static str, &'static str, &'static str);

const CAT: &str = "{assets}/cat.png {assets}/whirls.jpg";

#[rustfmt::skip]
const ENTRIES: [Entry; 35] = [
    ("Strength", "strength-0", "--strength 0", "Nearly the photograph. GIMP: Strength"),
    ("", "strength-30", "--strength 30", "Its colours and a first texture"),
    ("", "strength-60", "--strength 60", "Strokes, with most of what can be recognised"),
    ("", "strength-90", "", "90, the default: the weights of the paper"),
    ("", "strength-100", "--strength 100", "Nearly six times as much style"),
    ("Stroke size", "strokes-05", "--style-scale 0.5", "Finer strokes. GIMP: Stroke size"),
    ("", "strokes-2", "--style-scale 2", "Broader ones"),
    ("Colours", "colours-matched", "--colours matched", "The style picture is given the mean and covariance of the photograph's colours before. GIMP: Colours"),
    ("", "colours-histogram", "--colours histogram", "The same with the histogram of each channel"),
    ("", "colours-content", "--colours content", "The photograph's own colours; only lightness is painted"),
    ("", "colours-matched-50", "--colours matched --colour-strength 50", "Half of the way. GIMP: Method, Picture's colours"),
    ("", "colours-content-40", "--colours content --colour-strength 40", "More of the style's palette"),
    ("Several styles", "other", "--blend {assets}/dusk.jpg,weight=1000", "The second style all but alone"),
    ("", "blend", "--blend {assets}/dusk.jpg", "Both alike. GIMP: Second style, Share"),
    ("", "blend-broad", "--blend {assets}/dusk.jpg,scale=2.5", "With broader strokes of the second. GIMP: Second style, Stroke size"),
    ("", "crop", "--style-fit crop", "Only the middle of the style picture, in the photograph's shape. GIMP: Method, Style part"),
    ("Regions and masks", "region-mask", "", ""),
    ("", "region", "--region {made}/region-mask.png --blend {assets}/dusk.jpg", "The first style where the region is white, the second elsewhere. GIMP: Second style, Region"),
    ("", "mask", "--mask {made}/region-mask.png", "Painted where the mask is bright, untouched where it is black. GIMP: the selection"),
    ("", "part", "--part {made}/style-part.png", "The style taken from a part of its picture: the left third"),
    ("Start", "start-recoloured", "--init recoloured", "The photograph in the style's colours. GIMP: Method, Start from"),
    ("", "start-noise", "--init noise --iterations 120", "Noise"),
    ("", "start-picture", "--init {made}/other.jpg --iterations 10", "Another result"),
    ("Style loss", "gram", "--style-loss gram", "Gram matrices, as in the paper. GIMP: Method, Style is by"),
    ("", "moments", "--style-loss moments", "Means and covariances, by the Wasserstein distance: cleaner colours"),
    ("Taps", "taps-fine", "--tap-weight style/relu1_1=30 --tap-weight style/relu3_1=0.1", "More of the finest texture, less of the shapes. GIMP: Method, Layer weights"),
    ("", "taps-coarse", "--tap-weight style/relu1_1=0 --tap-weight style/relu2_1=0.1", "The other way round"),
    ("", "taps-content", "--content-taps relu2_2 --content-weight 5", "A content tap that follows detail more closely"),
    ("Network", "pooling-average", "--pooling average", "Average pooling. GIMP: Method, Pooling"),
    ("", "padding-replicate", "--padding replicate", "The border is repeated: it is painted like the rest. GIMP: Method, Border"),
    ("Smoothness", "smooth", "--tv-weight 1e10", "Total variation. GIMP: Method, Smoothness 10000"),
    ("Going on", "short", "--iterations 6 --levels 1 --report {made}/short.json", "Six evaluations"),
    ("", "resumed", "--resume {made}/short.json --iterations 60", "`--resume`: sixty more"),
    ("Quality", "draft", "--preset draft", "`--preset draft`"),
    ("", "best", "--preset best", "`--preset best`, at this size"),
];

/// What is painted with both networks: the photograph, the options, and what is said of them.
#[rustfmt::skip]
const NETWORKS: [(&str, &str, &str); 8] = [
    ("cat", "{assets}/whirls.jpg", "The defaults"),
    ("cat", "{assets}/whirls.jpg --strength 50", "Less style"),
    ("cat", "{assets}/whirls.jpg --style-scale 2", "Broader strokes"),
    ("cat", "{assets}/whirls.jpg --colours content", "The photograph's colours"),
    ("cat", "{assets}/whirls.jpg --style-loss moments", "Means and covariances"),
    ("coffee", "--style night-lights", "Another pair"),
    ("coffee", "--style stained-glass", "Outlines"),
    ("coffee", "--style impasto-whirls", "Thick paint"),
];

/// docs/gallery-vgg16.md: the same options with the built-in model and with VGG16's weights in a file.
pub fn networks(vgg16: &Path) -> Result<()> {
    let folder = folder("gallery-vgg16")?;
    let mut page = "# Gallery with VGG16\n\nThe network that the built-in model imitates, beside it. `cargo xtask gallery --vgg16 \
        vgg16.safetensors` makes this page: `impasto PHOTOGRAPH -o OUT --size 384` with the style and options in the first column, for \
        VGG16 also `--model vgg16.safetensors` ([models.md](models.md) says where weights are to be had). All else is as with \
        `compact`: levels, evaluations, weights.\n\n| style and options | photograph | `compact` | VGG16 |\n|---|---|---|---|\n"
        .to_string();
    for photo in ["cat", "coffee"] {
        small(&sample(&format!("{photo}.png")), &folder.join(format!("{photo}.jpg")))?;
    }
    for (at, (photo, options, text)) in NETWORKS.into_iter().enumerate() {
        let mut row = format!("| `{}`<br>{text} | ![{photo}](gallery-vgg16/{photo}.jpg) |", plain(options));
        for (name, model) in [("compact", Path::new("compact")), ("vgg16", vgg16)] {
            let name = format!("{}-{name}", at + 1);
            let mut command = Command::new(binary());
            command.arg(sample(&format!("{photo}.png"))).args(filled(options, &folder).split_whitespace());
            command.args(["--size", "384", "--model"]).arg(model);
            remove(&painted(command, &folder.join(format!("{name}.jpg")))?)?;
            write!(row, " ![{text}](gallery-vgg16/{name}.jpg) |").map_err(|e| e.to_string())?;
        }
        writeln!(page, "{row}").map_err(|e| e.to_string())?;
    }
    write_page("gallery-vgg16", &page)
}

/// Makes the pictures and the pages.
pub fn make() -> Result<()> {
    readme()?;
    styles()?;
    let folder = folder("gallery")?;
    let mut page = "# Gallery\n\nWhat the controls do, each alone. `cargo xtask gallery` makes this page: the options stand under the \
        pictures, `impasto CONTENT STYLE -o OUT --size 384` before them. Those that name no pictures are fields of the \
        parameters' JSON, too (`impasto schema`), which the C library takes; pictures it takes as pixels. What GIMP's dialog \
        calls them stands behind them.\n"
        .to_string();
    let mut row = String::new();
    originals(&folder, &mut row)?;
    write!(page, "\n## The pictures\n\n{row}").map_err(|e| e.to_string())?;
    for (part, name, options, text) in ENTRIES {
        if !part.is_empty() {
            write!(page, "## {part}\n\n").map_err(|e| e.to_string())?;
        }
        if name == "region-mask" {
            region(&folder.join("region-mask.png"))?;
            left_third(&folder.join("style-part.png"))?;
            page += "![region](gallery/region-mask.png) A region, or a mask: the lower left\n\n";
            continue;
        }
        paint(&folder, name, options)?;
        let shown =
            if options.is_empty() { "(no options)".to_string() } else { format!("`{}`", plain(options)) };
        writeln!(page, "![{name}](gallery/{name}.jpg) {shown} — {text}\n").map_err(|e| e.to_string())?;
    }
    for made in ["short.json", "style-part.png"] {
        let _ = std::fs::remove_file(folder.join(made));
    }
    write_page("gallery", &format!("{}\n", page.trim_end()))
}

/// A folder of docs, which is made.
fn folder(name: &str) -> Result<PathBuf> {
    let folder = root().join("docs").join(name);
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    Ok(folder)
}

fn write_page(name: &str, page: &str) -> Result<()> {
    let path = root().join("docs").join(format!("{name}.md"));
    dist::write(&path, page)?;
    println!("{}", path.display());
    Ok(())
}

/// A sample picture.
fn sample(name: &str) -> PathBuf {
    root().join("assets").join("sample").join(name)
}

/// The row at the top of README.md: photographs, styles of the program, results with the defaults.
const README: [(&str, &str); 3] =
    [("cat", "impasto-whirls"), ("coffee", "stained-glass"), ("cat", "ink-wash")];

fn readme() -> Result<()> {
    let folder = folder("readme")?;
    let assets = root().join("assets");
    for (photo, style) in README {
        let content = sample(&format!("{photo}.png"));
        small(&content, &folder.join(format!("{photo}.jpg")))?;
        small(&assets.join("styles").join(format!("{style}.jpg")), &folder.join(format!("{style}.jpg")))?;
        in_style(&content, style, &[], &folder.join(format!("{photo}-{style}.jpg")))?;
    }
    Ok(())
}

/// Paints a photograph in a style of the program and makes the result small.
fn in_style(content: &Path, style: &str, options: &[&str], to: &Path) -> Result<()> {
    let mut command = Command::new(binary());
    command.arg(content).args(["--style", style]).args(options);
    remove(&painted(command, to)?)
}

/// Lets the program paint into a PNG beside `to`, makes that small, as `to`, and returns the PNG.
fn painted(mut command: Command, to: &Path) -> Result<PathBuf> {
    let large = to.with_extension("png");
    run::all(command.args(["--quiet", "--device", "cpu", "-o"]).arg(&large))?;
    small(&large, to)?;
    Ok(large)
}

fn remove(file: &Path) -> Result<()> {
    std::fs::remove_file(file).map_err(|e| format!("{}: {e}", file.display()))
}

/// docs/styles.md: the style pictures inside the program, and a photograph in each.
fn styles() -> Result<()> {
    let folder = folder("styles")?;
    let assets = root().join("assets");
    let listed = run::text(Command::new(binary()).arg("styles"))?;
    let mut page = "# Styles\n\nThe style pictures inside the program, and the sample photograph in each of them (`impasto cat.png --style \
        NAME -o OUT --size 384`). `impasto styles` lists them, `impasto styles -o FOLDER` writes them as JPEG files, the C library \
        takes their names as the parameter `style`, and GIMP's dialog has them under *Style from*. Scripts of ours draw them \
        ([assets/styles](../assets/styles/README.md)); they are CC0. `cargo xtask gallery` makes this page.\n\n| name | picture | \
        the photograph in it |\n|---|---|---|\n"
        .to_string();
    for line in listed.lines() {
        let (id, description) = line.split_once(' ').unwrap_or((line, ""));
        small(&assets.join("styles").join(format!("{id}.jpg")), &folder.join(format!("{id}.jpg")))?;
        in_style(&sample("cat.png"), id, &["--size", "384"], &folder.join(format!("{id}-cat.jpg")))?;
        let description = description.trim();
        writeln!(
            page,
            "| `{id}`<br>{description} | ![{id}](styles/{id}.jpg) | ![the cat](styles/{id}-cat.jpg) |"
        )
        .map_err(|e| e.to_string())?;
    }
    write_page("styles", &page)
}

/// Options as a reader would type them.
fn plain(options: &str) -> String {
    options.replace("{assets}/", "").replace("{made}/", "")
}

/// Options as the program gets them. `made` is the folder of the gallery's own pictures.
fn filled(options: &str, made: &Path) -> String {
    let assets = root().join("assets").join("sample");
    options.replace("{assets}", &assets.display().to_string()).replace("{made}", &made.display().to_string())
}

/// Paints one picture and makes it small.
fn paint(folder: &Path, name: &str, options: &str) -> Result<()> {
    let mut command = Command::new(binary());
    if !options.contains("--resume") {
        command.args(filled(CAT, folder).split(' '));
        // A mask keeps the photograph's size.
        command.args(["--size", "384"]);
    }
    command.args(filled(options, folder).split_whitespace());
    let large = painted(command, &folder.join(format!("{name}.jpg")))?;
    // What another one begins with is needed in full.
    if name != "short" {
        remove(&large)?;
    }
    if name == "resumed" {
        let _ = std::fs::remove_file(folder.join("short.png"));
    }
    Ok(())
}

/// The photograph and the styles.
fn originals(folder: &Path, row: &mut String) -> Result<()> {
    for (file, text) in [("cat.png", "the photograph"), ("whirls.jpg", "the style"), ("dusk.jpg", "another")]
    {
        let name = file.split('.').next().unwrap_or(file);
        small(&sample(file), &folder.join(format!("{name}.jpg")))?;
        writeln!(row, "![{name}](gallery/{name}.jpg) {text}\n").map_err(|e| e.to_string())?;
    }
    Ok(())
}

/// A white lower left in the photograph's size, with a soft edge.
fn region(path: &Path) -> Result<()> {
    let content = sample("cat.png");
    let (w, h) = image::image_dimensions(&content).map_err(|e| format!("{}: {e}", content.display()))?;
    let mask = image::GrayImage::from_fn(w, h, |x, y| {
        let across = x as f32 / w as f32 - y as f32 / h as f32;
        image::Luma([(255.0 * (0.5 - 8.0 * across).clamp(0.0, 1.0)) as u8])
    });
    mask.save(path).map_err(|e| format!("{}: {e}", path.display()))
}

/// A mask in the style picture's size, white in its left third.
fn left_third(path: &Path) -> Result<()> {
    let style = sample("whirls.jpg");
    let (w, h) = image::image_dimensions(&style).map_err(|e| format!("{}: {e}", style.display()))?;
    let mask = image::GrayImage::from_fn(w, h, |x, _| image::Luma([255 * u8::from(x < w / 3)]));
    mask.save(path).map_err(|e| format!("{}: {e}", path.display()))
}

/// A picture with a longer side of 320 pixels.
fn small(from: &Path, to: &Path) -> Result<()> {
    let failed = |e: image::ImageError| format!("{}: {e}", from.display());
    let picture = image::open(from).map_err(failed)?;
    let picture = picture.resize(320, 320, image::imageops::FilterType::Lanczos3).to_rgb8();
    let mut bytes = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 85)
        .encode_image(&picture)
        .map_err(failed)?;
    std::fs::write(to, bytes).map_err(|e| format!("{}: {e}", to.display()))
}
