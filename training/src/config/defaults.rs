//! The default settings of a run, by network.

use super::{DetectConfig, Distillation, Schedule, TrainConfig, inputs};
use crate::augment::Augment;
use crate::loss::LossWeights;
use crate::model::Arch;

impl TrainConfig {
    /// Returns the defaults for `network`, which is called `arch`.
    pub fn of(arch: &str, network: Arch) -> Self {
        let input = input(&network);
        let own = Self {
            arch: arch.to_owned(),
            batch_size: 96,
            epochs: 40,
            epoch_size: 0,
            drop_last: false,
            balance: 0.5,
            views: 1,
            shuffle: false,
            learning_rate: 2e-3,
            head_lr_scale: 1.0,
            schedule: Schedule::Cosine,
            warmup_steps: 500,
            weight_decay: 0.05,
            adam_epsilon: 1e-8,
            grad_clip_norm: 5.0,
            ema_decay: 0.999,
            patience: 12,
            score_over_faces: false,
            bf16: false,
            seed: 1,
            freeze: Vec::new(),
            init_from: None,
            network,
            input,
            augment: Augment::DETECTOR,
            loss: LossWeights::default(),
            distillation: Distillation::default(),
            detect: None,
        };
        match &own.network {
            Arch::Estimator(_) => own,
            // These are the study's, as Keras has them. The study augmented its gender network alone.
            Arch::Paper(paper) => Self {
                drop_last: true,
                adam_epsilon: 1e-7,
                score_over_faces: true,
                batch_size: 32,
                epochs: 20,
                shuffle: true,
                schedule: Schedule::Constant,
                weight_decay: 0.0,
                grad_clip_norm: 0.0,
                ema_decay: 0.0,
                patience: 5,
                augment: if paper.age.is_none() { Augment::PAPER } else { Augment::NONE },
                loss: LossWeights::PAPER,
                ..own
            },
            // The first blocks find edges in every network. They learn nothing, and cost half of a step.
            Arch::MobileNet(_) => Self {
                batch_size: 64,
                epochs: 3,
                learning_rate: 2.5e-4,
                head_lr_scale: 5.0,
                weight_decay: 0.02,
                grad_clip_norm: 2.0,
                ema_decay: 0.998,
                freeze: ["stem", "b0.", "b1.", "b2.", "b3."].map(String::from).to_vec(),
                bf16: true,
                ..own
            },
            // Frames are composed, see `detect::compose`.
            Arch::Detector(_) => Self {
                batch_size: 24,
                epoch_size: 8000,
                augment: Augment::NONE,
                detect: Some(DetectConfig::default()),
                ..own
            },
        }
    }
}

/// Returns the input of a network.
pub fn input(network: &Arch) -> face_predict::InputSpec {
    let side = network.side();
    match network {
        Arch::Estimator(_) => inputs::canonical(side),
        Arch::Paper(_) => inputs::paper(side),
        Arch::Detector(_) => inputs::whole(side),
        Arch::MobileNet(_) => inputs::mobilenet(side),
    }
}
