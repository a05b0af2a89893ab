//! The crops that networks take.

use face_predict::{CropAnchor, CropRule, InputSpec};

/// The canonical crop. It is as wide as UTKFace's tight pictures allow without much repeated border. The frames are
/// medians over UTKFace and FairFace, of the boxes that YuNet finds and of the whole pictures.
pub fn canonical(side: usize) -> InputSpec {
    InputSpec {
        width: side,
        height: side,
        channels: "RGB".into(),
        mean: [0.5; 3],
        std: [0.25; 3],
        crop: CropRule::Landmarks {
            template: [
                [0.332, 0.319],
                [0.668, 0.319],
                [0.5, 0.501],
                [0.361, 0.651],
                [0.639, 0.651],
            ],
            face: CropAnchor { x: 0.503, y: 0.436, side: 0.815 },
            picture: CropAnchor { x: 0.508, y: 0.5, side: 0.872 },
        },
    }
}

/// The study's crop: the face's box, resized, with values from 0 to 1.
pub fn paper(side: usize) -> InputSpec {
    InputSpec {
        width: side,
        height: side,
        channels: "RGB".into(),
        mean: [0.0; 3],
        std: [1.0; 3],
        crop: CropRule::Box { margin: 0.0 },
    }
}

/// The crop of `mobilenet`. Eyes, nose and corners of the mouth lie where ArcFace (Deng et al. 2019) has them, and its
/// weights started near that. The mean of VGGFace2 is subtracted from the colours.
pub fn mobilenet(side: usize) -> InputSpec {
    // The template has 112 pixels, and is contracted a little.
    const POINTS: [[f32; 2]; 5] = [
        [38.2946, 51.6963],
        [73.5318, 51.5014],
        [56.0252, 71.7366],
        [41.5493, 92.3655],
        [70.7299, 92.2041],
    ];
    InputSpec {
        width: side,
        height: side,
        channels: "RGB".into(),
        mean: [123.68 / 255.0, 116.779 / 255.0, 103.939 / 255.0],
        std: [1.0 / 255.0; 3],
        crop: CropRule::Landmarks {
            template: POINTS.map(|p| p.map(|v| (v - 56.0) * 0.954 / 112.0 + 0.5)),
            // The other numbers are those of the canonical crop, by the distance of the eyes.
            face: CropAnchor { x: 0.503, y: 0.576, side: 0.728 },
            picture: CropAnchor { x: 0.5, y: 0.5, side: 1.363 },
        },
    }
}

/// The input of a detector, which is the whole picture. Other sizes follow from the picture.
pub fn whole(side: usize) -> InputSpec {
    InputSpec {
        width: side,
        height: side,
        channels: "RGB".into(),
        mean: [0.5; 3],
        std: [0.25; 3],
        crop: CropRule::Whole,
    }
}
