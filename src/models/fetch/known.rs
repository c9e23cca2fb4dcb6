//! The models that are known by name, and where the Hugging Face hub has them.

/// A model that is known by name.
pub(super) struct Known {
    pub name: &'static str,
    /// The repository and the file on the Hugging Face hub.
    pub repository: &'static str,
    pub file: &'static str,
    pub provenance: &'static str,
    pub licence: &'static str,
    /// The values that the first convolution begins with, to at least four decimals, as PyTorch prints them.
    pub first: &'static [f32],
}

/// The hub.
pub(super) const HUB: &str = "https://huggingface.co";
/// All of them.
pub(super) const KNOWN: [Known; 2] = [
    Known {
        name: "vgg19",
        repository: "timm/vgg19.tv_in1k",
        file: "model.safetensors",
        provenance: "torchvision's VGG19 weights for ImageNet, as published by timm (timm/vgg19.tv_in1k)",
        licence: "BSD-3-Clause",
        first: &[
            -5.3474e-2, -4.9257e-2, -6.7942e-2, 1.5314e-2, 4.5068e-2, 2.1444e-3, 3.6226e-2, 1.9999e-2,
            1.9864e-2, 1.7015e-2, 5.5403e-2, -6.2293e-3, 1.4165e-1, 2.2705e-1, 1.3758e-1, 1.2000e-1,
            2.0030e-1, 9.2114e-2,
        ],
    },
    Known {
        name: "vgg16",
        repository: "timm/vgg16.tv_in1k",
        file: "model.safetensors",
        provenance: "torchvision's VGG16 weights for ImageNet, as published by timm (timm/vgg16.tv_in1k)",
        licence: "BSD-3-Clause",
        first: &[
            -0.5537, 0.1427, 0.5290, -0.5831, 0.3566, 0.7657, -0.6902, -0.0480, 0.4841, 0.1755, 0.0099,
            -0.0814, 0.0441, -0.0703, -0.2604, 0.1324, -0.1728, -0.1323, 0.3130, -0.1659, -0.4275, 0.4752,
            -0.0827, -0.4870, 0.6320, 0.0193, -0.2775,
        ],
    },
];
