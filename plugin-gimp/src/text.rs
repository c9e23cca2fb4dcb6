// SPDX-License-Identifier: GPL-3.0-or-later
//! Texts that people see, in their language. Catalogues are made from `po/` and lie in `locale` beside the
//! program; GIMP binds that folder.

/// The gettext domain.
pub const DOMAIN: &str = "impasto-gimp";

/// The translation of a text.
pub fn tr(text: &str) -> glib::GString {
    glib::dgettext(Some(DOMAIN), text)
}

/// The translation of a text with `{name}` places, filled in.
pub fn fill(text: &str, places: &[(&str, &str)]) -> String {
    let mut out = tr(text).to_string();
    for (name, value) in places {
        out = out.replace(&format!("{{{name}}}"), value);
    }
    out
}
