"""Many networks as one model: each must learn as if it were alone."""

import keras
import numpy as np
import pytest
from keras import ops

from lossutils.teaching import diabetes_with_outliers
from lossutils.teaching.side_by_side import diabetes_splits, networks, repeated

SPLITS = diabetes_splits(3)


@pytest.mark.parametrize("name", ["x_train", "y_train", "x_test", "y_test", "is_outlier"])
def test_each_split_is_that_of_its_seed(name):
    alone = diabetes_with_outliers(seed=2)
    np.testing.assert_array_equal(getattr(SPLITS, name)[:, 2], getattr(alone, name))


def test_the_share_of_outliers_is_passed_on():
    assert diabetes_splits(1, 0.25).is_outlier.mean() == pytest.approx(0.25, abs=0.01)


def test_a_network_learns_as_if_it_were_alone():
    def loss(y_true, y_pred):
        return ops.sum(ops.square(y_true - y_pred), axis=(1, 2))

    def trained(model, x, y):
        model.compile(keras.optimizers.SGD(0.01), loss=loss)
        model.fit(x, y, batch_size=331, epochs=3, verbose=0)
        return model.predict(x, verbose=0)

    together, alone = networks(3, seed=1), networks(1, seed=1)
    alone.set_weights([w[1:2] for w in together.get_weights()])
    x, y = SPLITS.x_train, SPLITS.y_train
    predictions = trained(together, x, y)[:, 1:2]
    np.testing.assert_allclose(predictions, trained(alone, x[:, 1:2], y[:, 1:2]), rtol=1e-4)


def test_copies_begin_alike_and_splits_do_not():
    x = np.ones((1, 3, 10), "float32")
    predictions = networks(3, copies=2, seed=1)(repeated(x, 2)).numpy().ravel()
    np.testing.assert_array_equal(predictions[:3], predictions[3:])
    assert len(set(predictions[:3])) == 3


def test_repeated_data_fit_the_copies():
    array = np.arange(6).reshape(1, 3, 2)
    np.testing.assert_array_equal(repeated(array, 2)[0, :, 0], [0, 2, 4, 0, 2, 4])
