//! The loss curve as a picture: total and terms over evaluations, on a logarithmic axis.

use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;

use super::Report;
use crate::error::{Error, Result};
use crate::files;

const SIZE: (u32, u32) = (960, 600);
/// DejaVu Sans, embedded, so that a plot looks the same on every machine; see assets/fonts.
static FONT: &[u8] = include_bytes!("../../assets/fonts/DejaVuSans.ttf");
/// Distinguishable with colour-blind eyes (Okabe and Ito 2008).
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(213, 94, 0),
    RGBColor(150, 140, 30),
];

/// Draws the losses of a report into a `.svg` or `.png` file.
pub fn write(report: &Report, path: &Path) -> Result<()> {
    check(path)?;
    let failed = |problem: String| Error::Output { path: path.to_path_buf(), problem };
    // Registering twice is harmless; failing means that the font cannot be parsed.
    plotters::style::register_font("sans-serif", FontStyle::Normal, FONT)
        .map_err(|_| failed("the embedded font cannot be read".into()))?;
    if has_ending(path, "svg") {
        let mut text = String::new();
        draw(SVGBackend::with_string(&mut text, SIZE).into_drawing_area(), report).map_err(failed)?;
        return files::write(path, text.as_bytes());
    }
    let mut pixels = vec![0u8; (SIZE.0 * SIZE.1 * 3) as usize];
    draw(BitMapBackend::with_buffer(&mut pixels, SIZE).into_drawing_area(), report).map_err(failed)?;
    let mut out = std::io::Cursor::new(Vec::new());
    let encoder = image::codecs::png::PngEncoder::new(&mut out);
    image::ImageEncoder::write_image(encoder, &pixels, SIZE.0, SIZE.1, image::ExtendedColorType::Rgb8)
        .map_err(|e| failed(e.to_string()))?;
    files::write(path, &out.into_inner())
}

/// Whether a plot can be written under that name.
pub fn check(path: &Path) -> Result<()> {
    if has_ending(path, "svg") || has_ending(path, "png") {
        return Ok(());
    }
    Err(Error::Parameters(format!(
        "{}: the ending says how to draw the plot; use .svg or .png",
        path.display()
    )))
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case(ending))
}

fn draw<B: DrawingBackend>(area: DrawingArea<B, Shift>, report: &Report) -> std::result::Result<(), String> {
    draw_on(&area, report).map_err(|e| e.to_string())
}

fn draw_on<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    report: &Report,
) -> std::result::Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    area.fill(&WHITE)?;
    // The running minimum is what a person gets; single trial steps far up would only hide it.
    let (mut lowest, mut best) = (f64::INFINITY, Vec::new());
    for (i, (&loss, terms)) in report.losses.iter().zip(&report.term_losses).enumerate() {
        if loss < lowest {
            lowest = loss;
            best.push((i + 1, loss, terms));
        }
    }
    if let Some(&(_, loss, terms)) = best.last() {
        best.push((report.losses.len(), loss, terms));
    }
    let highest = best.first().map_or(1.0, |b| b.1).max(f64::MIN_POSITIVE);
    let values = best.iter().flat_map(|(_, loss, terms)| terms.iter().copied().chain([*loss]));
    // Terms that are next to nothing do not stretch the axis.
    let floor = highest * 1e-7;
    let least = values.filter(|v| *v > floor).fold(highest, f64::min);
    let last = report.losses.len().max(2);

    let title = format!(
        "{}: loss {:.3e} → {:.3e} in {} evaluations",
        report.model,
        report.first_loss,
        report.loss,
        report.losses.len()
    );
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 22))
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(84)
        .build_cartesian_2d(1..last, (least / 1.5..highest * 1.5).log_scale())?;
    chart
        .configure_mesh()
        .x_desc("evaluations")
        .y_desc("weighted loss of the best picture so far")
        .y_label_formatter(&|v| format!("{v:.0e}"))
        .light_line_style(RGBColor(238, 238, 238))
        .label_style(("sans-serif", 15))
        .draw()?;
    let mut lines =
        vec![("total".to_string(), BLACK, 3, best.iter().map(|b| (b.0, b.1)).collect::<Vec<_>>())];
    for (i, name) in report.terms.iter().enumerate() {
        let points = best.iter().filter(|b| b.2[i] > floor).map(|b| (b.0, b.2[i])).collect();
        lines.push((name.clone(), COLOURS[i % COLOURS.len()], 2, points));
    }
    for (name, colour, width, points) in lines {
        let style = colour.stroke_width(width);
        chart
            .draw_series(LineSeries::new(points, style))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 22, y)], style));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.85))
        .border_style(RGBColor(200, 200, 200))
        .label_font(("sans-serif", 15))
        .draw()?;
    area.present()
}
