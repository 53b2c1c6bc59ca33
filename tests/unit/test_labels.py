"""What ``fit`` says of labels that no loss can take, wherever they stand; before the first step."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from contract import arrays, equal

from lossutils import NCA, CostThreshold, ModelWithLoss, SwitchedLoss

RNG = np.random.default_rng(3)
X = RNG.normal(size=(16, 2)).astype("float32")
Y = (X[:, :1] > 0).astype("float32")
ENDS_BADLY = np.where(np.arange(16)[:, None] == 3, np.nan, Y)
CLASSES = np.array(["cat", "dog"] * 8)


class Batches(keras.utils.PyDataset):
    """Four batches from arrays."""

    def __init__(self, x, y):
        super().__init__()
        self.x, self.y = x, y

    def __len__(self):
        return 4

    def __getitem__(self, index):
        rows = slice(4 * index, 4 * index + 4)
        return self.x[rows], self.y[rows]


def dataset(x, y):
    return tf.data.Dataset.from_tensor_slices((x, y)).batch(4)


def model(loss=None, outputs=1):
    keras.utils.set_random_seed(1)
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(outputs, "sigmoid")])
    model = ModelWithLoss(network, loss or CostThreshold())
    model.compile("adam")
    return model


def assert_refused(model, *data, words, **options):
    before = arrays(model.variables)
    with pytest.raises(ValueError) as caught:
        model.fit(*data, verbose=0, **options)
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert equal(arrays(model.variables), before)


WAYS = {"arrays": lambda x, y: (x, y), "tf.data": lambda x, y: (dataset(x, y),)}
WAYS["PyDataset"] = lambda x, y: (Batches(x, y),)
BAD = {
    "nan": (ENDS_BADLY, ["`y`", "finite", "nan"]),
    "-1 and 1": (2 * Y - 1, ["`y`", "only 0 and 1", "-1.0"]),
    "strings": (np.where(Y == Y[0], "yes", "no"), ["`y`", "numbers", "yes", "np.unique"]),
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("way", WAYS)
def test_bad_labels_are_refused(way, bad):
    labels, words = BAD[bad]
    place = [] if way == "arrays" else ["first batch of `x`"]
    assert_refused(model(), *WAYS[way](X, labels), words=words + place)


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("way", WAYS)
def test_bad_labels_of_validation_data_are_refused(way, bad):
    labels, words = BAD[bad]
    data = WAYS[way](X, labels)
    held_out = data if way == "arrays" else data[0]
    words = words + ["`validation_data`"]
    assert_refused(model(), X, Y, validation_data=held_out, words=words)
    if way == "arrays":
        assert_refused(model(), X, Y, validation_data=(*data, np.ones(16)), words=words)


def test_class_names_are_refused_for_neighbours():
    loss = NCA(2)
    words = ["`y`", "numbers", "'cat'", "np.unique(y, return_inverse=True)[1]"]
    assert_refused(model(loss, 2), X, CLASSES, words=words)
    model(loss, 2).fit(X, np.unique(CLASSES, return_inverse=True)[1], verbose=0)


def test_the_losses_of_a_switched_loss_check_the_labels_too():
    loss = SwitchedLoss(["binary_crossentropy", CostThreshold()], names=["plain", "cost"])
    assert_refused(model(loss), X, 2 * Y - 1, words=["`y`", "only 0 and 1"])


@pytest.mark.parametrize("way", WAYS)
def test_good_labels_train(way):
    trained = model()
    before = arrays(trained.variables)
    data = WAYS[way](X, Y)
    trained.fit(*data, validation_data=data if way == "arrays" else data[0], verbose=0)
    assert not equal(arrays(trained.variables), before)


def test_a_data_set_is_looked_at_once_in_each_fit():
    begun = []

    def rows():
        begun.append(1)
        yield from zip(X, Y, strict=True)

    spec = (tf.TensorSpec((2,)), tf.TensorSpec((1,)))
    data = tf.data.Dataset.from_generator(rows, output_signature=spec).batch(4)
    trained = model()
    for _ in range(2):
        trained.fit(data, epochs=3, verbose=0)
    assert len(begun) == 2 * (1 + 3)


def test_a_data_set_is_refused_again():
    trained, data = model(), dataset(X, 2 * Y - 1)
    for _ in range(2):
        assert_refused(trained, data, words=["first batch of `x`", "only 0 and 1"])


def test_inputs_in_a_list_are_no_data_set():
    both = [keras.Input((2,)), keras.Input((1,))]
    network = keras.Model(both, keras.layers.Dense(1)(keras.layers.concatenate(both)))
    two = ModelWithLoss(network, CostThreshold(from_logits=True))
    two.compile("adam")
    with pytest.raises(ValueError, match="`y` must hold the labels"):
        two.fit([X, np.full_like(Y, np.nan)], verbose=0)
