"""The datapaths: ways to compute a layer, one file each, chosen layer by layer."""

from hw.plan.datapath.base import DATAPATHS, Datapath, datapath
from hw.plan.datapath.lookup import Lookup
from hw.plan.datapath.xnor import Xnor

__all__ = ["DATAPATHS", "Datapath", "Lookup", "Xnor", "datapath"]
