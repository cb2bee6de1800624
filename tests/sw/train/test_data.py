import gzip
import hashlib
import io
import pickle
import struct
import tarfile

import numpy as np
import pytest
from PIL import Image

from sw.errors import SubbitError
from sw.train.data import DATA_SETS, DataSet, load, stratified_split
from sw.train.data.cifar import read_archive
from sw.train.data.files import SourceFile, obtain
from sw.train.data.idx import read_idx


def test_digits_have_four_bits_and_a_fixed_split():
    data = load("digits")
    assert (data.shape, data.bits, data.classes) == ((8, 8, 1), 4, 10)
    assert (len(data.train_labels), len(data.test_labels)) == (1438, 359)
    assert data.train_images.max() == 15
    assert np.bincount(data.test_labels).min() >= 34
    assert np.array_equal(data.test_labels, load("digits").test_labels)


def test_a_stratified_split_takes_its_share_of_every_class():
    labels = np.repeat([0, 1, 2], [50, 20, 3])
    kept, held = stratified_split(labels, 0.2, seed=1)
    assert np.bincount(labels[held]).tolist() == [10, 4, 1]
    assert sorted([*kept, *held]) == list(range(73))
    assert not np.array_equal(held, stratified_split(labels, 0.2, seed=2)[1])


def test_an_unknown_data_set_lists_the_known_ones():
    with pytest.raises(SubbitError) as error:
        load("imagenet")
    assert str(error.value) == f"'imagenet' is no data set: it must be one of {', '.join(DATA_SETS)}"


def test_a_data_set_checks_its_arrays(blobs):
    images, labels = blobs.train_images, blobs.train_labels
    with pytest.raises(ValueError, match="^train_images must have pixels below 8, not 15$"):
        DataSet("x", images, labels, images, labels, 3, ("a", "b", "c"))
    with pytest.raises(ValueError, match="^test_images must be of the shape of train_images"):
        DataSet("x", images, labels, images[:, :5], labels, 4, ("a", "b", "c"))
    with pytest.raises(ValueError, match="^test_labels must be from 0 to 1, not 2$"):
        DataSet("x", images, labels % 2, images, labels, 4, ("a", "b"))
    with pytest.raises(ValueError, match="^train_images must be uint8"):
        DataSet("x", images[0], labels, images, labels, 4, ("a", "b", "c"))


def idx_bytes(array):
    return gzip.compress(struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes())


def test_an_idx_file_is_read(tmp_path):
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    (tmp_path / "a.gz").write_bytes(idx_bytes(array))
    assert np.array_equal(read_idx(tmp_path / "a.gz"), array)


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-9], lambda b: b"x" + b, lambda b: gzip.compress(b"\0\0\x08\x01"), len]
)
def test_a_damaged_idx_file_is_refused(tmp_path, damage):
    damaged = damage(idx_bytes(np.arange(9, dtype=np.uint8)))
    (tmp_path / "a.gz").write_bytes(
        damaged if isinstance(damaged, bytes) else gzip.compress(b"\0\0\x08\x01\0\0\0\x09ab")
    )
    with pytest.raises(SubbitError, match=r"a\.gz is not "):
        read_idx(tmp_path / "a.gz")


def test_a_data_folder_must_hold_the_original_files(tmp_path):
    with pytest.raises(
        SubbitError, match="^the data folder .*nowhere does not exist: name the folder that holds train"
    ):
        load("mnist", tmp_path / "nowhere")
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"not it")
    with pytest.raises(SubbitError) as error:
        load("mnist", tmp_path)
    lacking = "train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte.gz"
    assert str(error.value) == f"the folder {tmp_path} lacks {lacking}: put the original files of mnist there"


def test_a_checksum_that_differs_names_the_file_and_both_sums(tmp_path):
    path = tmp_path / "cifar10" / "cifar-10-python.tar.gz"
    path.parent.mkdir()
    path.write_bytes(b"not it")
    with pytest.raises(SubbitError) as error:
        load("cifar10", tmp_path)  # found in the sub-folder that has the data set's name
    found = hashlib.md5(b"not it").hexdigest()
    assert str(error.value) == (
        f"{path} is not the original file: its MD5 sum is {found} and should be c58f30108f718f92721af3b95e74349a; "
        f"fetch the file again"
    )


