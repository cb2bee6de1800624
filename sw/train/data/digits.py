"""Handwritten digits that come with scikit-learn: nothing to download."""

import numpy as np

from sw.errors import SubbitError
from sw.train.data.dataset import DataSet, stratified_split

__all__ = ["load_digits"]

TEST_SHARE = 0.2
SPLIT_SEED = 2024


def load_digits() -> DataSet:
    """1,797 digits, 8 x 8 x 1, split once and for all into 1,438 to train on and 359 to test on, class by class.

    The original pixels count black dots in a 4 x 4 square, 0 to 16. A full square is stored as 15, so that a pixel has
    4 bits and not 5; 16 and 15 are told apart by no network here. Source: Alpaydin and Kaynak, UCI 1998.
    """
    try:
        from sklearn.datasets import load_digits as sklearn_digits
    except ImportError:
        raise SubbitError("the digits data set needs scikit-learn: pip install scikit-learn") from None
    pixels, target = sklearn_digits(return_X_y=True)
    images = np.minimum(pixels, 15).astype(np.uint8).reshape(-1, 8, 8, 1)
    labels = target.astype(np.int64)
    train, test = stratified_split(labels, TEST_SHARE, SPLIT_SEED)
    names = tuple(str(digit) for digit in range(10))
    return DataSet("digits", images[train], labels[train], images[test], labels[test], 4, names)
