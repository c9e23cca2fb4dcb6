// SPDX-License-Identifier: GPL-3.0-or-later
//! Filters ▸ Artistic ▸ Neural Style Transfer… in GIMP 3: the program that GIMP starts. It describes itself
//! when GIMP asks, and opens libimpasto only when the filter runs.

// No console window appears on Windows; on other systems this changes nothing.
#![windows_subsystem = "windows"]

mod apart;
mod arguments;
mod canvas;
mod dialog;
mod engine;
mod filter;
mod library;
mod on_canvas;
mod paint;
mod painter;
mod parameters;
mod picture;
mod pixels;
mod progress;
mod recent;
mod result;
mod seen;
mod settings;
mod style;
mod text;
mod thumbnail;

use gimp::prelude::*;
use gimp::subclass::prelude::*;

use text::tr;

/// The procedure's name in GIMP's procedure database.
const PROCEDURE: &str = "plug-in-impasto";
/// The name of the procedure that paints for it where the picture so far is seen on the canvas.
const PAINTER: &str = "plug-in-impasto-painter";

mod imp {
    use super::*;

    #[derive(Default)]
    pub struct Impasto;

    #[glib::object_subclass]
    impl ObjectSubclass for Impasto {
        const NAME: &'static str = "ImpastoPlugIn";
        type Type = super::Impasto;
        type ParentType = gimp::PlugIn;
    }

    impl ObjectImpl for Impasto {}

    impl PlugInImpl for Impasto {
        fn query_procedures(&self) -> Vec<String> {
            vec![PROCEDURE.into(), PAINTER.into()]
        }

        fn set_i18n(&self, _: &str) -> Option<gimp::subclass::I18n> {
            Some(gimp::subclass::I18n {
                gettext_domain: Some(text::DOMAIN.into()),
                catalog_dir: Some("locale".into()),
            })
        }

        fn create_procedure(&self, name: &str) -> Option<gimp::Procedure> {
            let kind = gimp::PDBProcType::Plugin;
            if name == PAINTER {
                let procedure = gimp::Procedure::new(&*self.obj(), name, kind, painter::run);
                let what = format!("Paints for {PROCEDURE}, which is the one to call.");
                procedure.set_documentation(&what, None, None);
                procedure.set_attribution("The Impasto authors", "The Impasto authors", "2026");
                painter::declare(&procedure);
                return Some(procedure);
            }
            if name != PROCEDURE {
                return None;
            }
            let procedure = gimp::ImageProcedure::new(&*self.obj(), name, kind, filter::run);
            procedure.set_image_types("RGB*, GRAY*");
            procedure.set_sensitivity_mask(gimp::ProcedureSensitivityMask::DRAWABLE);
            procedure.set_menu_label(&tr("_Neural Style Transfer..."));
            procedure.add_menu_path("<Image>/Filters/Artistic");
            procedure.set_documentation(
                &tr("Repaints the picture in the style of another"),
                Some(&tr(
                    "Changes the pixels until a neural network sees the picture's content and the other picture's \
                     style in them (Gatys, Ecker and Bethge 2016). Honours the selection and transparency; the \
                     result is a new layer or replaces the pixels.",
                )),
                None,
            );
            procedure.set_attribution("The Impasto authors", "The Impasto authors", "2026");
            arguments::declare(&procedure);
            Some(procedure.upcast())
        }
    }
}

glib::wrapper! {
    pub struct Impasto(ObjectSubclass<imp::Impasto>) @extends gimp::PlugIn;
}

gimp::main!(Impasto);