def test_a_download_that_fails_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    file = SourceFile("a.gz", "0" * 32, (tmp_path / "nothing").as_uri().replace("file", "http", 1) + "/a.gz")
    with pytest.raises(SubbitError, match=r"^a\.gz of things could not be downloaded from http.*name their folder"):
        obtain("things", (file,))


def cifar_batch(images, labels):
    """A batch as Python 2 pickled those of the archive: strings of bytes, and numpy under its old module names."""
    raw = images.transpose(0, 3, 1, 2).tobytes()
    return b"".join(
        [
            b"\x80\x02}(U\x04datacnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R",
            b"(K\x01K" + bytes([len(images)]) + b"M\x00\x0c\x86",
            b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb",
            b"\x89T" + struct.pack("<I", len(raw)) + raw + b"tb",
            b"U\x06labels](" + b"".join(b"K" + bytes([label]) for label in labels) + b"eu.",
        ]
    )


def write_archive(path, content):
    with tarfile.open(path, "w:gz") as archive:
        for name, data in content.items():
            info = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def cifar_names():
    return [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]


def test_the_cifar_archive_is_read(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.uint8)
    content = {name: cifar_batch(images, [i, 3]) for i, name in enumerate(cifar_names())}
    write_archive(tmp_path / "c.tar.gz", content)
    train, test = read_archive(tmp_path / "c.tar.gz")
    assert train[1].tolist() == [0, 3, 1, 3, 2, 3, 3, 3, 4, 3]
    assert np.array_equal(train[0], np.concatenate([images] * 5))
    assert np.array_equal(test[0], images)
    assert test[1].tolist() == [5, 3]


def test_code_in_a_cifar_archive_is_not_run(tmp_path):
    hostile = pickle.dumps({"data": print, "labels": []}, 2)
    write_archive(tmp_path / "c.tar.gz", dict.fromkeys(cifar_names(), hostile))
    with pytest.raises(SubbitError, match="print does not belong in a CIFAR-10 batch"):
        read_archive(tmp_path / "c.tar.gz")


def test_an_incomplete_cifar_archive_is_refused(tmp_path):
    write_archive(tmp_path / "c.tar.gz", {"data_batch_1": b"?"})
    with pytest.raises(SubbitError, match=r"c\.tar\.gz is not the CIFAR-10 archive for Python"):
        read_archive(tmp_path / "c.tar.gz")


