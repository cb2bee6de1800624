"""The original files of a published data set, from the user's folder or downloaded; checksums verified either way."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from sw.errors import SubbitError

__all__ = ["SourceFile", "obtain"]


@dataclass(frozen=True)
class SourceFile:
    """One original file: its name, its published MD5 sum, and where it can be downloaded."""

    name: str
    md5: str
    url: str


def obtain(data_set: str, files: tuple[SourceFile, ...], data_dir: str | Path | None = None) -> list[Path]:
    """Paths of the files, each one checked: in `data_dir` or its sub-folder `data_set`, or in the download cache.

    Without `data_dir` the files are downloaded once into the user's cache. Raises SubbitError where a file is missing,
    differs from the published one, or cannot be downloaded.
    """
    if data_dir is None:
        return [_download(data_set, file) for file in files]
    folder = Path(data_dir)
    if not folder.is_dir():
        raise SubbitError(f"the data folder {folder} does not exist: name the folder that holds {files[0].name}")
    if not (folder / files[0].name).is_file() and (folder / data_set).is_dir():
        folder = folder / data_set
    missing = [file.name for file in files if not (folder / file.name).is_file()]
    if missing:
        raise SubbitError(f"the folder {folder} lacks {', '.join(missing)}: put the original files of {data_set} there")
    for file in files:
        _check(folder / file.name, file.md5)
    return [folder / file.name for file in files]


def _check(path: Path, expected: str) -> None:
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "md5").hexdigest()
    if found != expected:
        raise SubbitError(
            f"{path} is not the original file: its MD5 sum is {found} and should be {expected}; fetch the file again"
        )


def _download(data_set: str, file: SourceFile) -> Path:
    try:
        import pooch
    except ImportError:
        raise SubbitError("downloading needs pooch: pip install pooch, or name a folder with the files") from None
    folder = Path(pooch.os_cache("subbit")) / data_set
    try:
        return Path(pooch.retrieve(file.url, f"md5:{file.md5}", file.name, folder, progressbar=False))
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise SubbitError(
            f"{file.name} of {data_set} could not be downloaded from {file.url} ({reason}): "
            f"fetch the files some other way and name their folder as the data folder"
        ) from error
