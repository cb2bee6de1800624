"""The host's side of the link, in plain Python: images to a board, classes and scores back."""

from boards.host.client import Answers, Client, Statistics
from boards.host.description import BoardDescription
from boards.host.transport import SerialTransport, Transport

__all__ = ["Answers", "BoardDescription", "Client", "SerialTransport", "Statistics", "Transport"]
