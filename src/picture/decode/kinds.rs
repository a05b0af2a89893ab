//! Names the formats of files that the library cannot decode, for the error message.

/// Returns the name of the format, which it recognises by the first bytes. Returns `None` if the format is not known.
pub(super) fn other_format(bytes: &[u8]) -> Option<&'static str> {
    /// Each of these beginnings belongs to one format.
    const BEGINNINGS: [(&[u8], &str); 14] = [
        (b"GIF8", "GIF"),
        (b"II*\0", "TIFF"),
        (b"MM\0*", "TIFF"),
        (b"II+\0", "TIFF"),
        (b"MM\0+", "TIFF"),
        (b"\xFF\x0A", "JPEG XL"),
        (b"\0\0\0\x0CJXL \r\n\x87\n", "JPEG XL"),
        (b"\0\0\0\x0CjP  \r\n\x87\n", "JPEG 2000"),
        (b"\xFF\x4F\xFF\x51", "JPEG 2000"),
        (b"%PDF-", "PDF"),
        (b"8BPS", "Photoshop"),
        (b"\0\0\x01\0", "ICO"),
        (b"qoif", "QOI"),
        (b"data:", "a data URL"),
    ];

    if let Some((_, name)) = BEGINNINGS.iter().find(|(start, _)| bytes.starts_with(start)) {
        return Some(name);
    }
    if bytes.get(4..8) == Some(b"ftyp") {
        return Some(container(bytes));
    }
    let text = text_start(bytes);
    let is = |word: &str| text.starts_with(word);
    if is("<!doctype html") || is("<html") || is("<head") || is("<body") {
        Some("HTML")
    } else if is("<svg") || is("<?xml") && text.contains("<svg") {
        Some("SVG")
    } else if is("<?xml") {
        Some("XML")
    } else if is("{\"") {
        Some("JSON")
    } else {
        None
    }
}

/// The format of an ISO container: by its main brand, or where that is a general one, by those it is compatible with.
fn container(bytes: &[u8]) -> &'static str {
    let size = bytes.first_chunk().map_or(0, |size| u32::from_be_bytes(*size)) as usize;
    let brands = bytes.get(8..size.clamp(12, 256).min(bytes.len())).unwrap_or_default();
    // The second four bytes are a version.
    let mut brands =
        brands.chunks_exact(4).enumerate().filter(|(i, _)| *i != 1).map(|(_, brand)| brand);
    let known = brands.find_map(|brand| match brand {
        b"avif" | b"avis" => Some("AVIF"),
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" => Some("HEIC"),
        b"jxl " => Some("JPEG XL"),
        b"jp2 " | b"jpx " => Some("JPEG 2000"),
        b"isom" | b"iso2" | b"mp41" | b"mp42" | b"avc1" | b"M4V " | b"qt  " => Some("a video"),
        _ => None,
    });
    known.unwrap_or("HEIF or another ISO container")
}

/// The first characters in lower case, without a mark of byte order and white space.
fn text_start(bytes: &[u8]) -> String {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = String::from_utf8_lossy(bytes.get(..bytes.len().min(512)).unwrap_or_default());
    text.trim_start().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::other_format;

    #[test]
    fn formats_are_named() {
        let named: [(&[u8], &str); 17] = [
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIC"),
            (b"\0\0\0\x1Cftypmif1\0\0\0\0mif1avifmiaf", "AVIF"),
            (b"\0\0\0\x10ftypmif1\0\0\0\0", "HEIF or another ISO container"),
            (b"\0\0\0\x14ftypisom\0\0\x02\0mp41", "a video"),
            (b"\0\0\0\x0CJXL \r\n\x87\n....", "JPEG XL"),
            (b"\xFF\x0A\x10", "JPEG XL"),
            (b"\0\0\0\x0CjP  \r\n\x87\n....", "JPEG 2000"),
            (b"\xFF\x4F\xFF\x51\0", "JPEG 2000"),
            (b"%PDF-1.7\n", "PDF"),
            (b"\r\n<!DOCTYPE html>\n<html>", "HTML"),
            (b"\xEF\xBB\xBF<HTML lang=en>", "HTML"),
            (b"<?xml version=\"1.0\"?>\n<svg xmlns=", "SVG"),
            (b"GIF89a", "GIF"),
            (b"II*\0....", "TIFF"),
            (b"data:image/jpeg;base64,/9j/4AAQ", "a data URL"),
            (b"{\"error\": 404}", "JSON"),
        ];
        for (bytes, name) in named {
            assert_eq!(other_format(bytes), Some(name), "{:?}", String::from_utf8_lossy(bytes));
        }
        for bytes in [&b""[..], b"\0", b"no picture", b"\0\0\0\x18ftyp"] {
            assert_eq!(other_format(bytes).filter(|name| !name.contains("ISO")), None);
        }
    }
}
