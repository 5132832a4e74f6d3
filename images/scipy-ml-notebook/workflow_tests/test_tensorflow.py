"""TensorFlow trains a small network; on a GPU, where one is expected, and nowhere else."""

import gpu
import numpy
import pytest
import tensorflow


@pytest.fixture(scope="module")
def device():
    if not gpu.expected():
        return "CPU"
    assert tensorflow.config.list_physical_devices("GPU"), "a GPU is expected, and TensorFlow sees none"
    return "GPU"


def circles():
    """Points and whether they lie in the unit circle: no straight line separates them."""
    points = numpy.random.default_rng(1).uniform(-1.5, 1.5, (2000, 2)).astype("float32")
    return points, (numpy.linalg.norm(points, axis=1) < 1).astype("float32")


def test_network_learns_a_circle(device):
    tensorflow.keras.utils.set_random_seed(1)
    points, labels = circles()
    keras = tensorflow.keras
    with tensorflow.device(f"/{device}:0"):
        model = keras.Sequential([keras.layers.Dense(32, "relu"), keras.layers.Dense(1, "sigmoid")])
        model.compile(optimizer=keras.optimizers.Adam(0.02), loss="binary_crossentropy", metrics=["accuracy"])
        history = model.fit(points, labels, epochs=20, batch_size=100, verbose=0)
    assert history.history["accuracy"][-1] > 0.95
    # TensorFlow quietly takes the CPU where the GPU cannot be used; its variables tell.
    assert all(device in variable.value.device for variable in model.trainable_variables)


def test_matrices_are_multiplied_on_the_device(device):
    with tensorflow.device(f"/{device}:0"):
        matrix = tensorflow.ones((256, 256))
        product = tensorflow.linalg.matmul(matrix, matrix)
    assert device in product.device
    assert product.numpy()[0, 0] == 256


def test_memory_of_the_gpu_was_used(device):
    if device != "GPU":
        pytest.skip("no GPU is expected")
    assert tensorflow.config.experimental.get_memory_info("GPU:0")["peak"] > 0
