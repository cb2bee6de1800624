"""A Network, trained here or imported, made compact with or without training it further."""

from dataclasses import replace

import numpy as np

from sw.compact.method import Evidence, Method, convert, parse_methods
from sw.compact.restore import model_of, spec_of
from sw.compact.train import prepared_by
from sw.errors import SubbitError
from sw.network import Network, digest
from sw.train import fit
from sw.train.config import TrainConfig
from sw.train.data import DataSet, stratified_split
from sw.train.export import export
from sw.train.fit import TrainResult

__all__ = ["check_data", "fine_tune", "validation_part"]

CALIBRATION = 1000


def check_data(network: Network, data: DataSet) -> None:
    """Raise SubbitError unless the images and the classes of `data` are those of `network`."""
    image = network.input
    wanted, given = (image.height, image.width, image.channels, image.bits), (*data.shape, data.bits)
    if wanted != given:
        told = ("{}x{}x{} pixels of {} bits".format(*sizes) for sizes in (wanted, given))
        raise SubbitError("{} reads images of {}, and {} has {}".format(network.name, next(told), data.name, *told))
    if network.classes != data.classes:
        raise SubbitError(f"{network.name} tells {network.classes} classes apart, and {data.name} has {data.classes}")


def validation_part(data: DataSet, share: float, seed: int) -> Evidence:
    """The training images that no training with this share and seed is fitted to, with their labels."""
    held = stratified_split(data.train_labels, share, seed)[1]
    return Evidence(data.train_images[held], data.train_labels[held])


def fine_tune(network: Network, config: TrainConfig, data: DataSet) -> tuple[Network, TrainResult]:
    """`network` trained further on `data` with the methods that `config.compact` names, and what the training found.

    A method that changes a training before it begins (slices) changes the network instead, without training; the others
    are attached to the model that gives the network's scores. The rest is as `sw.train.fit.train` promises: the best
    epoch on the validation images, Ctrl-C, `resume`. Of `config` the fields that describe a model are not looked at.
    Raises SubbitError.
    """
    check_data(network, data)
    methods = parse_methods(config.compact)
    shrinking = [method for method in methods if type(method).revise is not Method.revise]
    training = [method for method in methods if method not in shrinking]
    started = convert(network, shrinking, validation_part(data, config.validation, config.seed))
    known = spec_of(started)
    told = replace(
        config,
        start=digest(network),
        topology=known.topology,
        width=1.0,
        encoding=known.encoding,
        padding=known.padding,
        activation_bits=known.activation_bits,
    )
    fitted = stratified_split(data.train_labels, config.validation, config.seed)[0]
    sample = data.train_images[np.sort(fitted)[:: max(1, len(fitted) // CALIBRATION)]]
    result = fit.train(told, data, prepared_by(training), lambda spec: model_of(started, sample, spec))
    tuned = export(result.model, network.name)
    for method in training:
        tuned = method.finish(tuned)
    return tuned, result