def write_images(root, count=5, size=(6, 4), mode="L", classes=("cat", "dog")):
    for value, name in enumerate(classes):
        (root / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            color = 10 * value + i if mode == "L" else (10 * value + i, 1, 2)
            Image.new(mode, size, color).save(root / name / f"{i}.png")


def test_a_folder_of_images_is_split_by_a_seed(tmp_path):
    write_images(tmp_path)
    data = load(f"folder:{tmp_path}")
    assert (data.class_names, data.shape, data.bits) == (("cat", "dog"), (4, 6, 1), 8)
    assert (len(data.train_labels), len(data.test_labels)) == (8, 2)
    assert {*data.train_images[:, 0, 0, 0], *data.test_images[:, 0, 0, 0]} == {0, 1, 2, 3, 4, 10, 11, 12, 13, 14}
    assert load(f"folder:{tmp_path}", size=(8, 8)).shape == (8, 8, 1)
    seeds = {tuple(load(f"folder:{tmp_path}", seed=seed).test_images[:, 0, 0, 0]) for seed in range(5)}
    assert len(seeds) > 1


def test_a_folder_may_come_with_its_own_split_and_in_colour(tmp_path):
    write_images(tmp_path / "train", mode="RGB")
    write_images(tmp_path / "test", count=2)
    data = load(f"folder:{tmp_path}")
    assert data.shape == (4, 6, 3)
    assert data.train_images[0, 0, 0].tolist() == [0, 1, 2]
    assert data.test_labels.tolist() == [0, 0, 1, 1]


def test_what_is_wrong_with_a_folder_is_said(tmp_path):
    with pytest.raises(SubbitError, match="^the folder of images .*none does not exist$"):
        load(f"folder:{tmp_path / 'none'}")
    (tmp_path / "cat").mkdir()
    with pytest.raises(SubbitError, match="must have a sub-folder of images for each of at least two classes, not 1$"):
        load(f"folder:{tmp_path}")
    (tmp_path / "dog").mkdir()
    with pytest.raises(SubbitError, match=r"cat holds no images \(\.bmp"):
        load(f"folder:{tmp_path}")
    write_images(tmp_path, count=1)
    with pytest.raises(SubbitError, match="needs at least two images in every class"):
        load(f"folder:{tmp_path}")
    write_images(tmp_path, count=2)
    Image.new("L", (9, 9)).save(tmp_path / "cat" / "1.png")
    with pytest.raises(SubbitError, match=r"differ.* in size.*give .* size"):
        load(f"folder:{tmp_path}")
    (tmp_path / "cat" / "1.png").write_bytes(b"not an image")
    with pytest.raises(SubbitError, match=r"1\.png is no image that can be read"):
        load(f"folder:{tmp_path}")


def test_both_halves_of_a_split_folder_need_the_same_classes(tmp_path):
    write_images(tmp_path / "train", classes=("cat", "dog", "owl"))
    write_images(tmp_path / "test")
    with pytest.raises(SubbitError, match="must have the same classes: 'owl' is in one only$"):
        load(f"folder:{tmp_path}")


def test_a_gzip_bomb_is_no_idx_file(tmp_path):
    bomb = idx_bytes(np.zeros(9, np.uint8)) + gzip.compress(bytes(40 << 20))
    (tmp_path / "a.gz").write_bytes(bomb)
    with pytest.raises(SubbitError, match="it is far larger than its file"):
        read_idx(tmp_path / "a.gz")
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"\0\0\x08\xff" + b"\0\0\0\1" * 255 + b"a"))
    with pytest.raises(SubbitError, match="not an idx file of bytes of the shape"):
        read_idx(tmp_path / "a.gz")


@pytest.mark.parametrize(
    "batch",
    [
        b"\x80\x02Nr\xff\xff\xff\x7f.",  # a memo of 2**31 entries
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nJ\xff\xff\xff\x7f\x85U\x01b\x87R.",
        b"\x80\x02(" * 20_000 + b".",
        pickle.dumps({"data": b"", "labels": []}, 2),
        pickle.dumps([], 2),
        pickle.dumps({b"data": b"x", b"labels": [True]}, 2),
    ],
    ids=["memo", "array", "nesting", "strings", "list", "labels"],
)
def test_a_batch_that_would_take_memory_or_is_none(tmp_path, batch):
    write_archive(tmp_path / "c.tar.gz", dict.fromkeys(cifar_names(), batch))
    with pytest.raises(SubbitError, match=r"c\.tar\.gz is not the CIFAR-10 archive for Python \("):
        read_archive(tmp_path / "c.tar.gz")


def test_a_picture_that_a_program_would_have_to_draw_is_none(tmp_path):
    write_images(tmp_path)
    (tmp_path / "cat" / "1.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 6 4\n%%EndComments\n")
    with pytest.raises(SubbitError, match=r"1\.png is no image that can be read \(cannot identify image file"):
        load(f"folder:{tmp_path}")


def test_a_small_file_of_many_pixels_is_no_picture(tmp_path):
    write_images(tmp_path)
    Image.new("1", (9000, 9000)).save(tmp_path / "cat" / "1.png")
    with pytest.raises(SubbitError, match=r"1\.png is no image that can be read \(81,000,000 pixels are too many"):
        load(f"folder:{tmp_path}", size=(4, 4))
