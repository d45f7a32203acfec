import pytest
import torch

from unrolled.training import device


def test_a_gpu_is_used_when_there_is_one(monkeypatch):
    monkeypatch.delenv("UNROLLED_DEVICE", raising=False)
    assert device().type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_the_name_goes_before_the_environment(monkeypatch):
    monkeypatch.setenv("UNROLLED_DEVICE", "nonsense")
    assert device("cpu") == torch.device("cpu")
    with pytest.raises(ValueError, match=r"UNROLLED_DEVICE must .*got 'nonsense'"):
        device()


def test_a_device_that_is_not_there_is_named():
    with pytest.raises(ValueError, match=r"device must name a device that torch has.*'cuda:99'"):
        device("cuda:99")
