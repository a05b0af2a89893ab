//! What each fuzz target does with its bytes. tests/fuzz_smoke.rs includes this file, so it needs no nightly.

use face_predict::ffi::*;
use face_predict::{DecodeLimits, Model, ModelOptions, Options, Picture, Predictions, Workspace};

mod session;
pub use session::session;

/// Takes numbers from the bytes, and zero once they are used up.
struct Source<'a>(&'a [u8]);

impl Source<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        let count = N.min(self.0.len());
        out[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        out
    }

    fn byte(&mut self) -> u8 {
        u8::from_le_bytes(self.take())
    }

    /// Returns mostly a small number, and sometimes any.
    fn number(&mut self) -> u64 {
        match self.byte() {
            255 => u64::from_le_bytes(self.take()),
            254 => u64::from(u32::from_le_bytes(self.take())),
            253 => u64::from(u16::from_le_bytes(self.take())),
            small => u64::from(small),
        }
    }

    fn float(&mut self) -> f32 {
        match self.byte() {
            255 => f32::from_le_bytes(self.take()),
            254 => f32::NAN,
            253 => f32::INFINITY,
            small => f32::from(small) - 20.0,
        }
    }
}

struct Handles {
    model: *mut face_predict_model,
    result: *mut face_predict_result,
}

impl Handles {
    fn new() -> Self {
        let mut model = std::ptr::null_mut();
        // SAFETY: the place for the model is valid, and NULL means the default options.
        let status = unsafe { face_predict_model_load_default(std::ptr::null(), &mut model) };
        assert_eq!(status, FACE_PREDICT_OK);
        Self { model, result: face_predict_result_new() }
    }
}

impl Drop for Handles {
    fn drop(&mut self) {
        // SAFETY: both came from the library, and are freed once.
        unsafe {
            face_predict_result_free(self.result);
            face_predict_model_free(self.model);
        }
    }
}

/// Calls the C interface with any descriptor, options and regions, whose pointers are right.
pub fn image_descriptor(data: &[u8]) {
    let handles = Handles::new();
    let mut source = Source(data);
    let pixels = vec![source.byte(); 1 << (source.byte() % 16)];
    let point =
        |source: &mut Source<'_>| face_predict_point { x: source.float(), y: source.float() };
    let regions: Vec<face_predict_region> = (0..source.byte() % 4)
        .map(|_| face_predict_region {
            x: source.float(),
            y: source.float(),
            width: source.float(),
            height: source.float(),
            landmarks: std::array::from_fn(|_| point(&mut source)),
        })
        .collect();
    let known = size_of::<face_predict_image>() as u64;
    let size = |source: &mut Source<'_>, known: u64| match source.byte() {
        // The size is never larger than the memory, which no library could survive.
        200.. => (source.number() % (known + 1)) as u32,
        _ => known as u32,
    };
    let image = face_predict_image {
        struct_size: size(&mut source, known),
        format: source.number() as u32 % 16,
        width: source.number() as u32,
        height: source.number() as u32,
        planes: [pixels.as_ptr().cast(), std::ptr::null(), std::ptr::null()],
        strides: [source.number() as usize, source.byte().into(), source.byte().into()],
        // The size is always given, since 0 means that the caller vouches for it.
        sizes: [pixels.len(), 0, 0],
        rotation: u32::from(source.byte()) % 5 * 90,
        mirrored: u32::from(source.byte()) % 2,
        chroma_step: u32::from(source.byte()) % 4,
        yuv: u32::from(source.byte()) % 5,
        bottom_up: u32::from(source.byte()) % 2,
        reserved: u32::from(source.byte() > 250),
    };
    let options = face_predict_options {
        struct_size: size(&mut source, size_of::<face_predict_options>() as u64),
        flags: source.number() as u32 % 64,
        max_faces: source.number() as u32 % 4,
        region_count: regions.len() as u32,
        min_face_size: u32::from(source.byte()),
        min_score: source.float() / 50.0,
        // One in four calls searches.
        regions: if source.byte() < 64 { std::ptr::null() } else { regions.as_ptr() },
        age_coverage: source.float() / 50.0,
        gender_threshold: source.float() / 50.0,
        crops: u32::from(source.byte()) % 10,
        // They are never larger than their memory.
        region_size: u32::from(source.byte()).min(size_of::<face_predict_region>() as u32),
    };
    // SAFETY: every pointer is live, and every size is at most that of its memory.
    unsafe {
        let status = face_predict(handles.model, &image, &options, handles.result);
        assert_ne!(status, FACE_PREDICT_ERROR_INTERNAL);
        let count = face_predict_result_count(handles.result);
        assert!(status == FACE_PREDICT_OK || count == 0);
        for index in 0..count {
            let mut face = std::mem::zeroed::<face_predict_face>();
            let size = size_of_val(&face);
            let status = face_predict_result_face(handles.result, index, &mut face, size);
            assert_eq!(status, FACE_PREDICT_OK);
            if options.flags & FACE_PREDICT_SKIP_AGE == 0 {
                assert!((0.0..=150.0).contains(&face.age), "{}", face.age);
            }
        }
    }
}

