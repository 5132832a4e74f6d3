"""PyTorch trains a small network; on a GPU, where one is expected, and nowhere else."""

import gpu
import pytest
import torch


@pytest.fixture(scope="module")
def device():
    if not gpu.expected():
        return torch.device("cpu")
    assert torch.cuda.is_available(), "a GPU is expected, and PyTorch sees none"
    return torch.device("cuda")


def circles(device):
    """Points and whether they lie in the unit circle: no straight line separates them."""
    generator = torch.Generator().manual_seed(1)
    points = torch.rand(2000, 2, generator=generator) * 3 - 1.5
    return points.to(device), (points.norm(dim=1) < 1).float().unsqueeze(1).to(device)


def train(model, points, labels, steps=300):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(steps):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model(points), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def test_network_learns_a_circle(device):
    torch.manual_seed(1)
    model = torch.nn.Sequential(torch.nn.Linear(2, 32), torch.nn.ReLU(), torch.nn.Linear(32, 1)).to(device)
    points, labels = circles(device)
    before = used_memory(device)
    train(model, points, labels)
    accuracy = ((model(points) > 0) == labels.bool()).float().mean().item()
    assert accuracy > 0.95
    assert {parameter.device.type for parameter in model.parameters()} == {device.type}
    if device.type == "cuda":
        assert used_memory(device) > before, "the training has left no trace in the GPU's memory"


def used_memory(device):
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0


def test_convolution_gives_the_same_as_by_hand(device):
    image = torch.arange(25.0, device=device).reshape(1, 1, 5, 5)
    blurred = torch.nn.functional.conv2d(image, torch.ones(1, 1, 3, 3, device=device))
    assert blurred.device.type == device.type
    assert blurred[0, 0, 0, 0].item() == sum(float(5 * row + column) for row in range(3) for column in range(3))


def test_kernels_run_on_the_gpu(device):
    """The profiler is the witness: it lists what the GPU itself has executed."""
    if device.type != "cuda":
        pytest.skip("no GPU is expected")
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        matrix = torch.rand(512, 512, device=device)
        (matrix @ matrix).sum().item()
    assert any(event.device_type == torch.autograd.DeviceType.CUDA for event in profile.events())
