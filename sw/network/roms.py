"""The memories that a Network's weights are encoded in."""

from sw.network.encodings import Rom
from sw.network.layers import Linear
from sw.network.network import Network

__all__ = ["encoded_roms"]


def encoded_roms(network: Network, dense: bool = False) -> dict[str, Rom]:
    """Memories of every layer with weights, by LAYER.ENCODING.NAME; layers of plain bits only with ``dense``."""
    return {
        f"{layer.name}.{layer.weights.kind}.{name}": rom
        for layer in network.layers
        if isinstance(layer, Linear) and (dense or layer.weights.kind != "dense")
        for name, rom in layer.weights.roms().items()
    }
