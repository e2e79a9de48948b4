"""How to get a library that an import lacks."""

from __future__ import annotations

DISTRIBUTIONS = {
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "PIL": "pillow",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "umap": "umap-learn",
    "yaml": "pyyaml",
}
"""Import names that differ from what ``pip install`` wants."""


def install_command(module: str) -> str:
    """Return the command that installs what provides `module`, as far as its name tells."""
    top = module.partition(".")[0]
    return f"pip install {DISTRIBUTIONS.get(top, top)}"
