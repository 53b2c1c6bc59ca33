"""Importing lossutils.teaching says nothing, and leaves the devices to whoever imports it."""

import subprocess
import sys

import pytest

TWO = """
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
"""
COUNT = "print(float(tf.ones(())), len(tf.config.list_logical_devices('CPU')))"


@pytest.mark.parametrize(("then", "devices"), [("", 1), (TWO, 2)], ids=["nothing", "two devices"])
@pytest.mark.slow
def test_a_cpu_is_one_device_until_somebody_makes_it_two(then, devices):
    code = f"import lossutils.teaching\nimport tensorflow as tf\n{then}\n{COUNT}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == (f"1.0 {devices}\n", "")
