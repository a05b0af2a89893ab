//! The page around figures and tables.

use std::path::Path;

use base64::Engine;
use face_predict::{Affine, Warp};

const STYLE: &str = "
:root{color-scheme:light dark;--s0:#3b6fb6;--s1:#c8553d;--s2:#4c9a63;--ink:#222;--paper:#fff;--line:#8884}
@media(prefers-color-scheme:dark){:root{--s0:#7ba7e0;--s1:#e88d78;--s2:#86c99a;--ink:#ddd;--paper:#16181b}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:1000px;margin:2em auto;padding:0 1em}
.row{display:flex;flex-wrap:wrap;gap:1em}figure{margin:0;width:460px;max-width:100%}
figcaption{font-size:13px;text-align:center}svg{width:100%;height:auto}svg text{font-size:10px;fill:var(--ink)}
.grid{stroke:var(--line)}.s0{fill:var(--s0);fill-opacity:.6}.s1{fill:var(--s1);fill-opacity:.6}.s2{fill:var(--s2);fill-opacity:.6}
.l0,.l1,.l2{fill:none;stroke-width:1.6}.l0{stroke:var(--s0)}.l1{stroke:var(--s1)}.l2{stroke:var(--s2)}
table{border-collapse:collapse;font-size:13px;margin:1em 0}td,th{padding:.15em .7em;border-bottom:1px solid var(--line);text-align:right}
td:first-child,th:first-child{text-align:left}.table{overflow-x:auto;max-width:100%}.faces{display:flex;flex-wrap:wrap;gap:.6em}
.faces div{width:104px;font-size:11px;overflow-wrap:anywhere}.faces img{width:104px;height:104px;display:block}
.note{font-size:13px;opacity:.8}";

/// Escapes text, so that it cannot be taken for markup.
pub fn escape(text: &str) -> String {
    let pairs = [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("'", "&#39;"), ("\"", "&quot;")];
    pairs.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// The whole document. The policy forbids every request, so that an error cannot leak a face.
pub fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>\
         <meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\
         <meta name='viewport' content='width=device-width'><link rel='icon' href='data:,'>\
         <title>{0}</title><style>{STYLE}</style></head><body><h1>{0}</h1>{body}</body></html>\n",
        escape(title)
    )
}

/// Draws a table of text cells.
pub fn table(head: &[String], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String], tag: &str| {
        let cells = cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", escape(cell)));
        format!("<tr>{}</tr>", cells.collect::<String>())
    };
    let body: String = rows.iter().map(|row| line(row, "td")).collect();
    // A wide table scrolls by itself, and not with the page.
    format!(
        "<div class='table'><table><thead>{}</thead><tbody>{body}</tbody></table></div>",
        line(head, "th")
    )
}

/// Draws a small picture with a caption. For a picture that cannot be read it says so.
pub fn thumbnail(path: &Path, caption: &str) -> String {
    const SIDE: usize = 104;
    let data = || -> anyhow::Result<String> {
        let picture = crate::data::pictures::open(path)?;
        let image = picture.image();
        let (width, height) = image.upright_size();
        let side = width.max(height) as f32;
        let scale = side / SIDE as f32;
        let (x0, y0) = ((width as f32 - side) / 2.0, (height as f32 - side) / 2.0);
        let map = Affine { x0, y0, ..Affine::scale(scale, scale) };
        let pixels = Warp::default().cut_rgb(&image, &map, SIDE, SIDE)?;
        let mut file = Vec::new();
        let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, 80);
        let (side, kind) = (SIDE as u32, image::ExtendedColorType::Rgb8);
        image::ImageEncoder::write_image(encoder, &pixels, side, side, kind)?;
        Ok(base64::engine::general_purpose::STANDARD.encode(file))
    };
    let caption = escape(caption);
    match data() {
        Ok(data) => {
            format!("<div><img alt='{caption}' src='data:image/jpeg;base64,{data}'>{caption}</div>")
        }
        Err(error) => format!("<div>{caption}: {}</div>", escape(&error.to_string())),
    }
}
