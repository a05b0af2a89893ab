//! The direction of a head, computed from its five landmarks.

use crate::geometry::Point;

/// The angles of a head in degrees. All are zero when it faces the camera.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pose {
    /// Positive when the head looks to the right of the picture.
    pub yaw: f32,
    /// Positive when the head looks up.
    pub pitch: f32,
    /// Positive when the head is tilted clockwise in the picture.
    pub roll: f32,
}

/// The eyes, nose and mouth corners of an adult head in millimetres, to the right, down, and away from the camera. The
/// first two coordinates are medians of UTKFace and FairFace at an eye distance of 64. The depths come from
/// anthropometric tables.
const HEAD: [[f32; 3]; 5] = [
    [-32.0, -32.7, 28.0],
    [32.0, -32.7, 28.0],
    [0.0, 2.0, 0.0],
    [-26.5, 30.6, 21.0],
    [26.5, 30.6, 21.0],
];

impl Pose {
    /// Returns the pose whose weak-perspective picture of an average head fits best. It is the first step of DeMenthon
    /// and Davis, "Model-based object pose in 25 lines of code", 1995. The error is some ten degrees. Points that
    /// coincide give `None`.
    pub fn from_landmarks(landmarks: &[Point; 5]) -> Option<Self> {
        let mean = |axis: usize| HEAD.iter().map(|p| p[axis]).sum::<f32>() / 5.0;
        let center = [mean(0), mean(1), mean(2)];
        let seen = |of: fn(&Point) -> f32| {
            let mean = landmarks.iter().map(of).sum::<f32>() / 5.0;
            landmarks.map(|p| of(&p) - mean)
        };
        let (across, down) = (seen(|p| p.x), seen(|p| p.y));
        // The head is symmetrical, so the normal equations separate the axis to the right from the other two.
        let (mut xx, mut yy, mut yz, mut zz) = (0.0, 0.0, 0.0, 0.0);
        let (mut first, mut second) = ([0.0; 3], [0.0; 3]);
        for (i, point) in HEAD.iter().enumerate() {
            let [x, y, z] = [0, 1, 2].map(|axis| point[axis] - center[axis]);
            xx += x * x;
            yy += y * y;
            yz += y * z;
            zz += z * z;
            for (axis, value) in [x, y, z].into_iter().enumerate() {
                first[axis] += value * across[i];
                second[axis] += value * down[i];
            }
        }
        let determinant = yy * zz - yz * yz;
        let solve = |b: [f32; 3]| {
            [
                b[0] / xx,
                (b[1] * zz - b[2] * yz) / determinant,
                (b[2] * yy - b[1] * yz) / determinant,
            ]
        };
        let (r1, r2) = (unit(solve(first))?, solve(second));
        // Noise makes the two axes not quite perpendicular, and this makes them so again.
        let along: f32 = r1.iter().zip(&r2).map(|(a, b)| a * b).sum();
        let r2 = unit(std::array::from_fn(|i| r2[i] - along * r1[i]))?;
        let away = r1[0] * r2[1] - r1[1] * r2[0];
        // The face looks against the third column of the rotation.
        let look = [-r1[2], -r2[2], -away];
        let degrees = |radians: f32| radians.to_degrees();
        Some(Self {
            yaw: degrees(look[0].atan2(-look[2])),
            pitch: degrees((-look[1]).clamp(-1.0, 1.0).asin()),
            roll: degrees(r2[0].atan2(r2[1])),
        })
    }
}

fn unit(v: [f32; 3]) -> Option<[f32; 3]> {
    let length = v.iter().map(|v| v * v).sum::<f32>().sqrt();
    (length.is_finite() && length > 1e-9).then(|| v.map(|v| v / length))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The average head, turned first sideways, then up, then tilted, and projected.
    fn seen(yaw: f32, pitch: f32, roll: f32) -> [Point; 5] {
        let [(sy, cy), (sp, cp), (sr, cr)] =
            [yaw, pitch, roll].map(|degrees| degrees.to_radians().sin_cos());
        HEAD.map(|[x, y, z]| {
            // Looking right turns the nose, which is nearest, to the right.
            let (x, z) = (x * cy - z * sy, x * sy + z * cy);
            let (y, _) = (y * cp + z * sp, z * cp - y * sp);
            let (x, y) = (x * cr - y * sr, x * sr + y * cr);
            Point::new(300.0 + 2.0 * x, 200.0 + 2.0 * y)
        })
    }

    #[test]
    fn known_angles_come_back() {
        for (yaw, pitch, roll) in [
            (0.0, 0.0, 0.0),
            (30.0, 0.0, 0.0),
            (-40.0, 0.0, 0.0),
            (0.0, 20.0, 0.0),
            (0.0, 0.0, 25.0),
        ] {
            let pose = Pose::from_landmarks(&seen(yaw, pitch, roll)).expect("not degenerate");
            for (got, want) in [(pose.yaw, yaw), (pose.pitch, pitch), (pose.roll, roll)] {
                assert!((got - want).abs() < 0.5, "{pose:?} for {yaw} {pitch} {roll}");
            }
        }
        let pose = Pose::from_landmarks(&seen(25.0, -15.0, 10.0)).expect("not degenerate");
        for (got, want) in [(pose.yaw, 25.0), (pose.pitch, -15.0), (pose.roll, 10.0)] {
            assert!((got - want).abs() < 8.0, "{pose:?}");
        }
    }

    #[test]
    fn points_that_coincide_have_no_pose() {
        assert_eq!(Pose::from_landmarks(&[Point::new(5.0, 5.0); 5]), None);
        assert_eq!(Pose::from_landmarks(&[Point::new(f32::NAN, 5.0); 5]), None);
    }
}
