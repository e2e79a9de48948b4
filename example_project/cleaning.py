"""What any biopsy goes through before it is shown to the classifier: an ordinary module."""

import pandas as pd

LARGEST_RADIUS = 40.0  # beyond it, two cells were measured as one


def drop_mismeasured(biopsies: pd.DataFrame) -> pd.DataFrame:
    """Leave out cells that cannot be that small or that large."""
    radius = biopsies["worst radius"]
    return biopsies[(radius > 0) & (radius < LARGEST_RADIUS)]


def add_irregularity(biopsies: pd.DataFrame) -> pd.DataFrame:
    """Add how far the outline of a cell is from a circle: perimeter squared over area."""
    return biopsies.assign(irregularity=biopsies["mean perimeter"] ** 2 / biopsies["mean area"])
