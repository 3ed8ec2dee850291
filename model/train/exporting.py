"""From trained weights to what is served: ONNX with 8-bit weights."""

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from transformers import AutoModelForTokenClassification

_OPSET = 17


class _Read(torch.nn.Module):  # type: ignore[misc]  # torch tells mypy nothing
    """What ONNX is to hold of a network: ids and mask in, one table out."""

    def __init__(self, network: torch.nn.Module, read: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.network = network
        self.read = read

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return self.read(input_ids, attention_mask)


def export_tagger(weights: Path, out: Path) -> None:
    """`input_ids`, `attention_mask` [windows, pieces] to `logits` [windows, pieces, labels]."""
    network = AutoModelForTokenClassification.from_pretrained(weights, attn_implementation="eager").eval()
    _export(_Read(network, lambda ids, mask: network(input_ids=ids, attention_mask=mask).logits), "logits", out)


def _export(network: _Read, output: str, out: Path) -> None:
    ids = torch.randint(1000, 2000, (2, 17))
    free = {"input_ids": {0: "rows", 1: "pieces"}, "attention_mask": {0: "rows", 1: "pieces"}, output: {0: "rows"}}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of every choice that it makes
        whole = Path(folder) / "whole.onnx"
        torch.onnx.export(
            network, (ids, torch.ones_like(ids)), str(whole), input_names=["input_ids", "attention_mask"],
            output_names=[output], dynamic_axes=free, opset_version=_OPSET, dynamo=False,
        )  # fmt: skip
        quantize_dynamic(whole, out, weight_type=QuantType.QInt8, per_channel=True)
