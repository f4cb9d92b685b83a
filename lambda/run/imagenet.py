"""torchvision's ImageNet weights: the file of each architecture, by edition.

A file's name ends in the first 8 hex digits of its SHA-256.
"""

EDITIONS = {
    "imagenet": {
        "resnet18": "resnet18-f37072fd.pth",
        "resnet34": "resnet34-b627a593.pth",
        "resnet50": "resnet50-0676ba61.pth",
        "resnet101": "resnet101-63fe2227.pth",
        "resnet152": "resnet152-394f9c45.pth",
        "mobilenet_v2": "mobilenet_v2-b0353104.pth",
    },
    "imagenet-v2": {
        "resnet50": "resnet50-11ad3fa6.pth",
        "resnet101": "resnet101-cd907fc2.pth",
        "resnet152": "resnet152-f82ba261.pth",
        "mobilenet_v2": "mobilenet_v2-7ebf99e0.pth",
    },
}
"""IMAGENET1K_V1 and IMAGENET1K_V2; the second edition lacks the small networks."""


def key(edition: str, architecture: str) -> str:
    """Where the data bucket holds the file."""
    return f"weights/imagenet/{EDITIONS[edition][architecture]}"
