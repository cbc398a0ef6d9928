"""The files of a student: its tensors as safetensors, all else as canonical JSON. Neither runs code when read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field, ValidationError

from distill_platform.core.canon import dumps, parse
from distill_platform.core.config import StrictModel
from distill_platform.core.errors import CanonError, ModelError
from distill_platform.models.tsmixer.architecture import Architecture
from distill_platform.models.tsmixer.network import network_of
from distill_platform.models.tsmixer.normalization import Normalization
from distill_platform.models.tsmixer.settings import StudentSettings
from distill_platform.models.tsmixer.student import Student, student_architecture

if TYPE_CHECKING:
    from torch import Tensor

TENSORS_FILE, STUDENT_FILE = "student.safetensors", "student.json"

_Number = Annotated[float, Field(allow_inf_nan=False)]
_Scale = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


class _NormalizationFile(StrictModel):
    """Means and scales of the channels, in the order of the features, and of the label."""

    kind: Literal["reversible_instance"]
    means: list[_Number]
    scales: list[_Scale]
    label_mean: _Number
    label_scale: Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


class _StudentFile(StrictModel):
    """The whole of `student.json`."""

    format: Literal["tsmixer/1"]
    feature_names: Annotated[list[str], Field(min_length=1)]
    interval_ns: Annotated[int, Field(gt=0)]
    n_tokens: int
    n_channels: int
    normalization: _NormalizationFile
    settings: StudentSettings


def to_files(student: Student) -> dict[str, bytes]:
    """Return the files of a student by name: the same student, the same bytes."""
    from safetensors.torch import save

    tensors = {name: tensor.contiguous() for name, tensor in student.network.tensors().items()}
    return {TENSORS_FILE: save(tensors), STUDENT_FILE: dumps(_document(student).model_dump(mode="json"))}


def from_files(files: Mapping[str, bytes]) -> Student:
    """Return the student that the files describe; ModelError for any other content."""
    try:
        stored = _StudentFile.model_validate(parse(files[STUDENT_FILE]))
    except (KeyError, CanonError, ValidationError) as error:
        raise ModelError(f"{STUDENT_FILE} is not there, or not a student: {type(error).__name__}") from None
    names, norm = stored.feature_names, stored.normalization
    counts = {len(names), len(set(names)), stored.n_channels, len(norm.means), len(norm.scales)}
    if len(counts) > 1 or stored.n_tokens != stored.settings.length:
        raise ModelError(f"{STUDENT_FILE} contradicts itself about its channels or the length of a sequence")
    architecture = student_architecture(stored.settings, stored.n_channels)
    return Student(
        feature_names=tuple(names),
        interval_ns=stored.interval_ns,
        settings=stored.settings,
        normalization=Normalization(np.array(norm.means), np.array(norm.scales), norm.label_mean, norm.label_scale),
        network=network_of(architecture, _tensors(files, architecture)),
    )


def _document(student: Student) -> _StudentFile:
    norm = student.normalization
    return _StudentFile(
        format="tsmixer/1",
        feature_names=list(student.feature_names),
        interval_ns=student.interval_ns,
        n_tokens=student.n_tokens,
        n_channels=student.n_channels,
        normalization=_NormalizationFile(
            kind="reversible_instance",
            means=norm.means.tolist(),
            scales=norm.scales.tolist(),
            label_mean=norm.label_mean,
            label_scale=norm.label_scale,
        ),
        settings=student.settings,
    )


def _tensors(files: Mapping[str, bytes], architecture: Architecture) -> dict[str, Tensor]:
    """Return the tensors, of exactly the names, shapes and type that the architecture has, all finite."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensors: dict[str, Tensor] = load(files[TENSORS_FILE])
    except (KeyError, SafetensorError) as error:
        raise ModelError(f"{TENSORS_FILE} is not there, or not safetensors: {type(error).__name__}") from None
    expected = architecture.weights() | architecture.statistics()
    if {name: tuple(tensor.shape) for name, tensor in tensors.items()} != expected:
        raise ModelError(f"{TENSORS_FILE} holds other tensors than {STUDENT_FILE} asks for")
    for name, tensor in tensors.items():
        if tensor.dtype != torch.float32 or not bool(tensor.isfinite().all()):
            raise ModelError(f"{TENSORS_FILE}: {name} is not of finite 32-bit floats")
    return tensors
