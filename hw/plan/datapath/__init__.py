"""The datapaths: ways to compute a layer, one file each, chosen layer by layer."""

from hw.plan.datapath.base import DATAPATHS, Datapath, datapath
from hw.plan.datapath.bit_serial import BitSerial
from hw.plan.datapath.lookup import Lookup
from hw.plan.datapath.sparse import Sparse
from hw.plan.datapath.unrolled import Unrolled
from hw.plan.datapath.xnor import Xnor

__all__ = ["DATAPATHS", "BitSerial", "Datapath", "Lookup", "Sparse", "Unrolled", "Xnor", "datapath"]
