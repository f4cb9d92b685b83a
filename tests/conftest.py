"""What every test needs: torchvision importable where only its CUDA build can be installed."""

from rehearsal import torchvision_on_cpu

torchvision_on_cpu.install()
