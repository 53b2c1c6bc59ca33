"""The five questions, put to models of which the answers are known."""

import keras
import numpy as np
import pytest
from keras import ops

from lossutils import ModelWithLoss, StatefulLoss
from lossutils.teaching.kept_variables import answers, show_answers

X, Y = np.ones((4, 1), "float32"), np.full((4, 1), 3.0, "float32")


def network():
    return keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])


@keras.saving.register_keras_serializable(package="test_kept_variables")
class Scaled(StatefulLoss):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.scale = self.add_weight(initializer="ones", name="scale")

    def call(self, y_true, y_pred):
        return ops.mean(self.scale * ops.square(y_true - y_pred), axis=-1)


@keras.saving.register_keras_serializable(package="test_kept_variables")
class Frozen(ModelWithLoss):
    @classmethod
    def from_config(cls, config):
        model = super().from_config(config)
        model.loss_layer.trainable = False
        return model


def asked(model, variable_of=lambda model: model.loss_layer.scale, x=X):
    model.compile("adam", run_eagerly=True)
    return answers(model, variable_of, x, Y)


def test_a_model_that_owns_its_loss_answers_all_with_yes():
    assert asked(ModelWithLoss(network(), Scaled())) == (True, True, True, True, True)


def test_a_variable_beside_the_model_does_not_move():
    beside = keras.Variable(1.0)
    row = asked(ModelWithLoss(network(), Scaled()), lambda model: beside)
    assert row == (False, "-", "-", True, True)


def test_a_loaded_model_that_stands_still_is_found_out():
    assert asked(Frozen(network(), Scaled()))[:3] == (True, True, False)


def test_a_model_that_cannot_be_loaded_is_told():
    class Unknown(ModelWithLoss):
        def get_config(self):
            raise ValueError("cannot be saved")

    assert asked(Unknown(network(), Scaled()))[:3] == (True, "load fails", "-")


def test_labels_as_inputs_and_losses_beside_the_weights_are_found_out():
    class Endpoint(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.scale = self.add_weight(initializer="ones")

        def call(self, y_true, y_pred):
            self.add_loss(ops.mean(self.scale * ops.square(y_true - y_pred)))
            return y_pred

    inputs, labels, endpoint = keras.Input((1,)), keras.Input((1,)), Endpoint()
    model = keras.Model([inputs, labels], endpoint(labels, network()(inputs)))
    row = asked(model, lambda model: endpoint.scale, [X, Y])
    assert row[3:] == (False, False)


@pytest.mark.parametrize("row", [(True, "load fails", "-", False, True)])
def test_the_table_has_a_column_for_each_question(row, capsys):
    show_answers({"a way": row})
    title, line = capsys.readouterr().out.splitlines()
    assert line.split() == ["a", "way", "True", "load", "fails", "-", "False", "True"]
    assert title.index("predicts") == line.index("False")
