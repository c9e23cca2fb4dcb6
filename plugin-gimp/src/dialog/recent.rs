// SPDX-License-Identifier: GPL-3.0-or-later
//! The styles that were painted with last, to choose again with one press.

use gimp::gio;
use gimp::prelude::*;
use gimp_ui::gtk;
use gimp_ui::prelude::*;

use super::styles;
use crate::recent::{self, Recent};
use crate::text::tr;
use crate::{parameters, thumbnail};

/// The side of a thumbnail, in the screen's logical pixels. Eight of them are as wide as the settings.
const SIDE: i32 = 33;
/// The most letters of a name that stands for a missing thumbnail.
const LETTERS: i32 = 8;

/// A button for each style, the latest first; None if there are none. `scale` is the screen's: device pixels for one logical
/// pixel.
pub fn chooser(config: &gimp::ProcedureConfig, scale: i32) -> Option<gtk::Widget> {
    let list = recent::list();
    if list.is_empty() {
        return None;
    }
    let row = gtk::Box::new(gtk::Orientation::Horizontal, 0);
    for style in list {
        row.pack_start(&button(&style, config, scale), false, false, 0);
    }
    let label = gtk::Label::new(Some(&tr("Recent styles")));
    label.set_xalign(0.0);
    let column = gtk::Box::new(gtk::Orientation::Vertical, 3);
    column.pack_start(&label, false, false, 0);
    column.pack_start(&row, false, false, 0);
    Some(column.upcast())
}

fn button(style: &Recent, config: &gimp::ProcedureConfig, scale: i32) -> gtk::Button {
    let (side, button) = (SIDE * scale, gtk::Button::new());
    button.set_relief(gtk::ReliefStyle::None);
    let (name, picture, tip) = match style {
        Recent::Own(id) => {
            let title =
                parameters::styles().into_iter().find(|(known, _)| known == id).map_or("", |(_, t)| t);
            (tr(title), styles::thumbnail(id, side), tr(title))
        }
        Recent::File { uri, thumbnail } => {
            let file = gio::File::for_uri(uri);
            let name = file.basename().map(|n| n.display().to_string()).unwrap_or_default();
            (name.into(), thumbnail::read(thumbnail, side), file.parse_name())
        }
    };
    styles::show(&button, picture, &name, scale);
    if let Some(label) = button.child().and_then(|child| child.downcast::<gtk::Label>().ok()) {
        label.set_ellipsize(gtk::pango::EllipsizeMode::Middle);
        label.set_max_width_chars(LETTERS);
    }
    button.set_tooltip_text(Some(&tip));
    let (config, style) = (config.downgrade(), style.clone());
    button.connect_clicked(move |_| {
        if let Some(config) = config.upgrade() {
            choose(&style, &config);
        }
    });
    button
}

/// Makes a style the one that is painted with.
fn choose(style: &Recent, config: &gimp::ProcedureConfig) {
    match style {
        Recent::Own(id) => {
            config.set_property("style-name", id);
            config.set_property("style-from", "built-in");
        }
        Recent::File { uri, .. } => {
            config.set_property("style-file", gio::File::for_uri(uri));
            config.set_property("style-from", "file");
        }
    }
}