/// Decodes any bytes as an encoded picture. The limits are small, so that time goes into many pictures and not into
/// large ones.
pub fn encoded(data: &[u8]) {
    let mut limits = DecodeLimits::default();
    limits.max_pixels = 1 << 18;
    if let Ok(picture) = Picture::decode(data, &limits) {
        let (width, height) = picture.image().upright_size();
        assert!(width > 0 && height > 0 && (width * height) as u64 <= limits.max_pixels);
    }
}

/// Decodes any bytes as a JPEG. If one scale can be read, all can.
pub fn jpeg(data: &[u8]) {
    let Ok(jpeg) = face_predict_jpeg::Jpeg::new(data) else {
        return;
    };
    jpeg.exif().for_each(drop);
    if jpeg.width() * jpeg.height() > 1 << 18 {
        return;
    }
    let read = face_predict_jpeg::Scale::ALL.map(|scale| match jpeg.decode(scale) {
        Ok(pixels) => {
            assert_eq!(pixels.width, jpeg.width().div_ceil(scale.divisor()));
            assert_eq!(pixels.height, jpeg.height().div_ceil(scale.divisor()));
            assert_eq!(pixels.data.len(), pixels.width * pixels.height * pixels.channels());
            true
        }
        Err(_) => false,
    });
    assert_eq!(read, [read[0]; 4]);
}

/// Loads any bytes as a detector. If it loads, it must give boxes in their picture. It returns how many.
pub fn detector_bytes(data: &[u8]) -> usize {
    let mut count = 0;
    for plain in [false, true] {
        let options = ModelOptions::new().plain_convolutions(plain);
        let Ok(model) = Model::load_bytes(data, &options) else { return 0 };
        let pixels: Vec<u8> = (0..32 * 32).map(|i| (i * 37 % 251) as u8).collect();
        let format = face_predict::Format::Gray;
        let image = face_predict::Image::new(format, 32, 32, &pixels).expect("a right picture");
        let mut out = Predictions::new();
        let search = Options::new().skip_age(true).skip_gender(true).min_score(0.1);
        // This picture alone may give numbers that are not finite, so an error is fine.
        if model.predict_into(&image, &search, &mut Workspace::new(), &mut out).is_err() {
            continue;
        }
        count = out.len();
        for face in out.faces() {
            let (rect, center) = (face.rect(), face.rect().center());
            let sides = [rect.x, rect.y, rect.width, rect.height];
            assert!(
                sides.iter().all(|v| v.is_finite()) && rect.width > 0.0 && rect.height > 0.0,
                "{rect:?}"
            );
            assert!((0.0..32.0).contains(&center.x) && (0.0..32.0).contains(&center.y), "{rect:?}");
            assert!(face.score().is_some_and(|score| (0.1..=1.0).contains(&score)));
        }
    }
    count
}

/// Loads any bytes as a model. If it loads, it must work, and answer the same with the engine's own convolutions. A network
/// that magnifies a small change of the picture also magnifies the rounding, and is not compared.
pub fn model_bytes(data: &[u8]) {
    let answer = |plain: bool, change: usize| {
        let options = ModelOptions::new().plain_convolutions(plain);
        let model = Model::load_bytes(data, &options).ok()?;
        let pixels: Vec<u8> = (0..32 * 32).map(|i| (i * 37 % 251 + i % 3 * change) as u8).collect();
        let format = face_predict::Format::Gray;
        let image = face_predict::Image::new(format, 32, 32, &pixels).expect("a right picture");
        let (mut workspace, mut out) = (Workspace::new(), Predictions::new());
        // This picture alone may give numbers that are not finite, so an error is fine.
        model.predict_into(&image, &Options::new().cropped(true), &mut workspace, &mut out).ok()?;
        Some(out)
    };
    let numbers = |out: Predictions| -> Vec<f32> {
        let of = |face: face_predict::Face<'_>| {
            let years = face.age().map(|age| age.years().to_vec()).unwrap_or_default();
            years.into_iter().chain(face.female_probability()).collect::<Vec<f32>>()
        };
        out.faces().flat_map(of).collect()
    };
    let distance =
        |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    let (Some(fast), Some(plain)) = (answer(false, 0), answer(true, 0)) else { return };
    let (fast, plain) = (numbers(fast), numbers(plain));
    assert_eq!(fast.len(), plain.len());
    let difference = distance(&fast, &plain);
    if difference > 1e-2 {
        let Some(changed) = answer(true, 1).map(numbers) else { return };
        let magnified = distance(&plain, &changed) > 0.05;
        assert!(magnified, "{difference} between our convolutions and the engine's");
    }
}
